//! Tells a provider's own words from those of the request that it repeats.
//!
//! A caller can write a sentence such as "You exceeded your current quota" as a role or a tool's name, and the
//! provider's error then quotes it. So what blames the model must be the provider's own: short quotations that occur in
//! the request, longer runs of its letters, and its words as a code or a time say nothing.

use std::ops::Range;

use memchr::memmem;

use super::letters::folded;
use super::message::Message;
use super::quotations::{Search, quotations};
use super::request_text::{LONGEST, RequestText};
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::UpstreamError;

/// The bytes of letters of an unquoted run. A shorter one may be a word that any two texts have in common.
const RUN: usize = 12;

/// What of a provider's error is its own.
#[derive(Debug)]
pub(in crate::gateway) enum Heard<T> {
    /// It repeats nothing of the request.
    All,
    /// It repeats something; this is the rest.
    Rest(T),
    /// The request is too long to be searched.
    Unknown,
}

/// Whether the error is a page with a title that a request which is too long to be searched does not have as it is.
pub(in crate::gateway) fn is_unrelated_page(error: &UpstreamError, request: &ChatRequest) -> bool {
    let title = || error.message.get(quotations(&error.message).next()?);
    let repeats = |title: &str| memmem::find(&request.body, title.as_bytes()).is_some();
    error.page && request.body.len() > LONGEST && !title().is_some_and(repeats)
}

/// The error without what it repeats of the request.
pub(in crate::gateway) fn own_words(
    error: &UpstreamError,
    message: &Message<'_>,
    request: &RequestText,
) -> Heard<UpstreamError> {
    if !request.is_whole() {
        return Heard::Unknown;
    }
    let message = rest_of(message, request.all(), |_| false);
    let mut search = Search::of(request.all());
    match error.own(message, |words| search.finds(&folded(words))) {
        Some(own) => Heard::Rest(own),
        None => Heard::All,
    }
}

/// The message without what it repeats of the request's values. Names of parameters stay, because an error has to
/// name them.
pub(in crate::gateway) fn without_values(
    error: &UpstreamError,
    request: &RequestText,
    names: &[&str],
) -> Heard<String> {
    if !request.is_whole() {
        return Heard::Unknown;
    }
    match rest_of(&Message::of(&error.message), request.values(), |quoted| names.contains(&quoted)) {
        Some(rest) => Heard::Rest(rest),
        None => Heard::All,
    }
}

/// The message without what it repeats. `None` means that it repeats nothing.
fn rest_of(message: &Message<'_>, text: &[u8], kept: impl Fn(&str) -> bool) -> Option<String> {
    let mut repeated: Vec<Range<usize>> = message.runs_in(text, RUN);
    let message = message.text;
    let mut search = Search::of(text);
    repeated.extend(quotations(message).filter(|place| {
        let quoted = message.get(place.clone()).unwrap_or_default();
        let letters = folded(quoted);
        // A longer one has runs.
        letters.len() < RUN && !kept(quoted) && search.finds(&letters)
    }));
    if repeated.is_empty() {
        return None;
    }
    repeated.sort_unstable_by_key(|place| place.start);
    let (mut rest, mut from) = (String::with_capacity(message.len()), 0);
    for place in repeated {
        if place.start >= from {
            rest.push_str(message.get(from..place.start).unwrap_or_default());
            rest.push_str(" \u{2026} ");
        }
        from = from.max(place.end);
    }
    rest.push_str(message.get(from..).unwrap_or_default());
    Some(rest)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::error_in_answer;

    fn heard(error: &Value, body: &Value) -> Heard<UpstreamError> {
        let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
        let error = error_in_answer(error.to_string().as_bytes());
        own_words(&error, &Message::of(&error.message), &request.text())
    }

    fn rest(message: &str, body: &Value) -> String {
        match heard(&json!({"message": message}), body) {
            Heard::All => message.to_owned(),
            Heard::Rest(rest) => rest.message,
            Heard::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn what_the_request_says_is_not_the_providers_word() {
        let said = "You exceeded your current quota, please check your \"plan\"";
        let body = json!({"model": "m", "messages": [{"role": said, "content": "credit try again in 9h"}]});
        for repeated in [
            format!("Invalid value: '{said}'. Supported values are: 'system'"),
            format!("Invalid value: {}", said.to_uppercase()),
            format!("role: input {}", json!(said)),
            "Invalid value: 'You exceeded your current quota, pl...'".to_owned(),
            format!("Invalid value: {}{said}", "some words ".repeat(1_300)),
        ] {
            let rest = rest(&repeated, &body);
            assert!(!rest.to_lowercase().contains("quota"), "{rest}");
            assert!(rest.contains("nvalid valu") || rest.contains("role"), "{rest}");
        }
        for quoted in ["'credit'", "`credit`", "\"credit\"", "\u{201c}credit\u{201d}", "'try again in 9h'"] {
            let rest = rest(&format!("no {quoted} yes"), &body);
            assert!(!rest.contains("credit") && !rest.contains("9h") && rest.contains("yes"), "{rest}");
        }
    }

    #[test]
    fn no_other_spelling_makes_words_the_providers_own() {
        let said = "You exceeded your current quota";
        let wide: String = said
            .chars()
            .map(|letter| {
                if letter == ' ' {
                    '\u{3000}'
                } else {
                    char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter)
                }
            })
            .collect();
        let words: Vec<&str> = said.split(' ').collect();
        let escaped: String = said.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
        let in_call = |arguments: &str| json!([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}]);
        for messages in [
            json!([{"role": "user", "content": wide}]),
            json!([{"role": "user", "content": words}]),
            json!(
                words
                    .iter()
                    .map(|word| json!({"type": "text", "role": "user", "text": word}))
                    .collect::<Vec<_>>()
            ),
            in_call(&format!("{{\"q\":\"{escaped}\"}}")),
            in_call(&json!(format!("{{\"q\":\"{escaped}\"}}")).to_string()),
        ] {
            let body = json!({"model": "m", "messages": messages});
            for repeated in
                [said, wide.as_str(), escaped.as_str(), &words.join(", "), &said.replace(' ', "%20")]
            {
                let rest = rest(&format!("Bad value {repeated} here"), &body);
                assert_eq!(rest, "Bad value  \u{2026}  here", "{body}");
            }
        }
    }

    #[test]
    fn codes_and_times_may_be_repeated_too() {
        let body =
            json!({"model": "m", "messages": [{"role": "insufficient_quota", "content": "reset in 9h"}]});
        let own = |error: Value| match heard(&error, &body) {
            Heard::Rest(own) => own,
            other => panic!("{other:?}"),
        };
        let coded = own(json!({"message": "no such role", "code": "insufficient_quota", "type": "a_type"}));
        assert_eq!((coded.code, coded.kind.as_deref()), (None, Some("a_type")));
        let timed = own(json!({"message": "no such text: reset in 9h; wait, available in 2s"}));
        assert_eq!(timed.reset, error_in_answer(b"{\"message\":\"available in 2s\"}").reset);
        // Its code says that a value is wrong, which blames no model.
        let body = json!({"model": "m", "messages": "invalid_value"});
        assert!(matches!(heard(&json!({"message": "no", "code": "invalid_value"}), &body), Heard::All));
    }

    #[test]
    fn the_providers_own_words_stay() {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "my credit, please"}]});
        for message in [
            "You exceeded your current quota, please check your plan and billing details.",
            "Your credit balance is too low.",
            "The model 'gpt-9' does not exist",
            "",
        ] {
            assert_eq!(rest(message, &body), message);
        }
        let long = json!({"model": "m", "messages": "x".repeat(LONGEST)});
        assert_eq!(rest("anything", &long), "unknown");
    }
}
