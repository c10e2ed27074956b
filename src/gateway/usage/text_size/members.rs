//! Finds the names of all fields in a JSON text, at any depth, without parsing it: what is inside a string is skipped.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The fields of a JSON text, each with the text from its value on.
pub(in crate::gateway) struct Members<'a> {
    text: &'a [u8],
    at: usize,
}

/// Finds the fields of a JSON text.
pub(in crate::gateway) fn members(text: &[u8]) -> Members<'_> {
    Members { text, at: 0 }
}

impl<'a> Iterator for Members<'a> {
    /// The name without escapes, in lower case, and the text from the value on.
    type Item = (Cow<'a, str>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at..)?;
            let start = memchr(b'"', rest)?;
            let inside = rest.get(start + 1..)?;
            let end = end_of_string(inside)?;
            self.at += start + 1 + end + 1;
            let after = self.text.get(self.at..)?.trim_ascii_start();
            if let Some(value) = after.strip_prefix(b":") {
                let name = plain(inside.get(..end)?);
                return Some((in_lower_case(name), value.trim_ascii_start()));
            }
        }
    }
}

/// The text of a string that the value is. `None` if it is anything else.
pub(in crate::gateway) fn string(value: &[u8]) -> Option<Cow<'_, str>> {
    let inside = value.strip_prefix(b"\"")?;
    Some(plain(inside.get(..end_of_string(inside)?)?))
}

/// Whether the value is null, false or empty.
pub(super) fn is_absent(value: &[u8]) -> bool {
    let begins = |word: &[u8]| value.starts_with(word);
    let closes = |open: &[u8], close: &[u8]| {
        value.strip_prefix(open).is_some_and(|rest| rest.trim_ascii_start().starts_with(close))
    };
    begins(b"null") || begins(b"false") || begins(b"\"\"") || closes(b"[", b"]") || closes(b"{", b"}")
}

/// Whether a setting is off. An empty object turns a search on.
pub(in crate::gateway) fn is_off(value: &[u8]) -> bool {
    value.starts_with(b"null") || value.starts_with(b"false") || value == b"[]"
}

/// The position of the quote that ends a string.
fn end_of_string(inside: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', inside.get(at..)?)?;
        if inside.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// A string without its escapes.
fn plain(inside: &[u8]) -> Cow<'_, str> {
    if !inside.contains(&b'\\') {
        return String::from_utf8_lossy(inside);
    }
    let quoted = [b"\"", inside, b"\""].concat();
    serde_json::from_slice(&quoted).map_or_else(|_| String::from_utf8_lossy(inside), Cow::Owned)
}

/// A name in lower case, because some servers ignore the case of names.
pub(in crate::gateway) fn in_lower_case(name: Cow<'_, str>) -> Cow<'_, str> {
    // Without a branch for each byte, because nearly all names are in lower case.
    let is_other =
        name.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase() | !byte.is_ascii());
    if !is_other { name } else { Cow::Owned(name.to_lowercase().replace('\u{17f}', "s")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_at_any_depth_and_strings_are_skipped() {
        let text = br#"{"a":1,"B" : [{"\u0063":"\"d\":"},"e", {"f":{"g":null}}],"K\u212a":"x\\","h":"i"}"#;
        let names: Vec<String> = members(text).map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["a", "b", "c", "f", "g", "kk", "h"]);
        let values: Vec<_> = members(text).filter_map(|(_, value)| string(value)).collect();
        assert_eq!(values, ["\"d\":", "x\\", "i"]);
        for text in ["", "\"", "\"a", "\"a\\", "\"a\"", "\"a\" :"] {
            assert!(members(text.as_bytes()).all(|(_, value)| value.is_empty()), "{text}");
        }
    }

    #[test]
    fn names_in_lower_case_are_not_copied() {
        for (name, lower, copied) in [
            ("max_tokens", "max_tokens", false),
            ("", "", false),
            ("Max_tokens", "max_tokens", true),
            ("max_tokenS", "max_tokens", true),
            ("max_to\u{212a}en\u{17f}", "max_tokens", true),
            ("[`{@9", "[`{@9", false),
        ] {
            let found = in_lower_case(Cow::Borrowed(name));
            assert_eq!((&*found, matches!(found, Cow::Owned(_))), (lower, copied), "{name}");
        }
    }

    #[test]
    fn some_values_say_that_there_is_none() {
        for (value, absent) in [
            ("null,", true),
            ("false}", true),
            ("\"\"", true),
            ("[ ]", true),
            ("{\n}", true),
            ("0", false),
            ("\"a\"", false),
            ("[0]", false),
            ("{\"a\":1}", false),
        ] {
            assert_eq!(is_absent(value.as_bytes()), absent, "{value}");
        }
    }
}
