//! Hides what a provider's error repeats of the prompt: runs of its letters, quotations, and both as base64.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

use super::letters::folded;
use super::message::Message;
use super::quotations::{Search, quotations};
use super::request_text::RequestText;
use super::shared_runs::{Grams, runs_in};

/// A shorter run may be a name, or words that any two texts have in common. In bytes of letters and digits.
const RUN: usize = 32;
/// A shorter quotation says nothing about the prompt.
const NAME: usize = 6;
/// A single word with fewer digits may be the name of a model, a role or a tool.
const NUMBER: usize = 5;
/// The characters of the shortest base64 that is decoded, and the letters that it must share with the prompt.
const ENCODED: usize = 24;
const ENCODED_RUN: usize = 12;
/// A byte between two pieces, which no text has.
const BETWEEN: u8 = 0xff;

/// Decodes a piece of a longer text, of which the last bits do not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The message with the length in place of what it repeats of the prompt: runs of 32 letters or more, and quotations
/// unless they look like a name. `None` means that it repeats nothing.
pub(in crate::gateway) fn without_excerpts(message: &Message<'_>, request: &RequestText) -> Option<String> {
    let mut found = message.runs_in(request.prompt(), RUN);
    let message = message.text;
    let mut search = Search::of(request.prompt());
    found.extend(quotations(message).filter(|place| {
        let quoted = message.get(place.clone()).unwrap_or_default();
        is_like_prose(quoted) && (!request.is_whole() || search.finds(&folded(quoted)))
    }));
    found.extend(repeated_as_base64(message, request.prompt()));
    (!found.is_empty()).then(|| hidden(message, found))
}

/// Whether a code or the name of a parameter is an excerpt of the prompt.
pub(in crate::gateway) fn is_excerpt(label: &str, request: &RequestText) -> bool {
    let letters = folded(label);
    let quoted = is_like_prose(label)
        && !letters.is_empty()
        && (!request.is_whole() || memmem::find(request.prompt(), &letters).is_some());
    quoted
        || letters.len() >= RUN && !runs_in(&letters, &Grams::of(&letters), request.prompt(), RUN).is_empty()
}

/// Of a message that could be compared with a part of the prompt only, its length, if it could hold more of it.
pub(in crate::gateway) fn without_the_unknown(
    message: &Message<'_>,
    request: &RequestText,
) -> Option<String> {
    let unknown = !request.is_whole() && message.len() >= RUN;
    let length = || message.text.chars().count();
    unknown.then(|| format!("[{} characters; the prompt is too long to be compared]", length()))
}

/// Whether a quotation is more than a name: several words, or a number of several digits.
fn is_like_prose(quoted: &str) -> bool {
    let digits = quoted.chars().filter(char::is_ascii_digit).count();
    quoted.len() >= NAME && (quoted.contains(char::is_whitespace) || digits >= NUMBER)
}

/// The places of what may be base64, of either alphabet.
fn encoded(message: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    let pieces = message.as_bytes().chunk_by(|one, two| is_base64(*one) == is_base64(*two));
    let places = pieces.map(move |piece| {
        let from = at;
        at += piece.len();
        (piece, from..at)
    });
    places
        .filter(|(piece, _)| piece.len() >= ENCODED && piece.first().is_some_and(|byte| is_base64(*byte)))
        .map(|(_, place)| place)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// The places of base64 that says something of the prompt. All pieces are compared at once, because a message can
/// have hundreds.
fn repeated_as_base64(message: &str, prompt: &[u8]) -> Vec<Range<usize>> {
    let (mut letters, mut pieces) = (Vec::new(), Vec::new());
    for place in encoded(message) {
        let text = message.get(place.clone()).unwrap_or_default();
        // It may begin within a group of four.
        for skipped in 0..4 {
            letters.extend(decoded_letters(text.get(skipped..).unwrap_or_default()));
            letters.push(BETWEEN);
        }
        pieces.push((letters.len(), place));
    }
    let mut places: Vec<Range<usize>> = Vec::new();
    for run in runs_in(&letters, &Grams::of(&letters), prompt, ENCODED_RUN) {
        let at = pieces.partition_point(|(end, _)| *end <= run.start);
        places.extend(pieces.get(at).map(|(_, place)| place.clone()));
    }
    places
}

/// The letters of what base64 that begins here encodes.
fn decoded_letters(text: &str) -> Vec<u8> {
    let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    // A last character alone encodes nothing.
    let length = if text.len() % 4 == 1 { text.len() - 1 } else { text.len() };
    let decoded = text.get(..length).and_then(|text| BASE64.decode(text).ok()).unwrap_or_default();
    folded(&String::from_utf8_lossy(&decoded))
}

/// The message with lengths in these places, which may overlap.
fn hidden(message: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_unstable_by_key(|place| place.start);
    let mut result = String::with_capacity(message.len());
    let mut from = 0;
    let mut places = places.into_iter().peekable();
    while let Some(Range { start, mut end }) = places.next() {
        while let Some(next) = places.next_if(|next| next.start <= end) {
            end = end.max(next.end);
        }
        let length = message.get(start..end).unwrap_or_default().chars().count();
        result.push_str(message.get(from..start).unwrap_or_default());
        result.push_str(&format!("[{length} characters of the request]"));
        from = end;
    }
    result.push_str(message.get(from..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::super::request_text::LONGEST;
    use super::*;
    use crate::gateway::request::chat_request::ChatRequest;

    const SECRET: &str = "the patient Jane Roe, born 1970-01-02,\nsuffers from \"lupus\" \u{e4}ger";

    fn parse(body: &Value) -> ChatRequest {
        ChatRequest::parse(Bytes::from(body.to_string())).expect("a request")
    }

    fn request() -> Arc<RequestText> {
        let text = json!({"type": "text", "text": format!("Say why {SECRET}.")});
        parse(&json!({
            "model": "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free",
            "messages": [{"role": "system", "content": "short"}, {"role": "user", "content": [text]}],
            "tools": [{"function": {"name": "a_function_with_a_long_name_of_its_own_here"}}],
        }))
        .text()
    }

    fn hide(message: &str) -> String {
        without_excerpts(&Message::of(message), &request()).unwrap_or_else(|| message.to_owned())
    }

    #[test]
    fn what_the_prompt_says_is_hidden_however_it_is_repeated() {
        let body = json!({"messages": [{"content": SECRET}]}).to_string();
        for repeated in [
            SECRET.to_owned(),
            SECRET.replace('\n', " "),
            SECRET.to_uppercase(),
            SECRET.replace('"', "'"),
            json!(SECRET).to_string(),
            json!(json!(SECRET).to_string()).to_string(),
            SECRET.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect(),
            SECRET
                .chars()
                .map(|letter| {
                    if letter.is_ascii_alphanumeric() {
                        char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter)
                    } else {
                        letter
                    }
                })
                .collect(),
            SECRET.split(' ').map(|word| format!("[{word}]")).collect::<Vec<_>>().join(", "),
            STANDARD.encode(SECRET),
            URL_SAFE_NO_PAD.encode(SECRET),
            STANDARD.encode(&body),
            STANDARD.encode(&body).get(5..).unwrap_or_default().to_owned(),
        ] {
            let hidden = hide(&format!("Blocked: {repeated} is not allowed"));
            assert!(hidden.starts_with("Blocked: ") && hidden.ends_with(" is not allowed"), "{hidden}");
            assert!(hidden.contains("characters of the request]"), "{repeated}: {hidden}");
            let plain = String::from_utf8_lossy(&folded(&hidden)).into_owned();
            assert!(!plain.contains("jane") && !plain.contains("lupus"), "{hidden}");
            assert!(hidden.chars().count() < 80, "{hidden}");
        }
    }

    #[test]
    fn names_and_the_errors_own_words_stay() {
        for message in [
            "The model meta-llama/Llama-3.3-70B-Instruct-Turbo-Free does not exist",
            "Invalid schema for a_function_with_a_long_name_of_its_own_here",
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
            "the patient Jane Roe",
            "Invalid role 'system'",
            "",
        ] {
            assert_eq!(without_excerpts(&Message::of(message), &request()), None, "{message}");
        }
    }

    #[test]
    fn quotations_are_hidden_unless_they_look_like_a_name() {
        assert_eq!(hide("no 'jane roe' here"), "no '[8 characters of the request]' here");
        assert_eq!(
            hide("no '1970-01-02' and 'lupus' and 'an own word'"),
            "no '[10 characters of the request]' and 'lupus' and 'an own word'"
        );
    }

    #[test]
    fn every_field_of_the_prompt_is_hidden_and_no_schema() {
        let text = "the patient of room nine asked for a second opinion";
        for (field, expected) in
            [("system", true), ("documents", true), ("prediction", true), ("stop", true), ("tools", false)]
        {
            let request = parse(&json!({"model": "m", "messages": [], field: [{"content": text}]})).text();
            let hidden = without_excerpts(&Message::of(&format!("Bad: {text}")), &request);
            assert_eq!(hidden.is_some(), expected, "{field}");
        }
    }

    #[test]
    fn labels_are_compared_as_a_whole() {
        for (label, expected) in [
            ("Jane Roe", true),
            ("born_1970_01_02", true),
            ("the-patient-jane-roe-born-1970-01-02", true),
            ("lupus", false),
            ("messages[1].content[0].text", false),
            ("context_length_exceeded", false),
        ] {
            assert_eq!(is_excerpt(label, &request()), expected, "{label}");
        }
    }

    #[test]
    fn of_a_long_prompt_both_ends_are_searched() {
        let (start, end) = (
            "a start that no other text has, of some length",
            "an end that no other text has, of some length",
        );
        let content = format!("{start} {} {end}", "x ".repeat(LONGEST));
        let request = parse(&json!({"model": "m", "messages": [{"content": content}]}));
        for text in [request.text(), Arc::new(request.kept_prompt(Bytes::from).text())] {
            for repeated in [start, end] {
                let hidden =
                    without_excerpts(&Message::of(&format!("no: {repeated}")), &text).expect("an excerpt");
                assert!(hidden.starts_with("no: [") && !hidden.contains("other text"), "{hidden}");
            }
            assert_eq!(without_the_unknown(&Message::of("own words"), &text), None);
            assert_eq!(
                without_the_unknown(&Message::of(&"own words ".repeat(9)), &text).as_deref(),
                Some("[90 characters; the prompt is too long to be compared]")
            );
        }
        assert_eq!(
            without_the_unknown(&Message::of(&"own words ".repeat(9)), &parse(&json!({"model": "m"})).text()),
            None
        );
    }

    #[test]
    fn work_is_linear() {
        let request = parse(&json!({"model": "m", "messages": "a".repeat(LONGEST / 2)})).text();
        for piece in ["a", "'a b' ", "YWFh", "YWFhYWFhYWFhYWFhYWFhYWFhYWFh ", "\"", "\\u0061"] {
            let hostile = piece.repeat(16 * 1024 / piece.len());
            without_excerpts(&Message::of(&hostile), &request);
        }
    }
}
