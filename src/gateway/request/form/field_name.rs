//! Which of the gateway's fields a reader of forms may take a name for.
//!
//! Readers differ: some ignore case, the width of letters, blanks or marks, take dots and blanks for underscores, read a list or
//! an object in brackets, or decode names as in addresses, in mail (RFC 2047) or in parameters of headers (RFC 5987).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use unicode_normalization::UnicodeNormalization as _;

use super::{FILE, LISTS, READ};
use crate::gateway::request::chat_request::OWN_MEMBERS;

/// The field that some reader may take a name for, although the documentation spells it in another way.
pub(super) fn mistaken(name: &str) -> Option<&'static str> {
    let is_spelled = |field: &str| {
        name == field || LISTS.contains(&field) && name.strip_suffix("[]").is_some_and(|list| list == field)
    };
    field_of(name).filter(|field| !is_spelled(field))
}

/// The field that some reader may take a name for, however it is spelled.
pub(super) fn field_of(name: &str) -> Option<&'static str> {
    let unescaped = unescaped(name, b'%');
    // The value of `name*` begins with its charset and its language: `utf-8'en'model`.
    let extended = unescaped.rsplit('\'').next().unwrap_or_default().to_owned();
    let read: Vec<String> = [name.to_owned(), decoded_words(name), unescaped, extended]
        .iter()
        .flat_map(|name| spelled(name))
        .collect();
    fields().find(|field| {
        let plain = letters(field);
        read.contains(&plain)
    })
}

/// Every field that the gateway reads, and the recording.
fn fields() -> impl Iterator<Item = &'static str> {
    READ.into_iter().chain(OWN_MEMBERS).chain([FILE])
}

/// The letters of a name, and of the part before a bracket or a dot.
fn spelled(name: &str) -> [String; 2] {
    let name: String = name.nfkc().collect();
    let root = name.split(['[', '.']).next().unwrap_or_default();
    [letters(&name), letters(root)]
}

/// The letters and digits of a name without their case.
fn letters(name: &str) -> String {
    let folded = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.filter(|letter| letter.is_alphanumeric()).collect()
}

/// A text with the bytes that two hexadecimal digits after `mark` mean.
fn unescaped(text: &str, mark: u8) -> String {
    let mut found = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| byte == mark);
        found.push(value.unwrap_or(byte));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&found).into_owned()
}

/// A text with the words that are encoded as in the headers of mail: `=?utf-8?B?bW9kZWw=?=`.
fn decoded_words(text: &str) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some((before, word)) = rest.split_once("=?") {
        found.push_str(before);
        let mut parts = word.splitn(3, '?');
        let (_charset, form) = (parts.next(), parts.next());
        let Some((content, after)) = parts.next().and_then(|content| content.split_once("?=")) else {
            rest = word;
            continue;
        };
        let is_base64 = form.is_some_and(|form| form.eq_ignore_ascii_case("b"));
        if is_base64 {
            found.push_str(&String::from_utf8_lossy(&STANDARD.decode(content).unwrap_or_default()));
        } else {
            found.push_str(&unescaped(&content.replace('_', " "), b'='));
        }
        rest = after;
    }
    found.push_str(rest);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_some_reader_takes_for_a_field_is_found() {
        for (name, field) in [
            ("Model", "model"),
            (" model\t", "model"),
            ("'model'", "model"),
            ("model[]", "model"),
            ("model[0]", "model"),
            ("model[a][b]", "model"),
            ("[model]", "model"),
            ("model.0", "model"),
            ("\u{ff4d}\u{ff4f}\u{ff44}\u{ff45}\u{ff4c}", "model"),
            ("model\u{ff3b}0\u{ff3d}", "model"),
            ("mo\u{200b}del", "model"),
            ("f\u{131}le", "file"),
            ("\u{fb01}le", "file"),
            ("\u{17f}tream", "stream"),
            ("mod%65l", "model"),
            ("%6D%6f%64%65%6c", "model"),
            ("=?utf-8?B?bW9kZWw=?=", "model"),
            ("=?UTF-8?b?bW9k?= =?UTF-8?q?e=6C?=", "model"),
            ("=?utf-8?Q?=6Dodel?=", "model"),
            ("utf-8''mod%65l", "model"),
            ("utf-8'en'model", "model"),
            ("response.format", "response_format"),
            ("response format", "response_format"),
            ("responseFormat", "response_format"),
            ("response[format", "response_format"),
            ("Num-Retries", "num_retries"),
            ("models[0]", "models"),
            ("Models[]", "models"),
            ("fallbacks[first]", "fallbacks"),
            ("N", "n"),
            ("n[]", "n"),
            ("file[]", "file"),
            ("File", "file"),
        ] {
            assert_eq!(mistaken(name), Some(field), "{name}");
        }
    }

    #[test]
    fn other_names_are_no_fields_of_the_gateway() {
        for name in [
            "temperature",
            "timestamp_granularities[]",
            "include[]",
            "Vendor Field",
            "extra[model]",
            "model_kwargs",
            "m\u{43e}del",
            "=?utf-8?B?",
            "=?utf-8?B?!?=",
            "100%",
            "%zz",
            "",
        ] {
            assert_eq!(mistaken(name), None, "{name}");
            assert_eq!(field_of(name), None, "{name}");
        }
        for name in ["model", "models", "models[]", "fallbacks[]", "response_format", "n", "file"] {
            assert_eq!(mistaken(name), None, "{name}");
            assert!(field_of(name).is_some(), "{name}");
        }
    }
}
