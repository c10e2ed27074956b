//! Characters that are split over two pieces of a text: a provider may send one surrogate of an emoji at the end of a
//! piece, and the other one at the beginning of the next.
//!
//! A string cannot hold half a character. So each half becomes a mark, a character of a plane of Unicode that has no
//! others, and where pieces meet, the marks of two halves become their character. Any other mark becomes the replacement
//! character, and so does one that the text itself brings.

use std::borrow::Cow;

use super::whole_characters::{ESCAPE, halves};

/// The mark of a half is this code plus its surrogate. Nothing is assigned there.
const MARKS: u32 = 0x5_0000;

/// The JSON text with a mark for each half. Everything else stays as it is.
#[must_use]
pub fn marked(json: &[u8]) -> Cow<'_, [u8]> {
    let (mut marked, mut copied) = (Vec::new(), 0);
    for (at, half) in halves(json) {
        marked.extend_from_slice(json.get(copied..at).unwrap_or_default());
        let mark = char::from_u32(MARKS + u32::from(half)).unwrap_or(char::REPLACEMENT_CHARACTER);
        marked.extend_from_slice(mark.encode_utf8(&mut [0; 4]).as_bytes());
        copied = at + ESCAPE;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    marked.extend_from_slice(json.get(copied..).unwrap_or_default());
    Cow::Owned(marked)
}

/// The text with characters in place of marks.
#[must_use]
pub fn joined(text: String) -> String {
    if !text.contains(|character| half(character).is_some()) {
        return text;
    }
    let mut whole = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let Some(first) = half(character) else {
            whole.push(character);
            continue;
        };
        let second = rest.peek().copied().and_then(half);
        let both = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
        if both.is_some() {
            rest.next();
        }
        whole.push(both.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    whole
}

/// The surrogate of a mark; `None` if the character is none.
fn half(mark: char) -> Option<u16> {
    let code = u16::try_from(u32::from(mark).checked_sub(MARKS)?).ok()?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

/// The mark at the end of a text so far, if the other half of its character may follow.
#[derive(Debug, Default)]
pub struct Pending(Option<char>);

impl Pending {
    /// Whether no half waits for the other one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The next piece with the half before it, and without one at its end, which waits.
    #[must_use]
    pub fn followed_by(&mut self, piece: &str) -> String {
        if piece.is_empty() {
            return String::new();
        }
        let mut text: String = self.0.take().into_iter().chain(piece.chars()).collect();
        self.0 = text.chars().next_back().filter(|last| half(*last).is_some_and(|code| code < 0xdc00));
        if self.0.is_some() {
            text.pop();
        }
        joined(text)
    }

    /// What ends the text: the replacement character if a half still waits.
    #[must_use]
    pub fn rest(&mut self) -> Option<String> {
        self.0.take().map(|_| char::REPLACEMENT_CHARACTER.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text of pieces, each the inside of a JSON string.
    fn of(pieces: &[String]) -> String {
        let (mut pending, mut whole) = (Pending::default(), String::new());
        for piece in pieces {
            let json = format!("\"{piece}\"");
            let text: String = serde_json::from_slice(&marked(json.as_bytes())).expect("a string");
            whole += &pending.followed_by(&text);
        }
        whole + &pending.rest().unwrap_or_default()
    }

    #[test]
    fn the_halves_of_a_character_meet() {
        for (pieces, expected) in [
            (&[r"a\ud83d", r"\ude00b"][..], "a\u{1f600}b"),
            (&[r"\ud83d", "", r"\ude00"], "\u{1f600}"),
            (&[r"\ud83d\ude00"], "\u{1f600}"),
            (&[r"\ud83d", "b"], "\u{fffd}b"),
            (&["a", r"\ude00"], "a\u{fffd}"),
            (&[r"\ud83d"], "\u{fffd}"),
            (&[r"\ud83d", r"\ud83d", r"\ude00"], "\u{fffd}\u{1f600}"),
            (&[r"\ude00\ud83d"], "\u{fffd}\u{fffd}"),
            (&[r"\\ud83d", r"\\ude00"], r"\ud83d\ude00"),
            (&[r"\ud936\udc00b"], "\u{fffd}b"),
            (&["plain"], "plain"),
        ] {
            let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
            assert_eq!(of(&pieces), expected, "{pieces:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_the_same_wherever_it_is_cut(
            codes in prop::collection::vec(prop_oneof![any::<u16>(), 0xd800_u16..0xe000], 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            // Marks of the text's own: codes 0xd936 and 0xdc00 to 0xdfff, as a pair.
            prop_assume!(!String::from_utf16_lossy(&codes).contains(|character| half(character).is_some()));
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(codes.len() + 1)).collect();
            places.extend([0, codes.len()]);
            places.sort_unstable();
            let escaped = |codes: &[u16]| codes.iter().map(|code| format!("\\u{code:04x}")).collect::<String>();
            let pieces: Vec<String> = places.windows(2).map(|pair| escaped(&codes[pair[0]..pair[1]])).collect();
            prop_assert_eq!(of(&pieces), String::from_utf16_lossy(&codes));
            // The pieces of an answer that is put together meet in its text.
            let whole: String = pieces.iter().map(|piece| {
                serde_json::from_slice::<String>(&marked(format!("\"{piece}\"").as_bytes())).expect("a string")
            }).collect();
            prop_assert_eq!(joined(whole), String::from_utf16_lossy(&codes));
        }
    }
}
