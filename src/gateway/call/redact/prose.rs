//! Recognizes messages in which no pass finds anything, as are most messages of providers.

use super::LONGEST;

/// No credential of letters, digits and dots is shorter.
const LONGEST_WORD: usize = 18;
/// No credential with a hyphen or an underscore is shorter.
const LONGEST_JOINED: usize = 10;

/// Whether every pass would return the text as it is: ASCII words and punctuation that introduces neither a URL nor a
/// quotation nor a value, and no word as long as a credential.
pub(super) fn is_plain(text: &str) -> bool {
    let text = text.as_bytes();
    let (mut length, mut joined, mut before) = (0, false, b' ');
    for (position, &byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' => length += 1,
            b'-' | b'_' => (length, joined) = (length + 1, true),
            b',' | b';' | b'!' | b'?' | b'(' | b')' | b'/' => (length, joined) = (0, false),
            // An apostrophe inside a word.
            b'\'' if before.is_ascii_alphanumeric() => (length, joined) = (0, false),
            b' ' if before != b' ' => (length, joined) = (0, false),
            _ => return false,
        }
        let long = length > if joined { LONGEST_JOINED } else { LONGEST_WORD };
        if long || ends_with_scheme(text, position) {
            return false;
        }
        before = byte;
    }
    text.len() <= LONGEST && (before != b' ' || text.is_empty())
}

/// Whether a word that introduces a credential ends at this position.
fn ends_with_scheme(text: &[u8], position: usize) -> bool {
    let ends = |word: &[u8]| {
        let from = (position + 1).checked_sub(word.len());
        let tail = from.and_then(|from| text.get(from..=position));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word))
    };
    match text.get(position) {
        Some(b'r' | b'R') => ends(b"bearer"),
        Some(b'c' | b'C') => ends(b"basic"),
        _ => false,
    }
}
