//! Finds the quotations in a message.

use std::ops::Range;

use memchr::memmem;

/// The most bytes of a text that are searched for all quotations of a message. Further ones count as found.
const MOST: usize = 32 * 1024 * 1024;
/// What a search costs at least, in bytes.
const LEAST: usize = 4 * 1024;
/// How far a closing mark is looked for, in bytes. What is longer has runs of its own.
const FARTHEST: usize = 256;

/// The places of quotations in a message, without their marks.
pub(super) fn quotations(message: &str) -> impl Iterator<Item = Range<usize>> {
    let mut before = ' ';
    // Most messages have none.
    let marked = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`' | 128..);
    let searched = if message.as_bytes().iter().any(marked) { message } else { "" };
    searched.char_indices().filter_map(move |(at, letter)| {
        let opens = !before.is_alphanumeric();
        before = letter;
        let closing = match letter {
            '"' | '\'' | '`' => letter,
            '\u{2018}' | '\u{201a}' => '\u{2019}',
            '\u{201c}' | '\u{201e}' => '\u{201d}',
            '\u{ab}' => '\u{bb}',
            _ => return None,
        };
        let from = at + letter.len_utf8();
        let text = message.get(from..).filter(|_| opens)?;
        let text = text.get(..text.floor_char_boundary(FARTHEST))?;
        let end = text.match_indices(closing).map(|(end, _)| end).find(|end| {
            let after = text.get(end + closing.len_utf8()..).unwrap_or_default();
            !after.starts_with(char::is_alphanumeric)
        })?;
        (end > 0).then_some(from..from + end)
    })
}

/// Searches a text for several quotations.
#[derive(Debug)]
pub(super) struct Search<'t> {
    text: &'t [u8],
    /// The bytes that may still be searched.
    left: usize,
}

impl<'t> Search<'t> {
    /// A search of a text in its normal form.
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self { text, left: MOST }
    }

    /// Whether the text has these letters, of which there must be some.
    pub(super) fn finds(&mut self, letters: &[u8]) -> bool {
        !letters.is_empty() && (self.left == 0 || self.surely_finds(letters))
    }

    /// Whether the text was searched, and has these letters.
    pub(super) fn surely_finds(&mut self, letters: &[u8]) -> bool {
        let searched = self.left > 0;
        self.left = self.left.saturating_sub(self.text.len().max(LEAST));
        searched && memmem::find(self.text, letters).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_open_after_a_blank_and_close_before_one() {
        let message = "it's 'a b', \"c's d\" and \u{201c}e\u{201d}: ``";
        let found: Vec<&str> = quotations(message).filter_map(|place| message.get(place)).collect();
        assert_eq!(found, ["a b", "c's d", "e"]);
    }

    #[test]
    fn what_is_not_searched_any_more_counts_as_found() {
        let mut search = Search::of(b"abc");
        for _ in 0..MOST / LEAST {
            assert!(!search.finds(b"x") && !search.finds(b""));
        }
        assert!(search.finds(b"x") && !search.finds(b"") && !search.surely_finds(b"a"));
        assert!(quotations(&"'a ".repeat(100_000)).count() == 0);
    }
}
