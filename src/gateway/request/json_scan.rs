//! Scans JSON: finds values without parsing them, many bytes at a time.
//!
//! A parser looks at a prompt of 100 KB byte by byte, which costs more than everything else that a request needs. The
//! scan is strict: what it accepts, `serde_json` accepts too. What it does not accept is left to `serde_json`.

use memchr::memchr2;

use super::json_object::RawText;

/// So many words of a string are looked at one by one.
const SHORT_WORDS: usize = 4;
/// Deeper values are left to `serde_json`.
const MOST_LEVELS: u32 = 64;

/// A position in a text that consists of valid UTF-8 without control characters, so that strings need no checks.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether a skipped string has an escape that may be half of a character.
    halves: bool,
}

impl<'a> Cursor<'a> {
    /// The start of a text. `None` if it has control characters, such as line breaks, or is not UTF-8.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Option<Self> {
        // Without a branch for each byte, the compiler compares many bytes at a time.
        let (least, most) =
            text.iter().fold((u8::MAX, 0), |(least, most), byte| (least.min(*byte), most.max(*byte)));
        let valid = least >= b' ' && (most.is_ascii() || std::str::from_utf8(text).is_ok());
        valid.then(|| Self { text, at: blanks(text, 0), halves: false })
    }

    /// Whether the rest of the text consists of blanks.
    #[must_use]
    pub fn is_over(&self) -> bool {
        blanks(self.text, self.at) == self.text.len()
    }

    /// Whether a value that was skipped has an escape that is half of a character, or may be: a `\u` with a `d` after it.
    #[must_use]
    pub fn has_halves(&self) -> bool {
        self.halves
    }

    /// Whether an object begins here.
    #[must_use]
    pub fn is_at_object(&self) -> bool {
        self.text.get(self.at) == Some(&b'{')
    }

    /// Skips a value and returns its raw JSON.
    pub fn value(&mut self) -> Option<RawText<'a>> {
        let end = value(self.text, self.at, &mut self.halves)?;
        let found = RawText::of_scan(self.text.get(self.at..end)?);
        self.at = end;
        Some(found)
    }

    /// Calls `each` with the name of every field of an object, at its value, which it must take. `None` if it is not an
    /// object, `each` returns `None`, or a name has escapes.
    pub fn object(&mut self, mut each: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.byte(b'{')?;
        if self.byte(b'}').is_some() {
            return Some(());
        }
        loop {
            self.at = blanks(self.text, self.at);
            let start = self.at + 1;
            self.byte(b'"')?;
            let end = quote_or_backslash(self.text, start)?;
            let name = self.text.get(start..end)?;
            self.at = end;
            // This is a backslash if the name has escapes.
            self.byte(b'"')?;
            self.byte(b':')?;
            self.at = blanks(self.text, self.at);
            each(self, name)?;
            if self.byte(b',').is_none() {
                return self.byte(b'}');
            }
        }
    }

    /// Calls `each` at every element of a list, which it must take. `None` if it is not a list, or `each` returns
    /// `None`.
    pub fn list(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.byte(b'[')?;
        if self.byte(b']').is_some() {
            return Some(());
        }
        loop {
            self.at = blanks(self.text, self.at);
            each(self)?;
            if self.byte(b',').is_none() {
                return self.byte(b']');
            }
        }
    }

    /// Takes this byte after blanks.
    fn byte(&mut self, byte: u8) -> Option<()> {
        let at = blanks(self.text, self.at);
        (self.text.get(at) == Some(&byte)).then(|| self.at = at + 1)
    }
}

/// The content of a string without escapes.
#[must_use]
pub fn plain_string(json: &str) -> Option<&str> {
    json.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\'))
}

/// The position after blanks.
fn blanks(text: &[u8], mut at: usize) -> usize {
    while text.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// The position after a string. `at` is the position after its opening quote. Notes an escape that may be half of a
/// character, which costs nothing here.
fn string(text: &[u8], at: usize, halves: &mut bool) -> Option<usize> {
    let mut at = quote_or_backslash(text, at)?;
    loop {
        if text.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += match text.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = text.get(at + 2..at + 6)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                *halves |= digits.first().is_some_and(|digit| digit.eq_ignore_ascii_case(&b'd'));
                6
            }
            _ => return None,
        };
        // A string with an escape is rarely a short one.
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
    }
}

/// The position of the next quote or backslash. Names and most values are shorter than what `memchr` is worth, so it
/// begins after the first words of eight bytes.
fn quote_or_backslash(text: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..SHORT_WORDS {
        let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(*word);
        let found = bytes_that_are(word, b'"') | bytes_that_are(word, b'\\');
        if found != 0 {
            // The lowest flag is that of the first byte.
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    Some(at + memchr2(b'"', b'\\', text.get(at..)?)?)
}

/// Flags the bytes of a word that are `byte`. Only the lowest flag is sure, because a byte above it can be off by a
/// borrow.
fn bytes_that_are(word: u64, byte: u8) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    let zero = word ^ (ONES * u64::from(byte));
    zero.wrapping_sub(ONES) & !zero & (ONES << 7)
}

/// The position after a key and its colon. `at` is where the key begins.
fn key(text: &[u8], at: usize, halves: &mut bool) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let end = blanks(text, string(text, at + 1, halves)?);
    (text.get(end) == Some(&b':')).then(|| blanks(text, end + 1))
}

/// The position after the value that begins at `at`. `None` if it is not a value, or too deep.
fn value(text: &[u8], mut at: usize, halves: &mut bool) -> Option<usize> {
    // A bit for each level, the innermost one last: 1 in an object, 0 in an array.
    let (mut levels, mut kinds) = (0_u32, 0_u64);
    loop {
        let first = *text.get(at)?;
        at = match first {
            b'"' => string(text, at + 1, halves)?,
            b'{' | b'[' => {
                let object = first == b'{';
                at = blanks(text, at + 1);
                if text.get(at) == Some(if object { &b'}' } else { &b']' }) {
                    at + 1
                } else {
                    if levels == MOST_LEVELS {
                        return None;
                    }
                    levels += 1;
                    kinds = kinds << 1 | u64::from(object);
                    if object {
                        at = key(text, at, halves)?;
                    }
                    continue;
                }
            }
            b't' => word(text, at, b"true")?,
            b'f' => word(text, at, b"false")?,
            b'n' => word(text, at, b"null")?,
            _ => number(text, at)?,
        };
        while levels > 0 {
            at = blanks(text, at);
            let object = kinds & 1 == 1;
            match (text.get(at)?, object) {
                (b',', true) => {
                    at = key(text, blanks(text, at + 1), halves)?;
                    break;
                }
                (b',', false) => {
                    at = blanks(text, at + 1);
                    break;
                }
                (b'}', true) | (b']', false) => {
                    at += 1;
                    levels -= 1;
                    kinds >>= 1;
                }
                _ => return None,
            }
        }
        if levels == 0 {
            return Some(at);
        }
    }
}

fn word(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(word).then(|| at + word.len())
}

fn number(text: &[u8], mut at: usize) -> Option<usize> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at)? {
        b'0' => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Some(at)
}

/// The position after at least one digit.
fn digits(text: &[u8], at: usize) -> Option<usize> {
    let length = text.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length > 0).then_some(at + length)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;
    use crate::dialects::whole_characters::whole_characters;

    /// What `serde_json` says: the raw value, if the whole text is one.
    fn reference(text: &str) -> Option<usize> {
        serde_json::from_str::<&RawValue>(text).ok().map(|raw| raw.get().len())
    }

    /// What the scan says of a text without blanks around it.
    fn scanned(text: &str) -> Option<usize> {
        let mut cursor = Cursor::new(text.as_bytes())?;
        let found = cursor.value()?.get().len();
        cursor.is_over().then_some(found)
    }

    #[test]
    fn values_of_every_kind_end_where_they_end() {
        for text in [
            "0",
            "-0",
            "-12.5e+3",
            "\"é\u{7f}\"",
            "1E9",
            "true",
            "false",
            "null",
            "\"\"",
            r#""a\"b\\""#,
            r#""\u00e9\/""#,
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1, [2, {\"a\" : [ ] }] ]",
            r#"{"a":{"b":[{}]},"c":null}"#,
        ] {
            assert_eq!(scanned(text), Some(text.len()), "{text}");
            assert_eq!(reference(text), Some(text.len()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_not_accepted() {
        for text in [
            "",
            "-",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "tru",
            "nulll",
            "\"",
            r#""\x""#,
            r#""\u12g4""#,
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "{\"a\":1]",
            "[1}",
            "]",
            "\"\t\"",
        ] {
            assert_eq!(scanned(text), None, "{text}");
            assert_eq!(reference(text), None, "{text}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let deep = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
        assert_eq!(value(deep(65).as_bytes(), 0, &mut false), Some(130));
        assert_eq!(value(deep(66).as_bytes(), 0, &mut false), None);
    }

    #[test]
    fn halves_of_characters_are_noticed_wherever_they_are() {
        for (text, halves) in [
            (r#""\ud83d""#, true),
            (r#"{"\uDE00":[{"a":1}]}"#, true),
            (r#"[{"a":["\ud83d\ude00"]}]"#, true),
            (r#""\\ud83d \u00d8 d83d""#, false),
        ] {
            let mut cursor = Cursor::new(text.as_bytes()).expect(text);
            assert!(!cursor.has_halves() && cursor.value().is_some(), "{text}");
            assert_eq!(cursor.has_halves(), halves, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_notices_every_half(codes in prop::collection::vec(0xd000_u16..=0xe100, 0..3), more in "[\\\\ud8]{0,8}") {
            let codes: String = codes.iter().map(|code| format!("\\u{code:04x}")).collect();
            let text = format!("\"{codes}{more}\"");
            let Some(mut cursor) = Cursor::new(text.as_bytes()) else { return Ok(()) };
            if cursor.value().is_some() && !cursor.has_halves() {
                prop_assert!(matches!(whole_characters(text.as_bytes()), Cow::Borrowed(_)));
            }
        }

        #[test]
        fn it_accepts_nothing_that_the_parser_refuses(text in r#"[\[\]{}",:\\a0-9eE.+\-u tnl]{0,24}"#) {
            prop_assert!(scanned(&text).is_none() || reference(&text) == scanned(&text));
        }

        #[test]
        fn it_finds_the_end_of_what_the_parser_writes(words in prop::collection::vec("[ -~]{0,12}", 0..6)) {
            let json = serde_json::json!({ "a": words, "b": [{ "c": words }, 1.5e300, -3, null, true] });
            let text = json.to_string();
            prop_assert_eq!(scanned(&text), Some(text.len()));
        }
    }
}
