//! Halves of characters in JSON: escapes of one surrogate without the other, as of an emoji that was cut. JSON allows
//! them, but most parsers refuse such a string, and with it everything around it.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// The length of an escape such as `\ud83d`.
pub(super) const ESCAPE: usize = 6;
/// Takes the place of a half, with the same length: the replacement character.
const REPLACEMENT: &[u8; ESCAPE] = b"\\ufffd";

/// The text with the replacement character for each half. Everything else stays as it is, and at its place.
#[must_use]
pub fn whole_characters(json: &[u8]) -> Cow<'_, [u8]> {
    let mut whole = Cow::Borrowed(json);
    for (at, _) in halves(json) {
        if let Some(half) = whole.to_mut().get_mut(at..at + ESCAPE) {
            half.copy_from_slice(REPLACEMENT);
        }
    }
    whole
}

/// The halves in a text: the place of each escape, and its surrogate.
pub(super) fn halves(json: &[u8]) -> impl Iterator<Item = (usize, u16)> {
    let has_surrogates = memchr(b'\\', json).is_some()
        && (memmem::find(json, b"\\ud").is_some() || memmem::find(json, b"\\uD").is_some());
    let mut at = if has_surrogates { 0 } else { json.len() };
    std::iter::from_fn(move || {
        loop {
            at += memchr(b'\\', json.get(at..)?)?;
            let place = at;
            let second = || surrogate(json, place + ESCAPE).is_some_and(|code| code >= 0xdc00);
            match surrogate(json, place) {
                Some(first) if first < 0xdc00 && second() => at += 2 * ESCAPE,
                Some(half) => {
                    at += ESCAPE;
                    return Some((place, half));
                }
                // The character after a backslash belongs to it, also if that is another one.
                None => at += 2,
            }
        }
    })
}

/// The surrogate of the escape that begins here.
fn surrogate(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    let code = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_halves_are_replaced() {
        for (json, expected) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"\uDE00b":1}"#, r#"{"\ufffdb":1}"#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\ud83d\"""#, r#""\ufffd\"""#),
            (r#""\ud7ff \ue000 \ud8""#, r#""\ud7ff \ue000 \ud8""#),
            (r#""\ud83d"#, r#""\ufffd"#),
        ] {
            let whole = whole_characters(json.as_bytes());
            assert_eq!(std::str::from_utf8(&whole), Ok(expected), "{json}");
        }
    }

    proptest! {
        #[test]
        fn a_string_of_escapes_is_read_afterward(codes in prop::collection::vec(any::<u16>(), 0..12)) {
            let json = codes.iter().fold("\"".to_owned(), |json, code| format!("{json}\\u{code:04x}")) + "\"";
            let whole = whole_characters(json.as_bytes());
            prop_assert_eq!(whole.len(), json.len());
            let text: String = serde_json::from_slice(&whole).expect("a string");
            prop_assert_eq!(text, String::from_utf16_lossy(&codes));
        }
    }
}
