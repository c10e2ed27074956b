//! Whether an error is about a value of the request that the provider does not know: a voice, a file, a language. Vendors answer
//! 404 to that, too, and mean no model.

use super::normalized;
use crate::providers::UpstreamError;

/// What a request refers to or chooses besides its model.
const THINGS: [&str; 30] = [
    "attachment",
    "assistant",
    "audio",
    "audio format",
    "batch",
    "cached content",
    "cachedcontent",
    "container",
    "conversation",
    "dictionary",
    "document",
    "file",
    "guardrail",
    "image",
    "item",
    "knowledge base",
    "language",
    "output format",
    "previous response",
    "prompt",
    "quality",
    "response format",
    "response with id",
    "size",
    "skill",
    "speaker",
    "style",
    "thread",
    "vector store",
    "voice",
];

/// Words for what does not exist, or is not taken.
const UNKNOWN: [&str; 14] = [
    "could not find",
    "couldn't find",
    "cannot find",
    "does not exist",
    "doesn't exist",
    "invalid",
    "no such",
    "not available",
    "not exist",
    "not found",
    "not supported",
    "unknown",
    "unrecognized",
    "unsupported",
];

/// Words for the model, and for an address that no provider serves.
const OTHERS: [&str; 9] =
    ["model", "models", "deployment", "deployments", "endpoint", "engine", "route", "url", "path"];

/// Words for a model that is missing, also beside what it does not support.
const MISSING: [&str; 2] = ["exist", "not found"];

/// The names of parameters with the model, and those that say nothing.
const NO_VALUES: [&str; 6] = ["model", "models", "deployment", "engine", "id", "name"];

/// Whether a missing thing is a value of the request. Servers in front of a provider say that a file is missing, so only its own
/// errors count. An error inside a success is one if its code says so.
#[must_use]
pub fn is_of_an_unknown_value(error: &UpstreamError) -> bool {
    if !error.structured || !matches!(error.status, 200 | 404) {
        return false;
    }
    let labels = [&error.code, &error.kind, &error.inner_code].into_iter().flatten();
    let is_coded = labels.map(|label| words_of(label)).any(|label| says_unknown(&label));
    let is_said = || names_a_value(error) || says_unknown(&normalized(&error.message).replace('_', " "));
    is_coded || error.status == 404 && is_said()
}

/// Whether the parameter at fault is another one than the model.
fn names_a_value(error: &UpstreamError) -> bool {
    let param = error.param.as_deref().unwrap_or_default().to_ascii_lowercase();
    let name = param.split(['.', '[']).next().unwrap_or_default();
    !name.is_empty() && !NO_VALUES.contains(&name)
}

/// Whether a text says of a thing, and not of a model, that it does not exist or is not taken.
fn says_unknown(text: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|words| names(text, words));
    let contains = |words: &[&str]| words.iter().any(|words| text.contains(words));
    let is_of_the_model = || has(&OTHERS) && (!text.contains("support") || contains(&MISSING));
    has(&THINGS) && (contains(&UNKNOWN) || text.contains("not support")) && !is_of_the_model()
}

/// The words of a code, in lower case: `voice_not_found`, `VoiceNotFound`.
fn words_of(code: &str) -> String {
    let mut words = String::with_capacity(code.len() + 8);
    let mut after_small = false;
    for letter in code.chars() {
        if after_small && letter.is_ascii_uppercase() {
            words.push(' ');
        }
        after_small = letter.is_ascii_lowercase();
        words.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' });
    }
    words
}

/// Whether a text has these words, as whole ones that are no part of a name or a path: `gpt-image-1`, `/v1/audio`.
fn names(text: &str, words: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '/');
    let continues = |letter: Option<char>| letter.is_some_and(is_part);
    text.match_indices(words).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default().chars().next_back();
        let after = text.get(at + words.len()..).unwrap_or_default();
        let after = after.strip_prefix('s').unwrap_or(after).chars().next();
        !continues(before) && !continues(after)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::parse_error;

    fn is_of_a_value(status: u16, body: &Value) -> bool {
        let body = body.to_string();
        let now = chrono::DateTime::UNIX_EPOCH;
        is_of_an_unknown_value(&parse_error(status, &HeaderMap::new(), body.as_bytes(), now))
    }

    #[test]
    fn parts_are_normalized() {
        let words = THINGS.iter().chain(&UNKNOWN).chain(&OTHERS).chain(&MISSING);
        for part in words.chain(&NO_VALUES) {
            assert_eq!(&normalized(part), part);
        }
    }

    #[test]
    fn a_value_that_is_unknown_is_named_by_a_code_a_parameter_or_a_sentence() {
        for body in [
            json!({"detail": {"status": "voice_not_found", "message": "A voice with the voice_id 'x' was not found."}}),
            json!({"error": {"code": "VoiceNotFound", "message": "no"}}),
            json!({"error": {"code": "file_not_found", "message": "no"}}),
            json!({"error": {"code": "unsupported_language", "message": "no"}}),
            json!({"error": {"message": "no", "param": "voice"}}),
            json!({"error": {"message": "Unknown voice: x"}}),
            json!({"error": {"message": "No such File object: file-abc", "param": "id"}}),
            json!({"error": {"message": "Vector stores ['vs_1'] not found"}}),
            json!({"error": {"message": "The size '9x9' is not supported", "type": "not_found_error"}}),
            json!({"error": {"message": "Invalid response_format: ogg"}}),
            json!({"error": {"message": "The model x does not support the language 'tlh'."}}),
            json!({"error": {"message": "Prompt with id 'pmpt_1' not found."}}),
        ] {
            assert!(is_of_a_value(404, &body), "{body}");
            assert!(!is_of_a_value(429, &body), "{body}");
        }
    }

    #[test]
    fn a_missing_model_or_address_is_none() {
        for body in [
            json!({"error": {"message": "The model `voice-x` does not exist", "code": "model_not_found"}}),
            json!({"error": {"message": "Model 'x' does not exist or does not support audio"}}),
            json!({"error": {"message": "Unknown image model"}}),
            json!({"error": {"message": "gpt-image-1 was not found"}}),
            json!({"error": {"message": "The requested audio endpoint was not found"}}),
            json!({"error": {"message": "Invalid URL (POST /v1/audio/speech)"}}),
            json!({"error": {"message": "Not Found", "type": "not_found_error", "param": "model"}}),
            json!({"error": {"message": "Resource not found", "code": "404"}}),
            json!({"error": {"message": "No endpoints found for x/y:free."}}),
            json!({"detail": "Not Found"}),
            json!({}),
        ] {
            assert!(!is_of_a_value(404, &body), "{body}");
        }
        let page = parse_error(404, &HeaderMap::new(), b"File not found.", chrono::DateTime::UNIX_EPOCH);
        assert!(!is_of_an_unknown_value(&page));
    }
}
