//! Other spellings of the caller's values in a message: escaped for HTML or JSON, with quotes and brackets within them, and
//! e-mail addresses with another sign than an @.

use std::ops::Range;

use super::super::encodings::{self, Letter, without_a_layer};
use super::values::{ends_word, without_signs};

/// The most bytes between the sign of an address and its halves.
const CLOSE: usize = 3;
/// The most characters of half an address.
const HALF: usize = 64;
/// The most pieces of a word that are compared at once. Longer words are found by overlapping ones.
const MOST_PIECES: usize = 4;
/// The longest sign in brackets, in bytes.
const LONGEST_SIGN: usize = 8;

/// A message of which some layers of escapes are decoded.
pub(super) struct Decoded {
    text: String,
    letters: Vec<Letter>,
    /// Where each letter begins in the text.
    starts: Vec<usize>,
}

/// What may be an e-mail address.
pub(super) struct Address {
    /// The bytes of the decoded text that it takes.
    pub(super) place: Range<usize>,
    /// The half before the sign.
    pub(super) name: String,
    /// The half after the sign.
    pub(super) domain: String,
}

impl Decoded {
    /// A message as it is.
    pub(super) fn of(message: &str) -> Self {
        Self::new(encodings::letters(message))
    }

    /// The message with one more layer decoded. `None` means that nothing is encoded.
    pub(super) fn decoded(&self) -> Option<Self> {
        without_a_layer(&self.letters).map(Self::new)
    }

    fn new(letters: Vec<Letter>) -> Self {
        let (mut text, mut starts) = (String::new(), Vec::with_capacity(letters.len()));
        for letter in &letters {
            starts.push(text.len());
            text.push(letter.value);
        }
        Self { text, letters, starts }
    }

    /// The text with these layers decoded.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the message that a range of the decoded text takes.
    pub(super) fn place(&self, decoded: &Range<usize>) -> Option<Range<usize>> {
        let letter = |at: usize| self.starts.partition_point(|start| *start < at);
        let (first, last) = (letter(decoded.start), letter(decoded.end).checked_sub(1)?);
        Some(self.letters.get(first)?.from..self.letters.get(last)?.to)
    }

    /// The words with quotes or brackets within them, and their parts: markup may be beside a value.
    pub(super) fn joined_words(&self) -> Vec<Range<usize>> {
        let (mut places, mut pieces, mut from) = (Vec::new(), Vec::new(), 0);
        let mut before = ' ';
        let mut letters = self.text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let after = letters.peek().map_or(' ', |(_, letter)| *letter);
            if ends_word(letter) {
                pieces.push(from..at);
                from = at + letter.len_utf8();
                if !(joins(letter) && is_inside(before) && is_inside(after)) {
                    self.add_joined(&pieces, &mut places);
                    pieces.clear();
                }
            }
            before = letter;
        }
        pieces.push(from..self.text.len());
        self.add_joined(&pieces, &mut places);
        places
    }

    /// Adds what some pieces that follow each other are together.
    fn add_joined(&self, pieces: &[Range<usize>], places: &mut Vec<Range<usize>>) {
        for number in 2..=MOST_PIECES {
            for some in pieces.windows(number) {
                if let [first, .., last] = some {
                    places.push(without_signs(&self.text, first.start..last.end));
                }
            }
        }
    }

    /// What may be e-mail addresses, however their sign is written.
    pub(super) fn addresses(&self) -> Vec<Address> {
        let signs = self.text.char_indices().filter_map(|(at, _)| {
            let length = sign(self.text.get(at..)?)?;
            Some(at..at + length)
        });
        signs.filter_map(|sign| self.address(&sign)).collect()
    }

    fn address(&self, sign: &Range<usize>) -> Option<Address> {
        let (before, after) = (self.text.get(..sign.start)?, self.text.get(sign.end..)?);
        let name = before.trim_end_matches(' ');
        let rest = after.trim_start_matches(' ');
        let (gap, other_gap) = (before.len() - name.len(), after.len() - rest.len());
        if gap > CLOSE || other_gap > CLOSE {
            return None;
        }
        let letters = name.char_indices().rev().take(HALF).take_while(|(_, letter)| is_in_address(*letter));
        let from = letters.last()?.0;
        let letters = rest.char_indices().take(HALF).take_while(|(_, letter)| is_in_address(*letter));
        let length = letters.last().map(|(at, letter)| at + letter.len_utf8())?;
        let domain = rest.get(..length)?.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        let end = sign.end + other_gap + domain.len();
        Some(Address { place: from..end, name: name.get(from..)?.to_owned(), domain: domain.to_owned() })
    }
}

/// The length of the sign of an address that a text begins with: `@`, a full-width one, or `at` in brackets.
fn sign(text: &str) -> Option<usize> {
    let closing = match text.chars().next()? {
        sign @ ('@' | '\u{ff20}' | '\u{fe6b}') => return Some(sign.len_utf8()),
        '(' => b')',
        '[' => b']',
        '{' => b'}',
        '<' => b'>',
        _ => return None,
    };
    let end = text.bytes().take(LONGEST_SIGN).position(|byte| byte == closing)?;
    text.get(1..end)?.trim().eq_ignore_ascii_case("at").then_some(end + 1)
}

fn is_in_address(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '.' | '_' | '+' | '-' | '%' | '\u{ff0e}')
}

/// Whether a sign that ends words may be within a value. A name and its value are two words.
fn joins(letter: char) -> bool {
    !letter.is_whitespace() && !matches!(letter, '=' | ':' | ',')
}

/// Whether a character beside a sign shows that the sign is within a value.
fn is_inside(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '!' | '#' | '$' | '%' | '^' | '&' | '*' | '+' | '?' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &str, found: impl Fn(&Decoded) -> Vec<Range<usize>>) -> Vec<String> {
        let mut decoded = Decoded::of(message);
        if let Some(more) = decoded.decoded() {
            decoded = more;
        }
        let places = found(&decoded).into_iter().filter_map(|place| decoded.place(&place));
        places.filter_map(|place| message.get(place)).map(str::to_owned).collect()
    }

    #[test]
    fn signs_within_a_word_join_it() {
        for (message, expected) in [
            ("no Zq&lt;9mKp&quot;2xL.", vec!["Zq&lt;9mKp", "9mKp&quot;2xL", "Zq&lt;9mKp&quot;2xL"]),
            (r#"{\"content\":\"Zq<9mKp\\\"2xL\"}"#, vec!["Zq<9mKp"]),
            ("<p>a1<b2</p>, \"c\" (d) e=f", vec!["p>a1", "a1<b2", "p>a1<b2"]),
            ("it is 'plain' text", vec![]),
        ] {
            assert_eq!(of(message, Decoded::joined_words), expected, "{message}");
        }
    }

    #[test]
    fn addresses_have_many_signs() {
        let places =
            |decoded: &Decoded| decoded.addresses().into_iter().map(|found| found.place).collect::<Vec<_>>();
        for (message, expected) in [
            ("to bob.smith @ corp.example.", vec!["bob.smith @ corp.example"]),
            ("to <bob.smith\u{ff20}corp.example>", vec!["bob.smith\u{ff20}corp.example"]),
            ("mailto:bob(at)corp.example, or b [ AT ] c", vec!["bob(at)corp.example", "b [ AT ] c"]),
            ("bob&#64;corp.example", vec!["bob&#64;corp.example"]),
            ("@ alone, (at) and a@", vec![]),
        ] {
            assert_eq!(of(message, places), expected, "{message}");
        }
    }
}
