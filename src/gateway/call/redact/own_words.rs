//! Tells a provider's own words from those of the request that it repeats.
//!
//! A caller can write a sentence such as "You exceeded your current quota" as a role or a tool's name, and the
//! provider's error then quotes it. So what blames the model must be the provider's own: short quotations that occur in
//! the request, and longer runs of its letters, say nothing. Only letters and digits are compared, because providers
//! change the rest. The work is bounded, and done only for errors.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;

use super::excerpts::{PROMPT, letters_of};
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::UpstreamError;

/// The bytes of letters of an unquoted run. A shorter one may be a word that any two texts have in common.
const RUN: usize = 12;
/// The longest request that is searched, in bytes.
const LONGEST: usize = 512 * 1024;
/// How much of a text is read at a time, in bytes.
const PIECE: usize = 16 * 1024;
/// The most letters of a message that are compared, in bytes.
const COMPARED: usize = 8 * 1024;
/// The most quotations that are searched.
const QUOTATIONS: usize = 64;
/// The most letters of a quotation, in bytes. In a longer one, runs are found.
const QUOTED: usize = 64;

/// A shorter quotation says nothing about the prompt.
const NAME: usize = 6;
/// A single word with fewer digits may be the name of a model, a role or a tool.
const NUMBER: usize = 5;

/// A provider's error without what it repeats of the request.
#[derive(Debug)]
pub(in crate::gateway) enum Heard {
    /// It repeats nothing of the request.
    All,
    /// The rest of the message.
    Rest(String),
    /// The request is too long to be searched.
    Unknown,
}

/// Whether the error is a page with a title that a request which is too long to be searched does not have as it is.
pub(in crate::gateway) fn is_unrelated_page(error: &UpstreamError, request: &ChatRequest) -> bool {
    let title = quotations(&error.message).into_iter().next().and_then(|place| error.message.get(place));
    let repeats = |title: &str| memmem::find(&request.body, title.as_bytes()).is_some();
    error.page && request.body.len() > LONGEST && !title.is_some_and(repeats)
}

/// The message of an error without what it repeats of the request.
pub(in crate::gateway) fn own_words(message: &str, request: &ChatRequest) -> Heard {
    if message.is_empty() {
        return Heard::All;
    }
    if request.body.len() > LONGEST {
        return Heard::Unknown;
    }
    let names = request.parts.iter().map(|part| part.name.as_bytes());
    let values = request.parts.iter().map(|part| request.value(part));
    rest_of(message, &searchable(names.chain(values)), |_| false)
}

/// The message without what it repeats of the request's values. Names of parameters stay, because an error has to
/// name them.
pub(in crate::gateway) fn without_values(
    error: &UpstreamError,
    request: &ChatRequest,
    names: &[&str],
) -> Heard {
    if request.body.len() > LONGEST {
        return Heard::Unknown;
    }
    let values = request.parts.iter().map(|part| request.value(part));
    let is_name = |quoted: &str| names.contains(&quoted);
    rest_of(&error.message, &searchable(values), is_name)
}

/// Replaces quotations of the request's prompt by their length, unless they look like a name: a single word with few
/// digits.
pub(in crate::gateway) fn without_quotations(message: String, request: &ChatRequest) -> String {
    let like_prose = |place: &Range<usize>| {
        let quoted = message.get(place.clone()).unwrap_or_default();
        let digits = quoted.chars().filter(char::is_ascii_digit).count();
        quoted.len() >= NAME && (quoted.contains(char::is_whitespace) || digits >= NUMBER)
    };
    let mut quoted: Vec<Range<usize>> = quotations(&message).into_iter().filter(like_prose).collect();
    if quoted.is_empty() {
        return message;
    }
    if request.body.len() <= LONGEST {
        let parts = request.parts.iter().filter(|part| PROMPT.contains(&part.name.as_str()));
        let text = searchable(parts.map(|part| request.value(part)));
        quoted.retain(|place| {
            let letters = Letters::of(message.get(place.clone()).unwrap_or_default()).text;
            !letters.is_empty() && memmem::find(&text, &letters).is_some()
        });
    }
    let (mut rest, mut from) = (String::with_capacity(message.len()), 0);
    for place in quoted {
        let Some(between) = message.get(from..place.start) else { continue };
        let length = message.get(place.clone()).unwrap_or_default().chars().count();
        rest.push_str(between);
        rest.push_str(&format!("[{length} characters of the request]"));
        from = place.end;
    }
    rest.push_str(message.get(from..).unwrap_or_default());
    rest
}

fn rest_of(message: &str, text: &[u8], kept: impl Fn(&str) -> bool) -> Heard {
    let letters = Letters::of(message);
    let mut repeated = letters.runs(text);
    repeated.extend(quotations(message).into_iter().filter(|place| {
        let quoted = message.get(place.clone()).unwrap_or_default();
        let letters = Letters::of(quoted).text;
        let short = !letters.is_empty() && letters.len() <= QUOTED;
        short && !kept(quoted) && memmem::find(text, &letters).is_some()
    }));
    if repeated.is_empty() {
        return Heard::All;
    }
    repeated.sort_unstable_by_key(|place| place.start);
    let (mut rest, mut from) = (String::with_capacity(message.len()), 0);
    for place in repeated.into_iter().filter(|place| !place.is_empty()) {
        if place.start >= from {
            rest.push_str(message.get(from..place.start).unwrap_or_default());
            rest.push_str(" \u{2026} ");
        }
        from = from.max(place.end);
    }
    rest.push_str(message.get(from..).unwrap_or_default());
    Heard::Rest(rest)
}

/// The letters and digits of a text, in lowercase, and the bytes of the text that they take.
struct Letters {
    text: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Letters {
    fn of(message: &str) -> Self {
        let (mut text, mut places) = (Vec::new(), Vec::new());
        for (letter, place) in letters_of(message) {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                text.push(byte);
                places.push(place.clone());
            }
            if text.len() >= COMPARED {
                break;
            }
        }
        Self { text, places }
    }

    /// The places of runs that occur in another text.
    fn runs(&self, other: &[u8]) -> Vec<Range<usize>> {
        let own: HashSet<&[u8], foldhash::fast::RandomState> = self.text.windows(RUN).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let common: HashSet<&[u8], foldhash::fast::RandomState> =
            other.windows(RUN).filter(|run| own.contains(run)).collect();
        let runs = self.text.windows(RUN).enumerate().filter(|(_, run)| common.contains(run));
        let place = |at: usize| Some(self.places.get(at)?.start..self.places.get(at + RUN - 1)?.end);
        runs.filter_map(|(at, _)| place(at)).collect()
    }
}

/// The letters and digits of JSON texts, with a blank between two strings.
fn searchable<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut all = Vec::new();
    for text in texts {
        let text = String::from_utf8_lossy(text);
        for (number, piece) in unquoted(&text).enumerate() {
            if number > 0 {
                all.push(b' ');
            }
            let (mut bytes, mut rest) = ([0; 4], piece);
            while !rest.is_empty() {
                let (part, after) = rest.split_at(rest.floor_char_boundary(PIECE));
                for (letter, _) in letters_of(part) {
                    all.extend_from_slice(letter.encode_utf8(&mut bytes).as_bytes());
                }
                rest = after;
            }
        }
        all.push(b' ');
    }
    all
}

/// The parts of a JSON text between its quotes, which are not escaped.
fn unquoted(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(json);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut from = 0;
        loop {
            let Some(found) = memchr::memchr2(b'"', b'\\', text.as_bytes().get(from..)?) else {
                rest = None;
                return Some(text);
            };
            let at = from + found;
            if text.as_bytes().get(at) == Some(&b'"') {
                rest = text.get(at + 1..);
                return text.get(..at);
            }
            from = (at + 2).min(text.len());
        }
    })
}

/// The places of quotations in a message, without their marks.
fn quotations(message: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut before = ' ';
    for (at, letter) in message.char_indices() {
        let opens = !before.is_alphanumeric();
        before = letter;
        let closing = match letter {
            '"' | '\'' | '`' => letter,
            '\u{2018}' | '\u{201a}' => '\u{2019}',
            '\u{201c}' | '\u{201e}' => '\u{201d}',
            '\u{ab}' => '\u{bb}',
            _ => continue,
        };
        let from = at + letter.len_utf8();
        let text = message.get(from..).unwrap_or_default();
        let text = text.get(..text.floor_char_boundary(4 * QUOTED)).unwrap_or_default();
        let end = text.match_indices(closing).map(|(end, _)| end).find(|end| {
            let after = text.get(end + closing.len_utf8()..).unwrap_or_default();
            !after.starts_with(char::is_alphanumeric)
        });
        if let Some(end) = end.filter(|end| opens && *end > 0) {
            found.push(from..from + end);
        }
        if found.len() >= QUOTATIONS {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;

    fn rest(message: &str, body: &Value) -> String {
        let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
        match own_words(message, &request) {
            Heard::All => message.to_owned(),
            Heard::Rest(rest) => rest,
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
        ] {
            let rest = rest(&repeated, &body);
            assert!(!rest.to_lowercase().contains("quota"), "{rest}");
            assert!(rest.contains("nvalid value") || rest.contains("role"), "{rest}");
        }
        for quoted in ["'credit'", "`credit`", "\"credit\"", "\u{201c}credit\u{201d}", "'try again in 9h'"] {
            let rest = rest(&format!("no {quoted} yes"), &body);
            assert!(!rest.contains("credit") && !rest.contains("9h") && rest.contains("yes"), "{rest}");
        }
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

    #[test]
    fn quotes_of_json_divide_its_texts() {
        let parts: Vec<&str> = unquoted(r#"["a\"b","c\\",1]"#).collect();
        assert_eq!(parts, ["[", r#"a\"b"#, ",", r"c\\", ",1]"]);
    }
}
