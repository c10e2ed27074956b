//! The parameters that a request can do without, and which of them a vendor's error says that it does not take.

use crate::providers::errors::UpstreamError;

/// Parameters without which a request means the same, or nearly so. What decides about the answer's format, its tools or
/// its end is not among them. `max_tokens` is, as the one that gets another name instead of being left out; and [`STRICT`],
/// a member of tools and schemas.
pub static OPTIONAL: &[&str] = &[
    "audio",
    "cache_control",
    "chat_template_kwargs",
    "enable_thinking",
    "extra_body",
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "metadata",
    "min_p",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_mode",
    "random_seed",
    "reasoning",
    "reasoning_effort",
    "reasoning_format",
    "reasoning_split",
    "repetition_penalty",
    "safe_prompt",
    "safety_identifier",
    "search_parameters",
    "seed",
    "service_tier",
    "store",
    "stream_options",
    "strict",
    "temperature",
    "thinking",
    "thinking_budget",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// Some of [`OPTIONAL`], a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters(u64);

impl Parameters {
    /// Those of the names that are optional.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(bit).fold(0, |all, bit| all | bit))
    }

    /// Whether a parameter is among them.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.0 != 0 && bit(name).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and those.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are also among the others.
    #[must_use]
    pub fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Those of these that are not among the others.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

fn bit(name: &str) -> Option<u64> {
    let index = OPTIONAL.iter().position(|optional| *optional == name)?;
    u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index))
}

/// That calls of a tool, or the answer, must follow their schema to the letter: a member of the definition of a tool and of
/// a schema.
pub const STRICT: &str = "strict";

/// What `max_tokens` is called by models that reason.
pub const NEWER_LIMIT: &str = "max_completion_tokens";

/// How vendors say that they do not take something, in lower case.
const REFUSALS: &[&str] = &[
    "additional properties",
    "cannot find field",
    "does not support",
    "doesn't support",
    "extra fields",
    "extra inputs",
    "extra_forbidden",
    "not allowed",
    "not enabled",
    "not permitted",
    "not supported",
    "unexpected keyword",
    "unexpected parameter",
    "unknown argument",
    "unknown field",
    "unknown name",
    "unknown parameter",
    "unrecognized",
    "unrecognised",
    "unsupported",
];

/// Words behind which a vendor names a parameter without quotes; another parameter is one, too, in a list.
const LEADS: &[&str] =
    &["argument", "arguments", "field", "name", "parameter", "parameters", "supplied", "supported"];

/// Whether the vendor says that the limit of the answer goes by its newer name: "'max_tokens' is not supported with this
/// model. Use 'max_completion_tokens' instead."
fn wants_newer_limit(error: &UpstreamError) -> bool {
    error.status == 400 && names(&error.message, "max_tokens") && names(&error.message, NEWER_LIMIT)
}

/// Which of the parameters that were `sent` the vendor says that it does not take. Only a 400 or 422 is read, and only
/// one that says so in a known way.
#[must_use]
pub fn refused_parameters(error: &UpstreamError, sent: Parameters) -> Parameters {
    if sent.is_empty() || !matches!(error.status, 400 | 422) {
        return Parameters::default();
    }
    let labels = [&error.code, &error.kind, &error.inner_code].into_iter().flatten();
    let said = labels.map(String::as_str).chain([error.message.as_str()]);
    let refuses = said.map(str::to_ascii_lowercase).any(|text| {
        let text = text.replace('_', " ");
        REFUSALS.iter().any(|refusal| text.contains(&refusal.replace('_', " ")))
    });
    if !refuses {
        return Parameters::default();
    }
    let at_fault = error.param.as_deref().and_then(|param| param.split(['.', '[']).next());
    let named = OPTIONAL.iter().filter(|name| {
        let is_refused = **name != "max_tokens" || wants_newer_limit(error);
        let is_named =
            at_fault == Some(**name) || names(&error.message, name) || names(&error.message, &camel(name));
        sent.contains(name) && is_refused && is_named
    });
    Parameters::of(named.copied())
}

/// Whether a sentence names a parameter, and does not merely use the word.
fn names(sentence: &str, name: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    sentence.match_indices(name).any(|(start, _)| {
        let before = sentence.get(..start).unwrap_or_default();
        let after = sentence.get(start + name.len()..).unwrap_or_default();
        if before.ends_with(part_of_word) || after.starts_with(part_of_word) {
            return false;
        }
        let is_no_word =
            name.contains('_') || name.contains(|character: char| character.is_ascii_uppercase());
        let lead =
            before.trim_end_matches([' ', ':', ',']).rsplit(|character| !part_of_word(character)).next();
        is_no_word
            || before.ends_with(['\'', '"', '`', '\u{2018}', '\u{201c}'])
            || ["function.", "json_schema."].iter().any(|path| before.ends_with(path))
            || after.starts_with(':')
            || lead.is_some_and(|lead| {
                LEADS.contains(&lead.to_ascii_lowercase().as_str()) || OPTIONAL.contains(&lead)
            })
    })
}

/// `reasoning_effort` as xAI calls it: `reasoningEffort`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        all.push_str(letters.as_str());
        all
    })
}
