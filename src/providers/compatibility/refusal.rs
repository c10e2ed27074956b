//! Which optional parameters a vendor's error refuses, and whether it refuses the parameter itself or only its value, one
//! of its members, or its combination with something else.

use super::history;
use super::optional::{NEWER_LIMIT, OPTIONAL, Parameters, STREAM_MEMBERS, names_of_messages};
use crate::providers::errors::UpstreamError;

/// How vendors say that they do not accept something, in lowercase.
const PHRASES: &[&str] = &[
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

/// The parameters that a vendor's error refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// What to leave out of a second call.
    pub left_out: Parameters,
    /// Those of them that are refused themselves, whatever their value.
    pub themselves: Parameters,
}

/// The parameters in `sent` that the vendor's error refuses. Only a 400 or 422 with a known phrase counts.
#[must_use]
pub fn refused_parameters(error: &UpstreamError, sent: Parameters) -> Refusal {
    if sent.is_empty() || !matches!(error.status, 400 | 422) {
        return Refusal::default();
    }
    let labels = [&error.code, &error.kind, &error.inner_code].into_iter().flatten();
    let said: Vec<String> = labels
        .map(String::as_str)
        .chain([error.message.as_str()])
        .map(|text| text.to_ascii_lowercase().replace('_', " "))
        .collect();
    let refuses = |text: &String| PHRASES.iter().any(|phrase| text.contains(&phrase.replace('_', " ")));
    if !said.iter().any(refuses) {
        return Refusal::default();
    }
    let (at_fault, rest) = error.param.as_deref().map(parted).unwrap_or_default();
    let is_named = |name: &str| {
        let is_refused = name != "max_tokens" || wants_newer_limit(error);
        let named = at_fault == name || names(&error.message, name) || names(&error.message, &camel(name));
        is_refused && named
    };
    let named = Parameters::of(OPTIONAL.iter().copied().filter(|name| sent.contains(name) && is_named(name)));
    let in_history = history::named(error, sent);
    let named = named.with(in_history.all);
    // What other vendors add is refused alike, and providers name one member at a time.
    let alike = if in_history.all.is_empty() { Parameters::default() } else { history::alike(sent) };
    if said.iter().any(|text| is_conditional(text)) || supports_something_else(&error.message) {
        return Refusal { left_out: named.with(alike), themselves: Parameters::default() };
    }
    let of_a_member = |name: &str| {
        at_fault == name && is_inside(name, rest)
            || places(&error.message, name).any(|place| place.inside(name))
    };
    let members =
        Parameters::of(OPTIONAL.iter().copied().filter(|name| named.contains(name) && of_a_member(name)));
    let refusal = Refusal { left_out: named, themselves: named };
    let refusal = refusal.of_members(members.with(in_history.inside), sent);
    Refusal { left_out: refusal.left_out.with(alike), ..refusal }
}

impl Refusal {
    /// The same refusal, which is about members or values of these parameters only.
    #[must_use]
    pub fn of_members(self, members: Parameters, sent: Parameters) -> Self {
        let options = Parameters::of(["stream_options"]);
        let others = Parameters::of([STREAM_MEMBERS]).common(sent);
        let keeps_usage = !members.common(options).is_empty() && !others.is_empty();
        let left_out = if keeps_usage { self.left_out.without(options).with(others) } else { self.left_out };
        Self { left_out, themselves: self.themselves.without(members) }
    }
}

/// The name of a parameter, and its path within it.
fn parted(path: &str) -> (&str, &str) {
    path.split_at(path.find(['.', '[']).unwrap_or(path.len()))
}

/// Whether the text after a parameter's name leads into its value. `stream_options` is refused itself if
/// `include_usage` is, because the gateway sends nothing else in it.
fn is_inside(name: &str, after: &str) -> bool {
    let member =
        after.strip_prefix('.').filter(|rest| rest.starts_with(|first: char| first.is_alphanumeric()));
    let usage = name == "stream_options" && member.is_some_and(|member| member.starts_with("include_usage"));
    after.starts_with('[') || member.is_some() && !usage
}

/// Words about a value, or about a combination of parameters, in lowercase and without underscores.
const CONDITIONS: &[&str] = &[
    "along",
    "alongside",
    "allowed values",
    "at least",
    "at most",
    "because",
    "between",
    "combination",
    "combine",
    "combined",
    "default",
    "expected",
    "for requests",
    "greater",
    "if",
    "invalid type",
    "invalid value",
    "less",
    "maximum",
    "minimum",
    "must",
    "one of",
    "only",
    "out of range",
    "permitted values",
    "range",
    "require",
    "required",
    "requires",
    "since",
    "supported are",
    "supported:",
    "supported values",
    "together",
    "unless",
    "unsupported value",
    "valid values",
    "value",
    "values",
    "when",
    "while",
    "with a",
    "without",
];

/// What may follow "with" where a parameter is refused whatever else the request has.
const WITH_MODEL: &[&str] =
    &["this model", "the model", "model", "this endpoint", "this api", "this provider", "this deployment"];

/// Whether the parameter is refused only for its value, or only together with something else.
fn is_conditional(text: &str) -> bool {
    // Pydantic's type for an unknown field, and the value of one. How Groq begins an error about a message.
    let text = &text.replace("value error.extra", "").replace(", value:", ",");
    let text = &text.replace("the following must be satisfied", "");
    let words = |parts: &str| {
        text.match_indices(parts).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let after = text.get(at + parts.len()..).unwrap_or_default();
            let letter = |character: char| character.is_alphanumeric();
            // "Argument not supported: x" is about the parameter, "supported: x" about its values.
            let refuses = parts == "supported:" && before.ends_with("not ");
            !refuses && !before.ends_with(letter) && (parts.ends_with(':') || !after.starts_with(letter))
        })
    };
    let combined = text.match_indices(" with ").any(|(at, with)| {
        let after = text.get(at + with.len()..).unwrap_or_default().trim_start_matches(['\'', '"', '`']);
        !WITH_MODEL.iter().any(|model| after.starts_with(model))
    });
    combined || CONDITIONS.iter().any(|parts| words(parts))
}

/// Whether the vendor says "does not support" of something in quotes that is no parameter: of a value, then.
fn supports_something_else(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    lower.match_indices(" support ").any(|(at, support)| {
        let after = lower.get(at + support.len()..).unwrap_or_default();
        let quoted = after.strip_prefix(['\'', '"', '`']);
        let word = quoted.and_then(|quoted| quoted.split(['\'', '"', '`']).next());
        word.is_some_and(|word| !OPTIONAL.contains(&word) && names_of_messages().all(|name| name != word))
            || after.starts_with(|first: char| first.is_ascii_digit())
    })
}

/// Whether a message names a parameter, rather than just using the word.
pub(super) fn names(sentence: &str, name: &str) -> bool {
    places(sentence, name).next().is_some()
}

/// A place where a message names a parameter.
struct Place<'a> {
    before: &'a str,
    after: &'a str,
}

impl Place<'_> {
    /// Whether the message is about a part of the parameter's value: `stream_options.x`, or "x at 'stream_options'".
    fn inside(&self, name: &str) -> bool {
        let before = self.before.trim_end_matches(['\'', '"', '`', ' ', '\u{2018}', '\u{201c}']);
        let word = before.rsplit(' ').next().unwrap_or_default();
        is_inside(name, self.after) || matches!(word, "at" | "in" | "inside" | "of" | "within" | "under")
    }
}

/// The places where a message names a parameter.
fn places<'a>(sentence: &'a str, name: &'a str) -> impl Iterator<Item = Place<'a>> {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    sentence.match_indices(name).filter_map(move |(start, _)| {
        let before = sentence.get(..start).unwrap_or_default();
        let after = sentence.get(start + name.len()..).unwrap_or_default();
        if before.ends_with(part_of_word) || after.starts_with(part_of_word) {
            return None;
        }
        let is_no_word =
            name.contains('_') || name.contains(|character: char| character.is_ascii_uppercase());
        let lead =
            before.trim_end_matches([' ', ':', ',']).rsplit(|character| !part_of_word(character)).next();
        let named = is_no_word
            || before.ends_with(['\'', '"', '`', '\u{2018}', '\u{201c}'])
            || ["function.", "json_schema."].iter().any(|path| before.ends_with(path))
            || within(after).starts_with(':')
            || lead.is_some_and(|lead| {
                LEADS.contains(&lead.to_ascii_lowercase().as_str()) || OPTIONAL.contains(&lead)
            });
        named.then_some(Place { before, after })
    })
}

/// What follows the path into a parameter's value.
fn within(after: &str) -> &str {
    let in_path = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '[' | ']');
    if after.starts_with(['.', '[']) { after.trim_start_matches(in_path) } else { after }
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
