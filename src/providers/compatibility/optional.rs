//! Optional parameters, and which of them a vendor's error refuses.

use crate::providers::errors::UpstreamError;

/// Parameters that a request can omit without changing its meaning much. Parameters that determine the answer's
/// format, its tools or its end are not included. `max_tokens` is, because it is renamed instead of omitted. So is
/// [`STRICT`], which is a member of tools and schemas.
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

/// A subset of [`OPTIONAL`], one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters(u64);

impl Parameters {
    /// The optional parameters among these names.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(bit).fold(0, |all, bit| all | bit))
    }

    /// Whether the set contains a parameter.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.0 != 0 && bit(name).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The union of two sets.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The intersection of two sets.
    #[must_use]
    pub fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// The difference of two sets.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

fn bit(name: &str) -> Option<u64> {
    let index = OPTIONAL.iter().position(|optional| *optional == name)?;
    u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index))
}

/// Requires tool calls, or the answer, to follow their schema exactly. A member of tool definitions and schemas.
pub const STRICT: &str = "strict";

/// The name of `max_tokens` for models that reason.
pub const NEWER_LIMIT: &str = "max_completion_tokens";

/// How vendors say that they do not accept something, in lowercase.
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

/// Words after which a vendor names a parameter without quotes. In a list, another parameter also introduces the
/// next.
const LEADS: &[&str] =
    &["argument", "arguments", "field", "name", "parameter", "parameters", "supplied", "supported"];

/// Whether the vendor asks for the newer name of the output limit: "'max_tokens' is not supported with this model.
/// Use 'max_completion_tokens' instead."
fn wants_newer_limit(error: &UpstreamError) -> bool {
    error.status == 400 && names(&error.message, "max_tokens") && names(&error.message, NEWER_LIMIT)
}

/// The parameters in `sent` that the vendor's error refuses. Only a 400 or 422 with a known phrase counts.
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

/// Whether a message names a parameter, rather than just using the word.
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

/// xAI's spelling: `reasoningEffort` for `reasoning_effort`.
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
