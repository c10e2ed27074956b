//! Finds the caller's values in a message, such as e-mail addresses, passwords, and numbers of cards and phones.
//!
//! They are shorter than a run of letters that says something of a prompt. A value is more than a name if it has a sign
//! that names do not have, or digits. A plain word may be the name of a parameter, a role or a format, even if the prompt
//! has it; so may a value that the request has beside its prompt.

use std::ops::Range;

use memchr::memmem;

use super::super::letters::folded;
use super::super::quotations::Search;
use super::super::request_text::RequestText;
use super::super::shared_runs::runs;
use super::spellings::{Address, Decoded};

/// A quotation with as many digits is more than a name. In a prompt that is not known, it is taken for a part of it.
const DIGITS: usize = 5;
/// The letters and digits of the shortest value that is quoted, and of one that is not.
const QUOTED: usize = 4;
const UNQUOTED: usize = 6;
/// The digits of the shortest number, which may be written in groups.
const NUMBER: usize = 8;
/// The most bytes between two groups of a number.
const CLOSE: usize = 3;
/// The most layers of escapes that are decoded.
const LAYERS: usize = 3;
/// A byte between two numbers, which no text has.
const BETWEEN: u8 = 0xff;
/// Words of vendors with digits or signs, in the normal form.
const VOCABULARY: [&str; 26] = [
    "1024x1024",
    "1024x1536",
    "1024x1792",
    "1536x1024",
    "1792x1024",
    "256x256",
    "512x512",
    "azaz09",
    "base64",
    "base64url",
    "cl100kbase",
    "float16",
    "float32",
    "float64",
    "g711alaw",
    "g711ulaw",
    "int32",
    "int64",
    "iso8601",
    "o200kbase",
    "oauth2",
    "pcm16",
    "rfc3339",
    "sha256",
    "utf16",
    "utf8",
];

/// Tells the caller's values from names and from the vendor's own.
pub(super) struct Values<'r> {
    whole: bool,
    /// The letters of the prompt, for numbers.
    letters: &'r [u8],
    prompt: Search<'r>,
    /// What the request has beside its prompt.
    names: [Search<'r>; 2],
    /// The letters of the provider's name of the model.
    sent: Vec<u8>,
}

impl<'r> Values<'r> {
    /// Prepares the search for values of a request that named a model in this way.
    pub(super) fn of(request: &'r RequestText, sent: &str) -> Self {
        Self {
            whole: request.is_whole(),
            letters: request.prompt(),
            prompt: Search::of(request.prompt()),
            names: request.beside_the_prompt().map(Search::of),
            sent: folded(sent),
        }
    }

    /// Whether a quotation of one word is the caller's.
    pub(super) fn has_quoted(&mut self, quoted: &str) -> bool {
        let Signs { letters, digits, odd, joined: _ } = Signs::of(quoted);
        let all_digits = quoted.bytes().filter(u8::is_ascii_digit).count();
        let unknown = !self.whole && all_digits >= DIGITS && !self.is_known(&folded(quoted));
        let telling = odd || digits >= QUOTED || letters > 0 && digits > 0;
        unknown || letters + digits >= QUOTED && telling && self.has(quoted)
    }

    /// The places of the caller's values that are words of the message, quoted or not.
    pub(super) fn unquoted_in(&mut self, message: &str) -> Vec<Range<usize>> {
        if !message.bytes().any(|byte| byte.is_ascii_digit() || is_odd(byte)) {
            return Vec::new();
        }
        let is_callers = |place: &Range<usize>| {
            let word = message.get(place.clone()).unwrap_or_default();
            self.has_unquoted(word, false)
        };
        words(message).filter(is_callers).collect()
    }

    /// Whether a word is the caller's. In one that has quotes or brackets within it, a letter and a digit are enough.
    fn has_unquoted(&mut self, word: &str, has_signs: bool) -> bool {
        let Signs { letters, digits, odd, joined } = Signs::of(word);
        let mixed = has_signs && letters > 0 && digits > 0;
        let telling = odd || mixed || digits >= DIGITS && (letters > 0 || joined);
        let least = if word.contains('@') { QUOTED } else { UNQUOTED };
        letters + digits >= least && telling && self.has(word)
    }

    /// The places of the caller's values that are spelled in another way: escaped, with quotes or brackets within them, or
    /// addresses with another sign.
    pub(super) fn spelled_in(&mut self, message: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if is_spelled_plainly(message) {
            return found;
        }
        let mut decoded = Some(Decoded::of(message));
        for layer in 0..=LAYERS {
            let Some(text) = decoded else { break };
            let mut places = Vec::new();
            // What is not escaped was searched as it is.
            let is_new = |place: &Range<usize>| {
                let raw = text.place(place).and_then(|place| message.get(place));
                layer == 0 || raw != text.text().get(place.clone())
            };
            for (candidates, has_signs) in [(text.joined_words(), true), (plain_words(&text, layer), false)] {
                places.extend(candidates.into_iter().filter(|place| {
                    let word = text.text().get(place.clone()).unwrap_or_default();
                    is_new(place) && self.has_unquoted(word, has_signs)
                }));
            }
            let addresses = text.addresses().into_iter();
            let addresses = addresses.filter(|address| is_new(&address.place) && self.has_address(address));
            places.extend(addresses.map(|address| address.place));
            found.extend(places.iter().filter_map(|place| text.place(place)));
            decoded = text.decoded();
        }
        found
    }

    /// Whether the prompt has an address, with an @ or with the word.
    fn has_address(&mut self, address: &Address) -> bool {
        let (name, domain) = (folded(&address.name), folded(&address.domain));
        if name.is_empty() || domain.is_empty() || name.len() + domain.len() < QUOTED {
            return false;
        }
        if !self.whole && address.domain.contains('.') {
            return true;
        }
        let with = |sign: &[u8]| [name.as_slice(), sign, domain.as_slice()].concat();
        self.prompt.finds(&with(b"")) || self.prompt.finds(&with(b"at"))
    }

    /// The places of numbers of several digits that the prompt has, however either groups them.
    pub(super) fn numbers_in(&mut self, message: &str) -> Vec<Range<usize>> {
        if message.bytes().filter(u8::is_ascii_digit).nth(NUMBER - 1).is_none() {
            return Vec::new();
        }
        let (mut digits, mut places) = (Vec::new(), Vec::new());
        let mut end: Option<usize> = None;
        for place in words(message) {
            let word = message.get(place.clone()).unwrap_or_default();
            if !word.bytes().all(|byte| byte.is_ascii_digit() || is_in_number(byte)) {
                continue;
            }
            let before = end.and_then(|end| message.get(end..place.start));
            if !before.is_some_and(|before| before.len() <= CLOSE && before.bytes().all(is_in_number)) {
                digits.push(BETWEEN);
                places.push(place.start);
            }
            for (at, digit) in word.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
                digits.push(digit);
                places.push(place.start + at);
            }
            end = Some(place.end);
        }
        let shared = runs(&digits, self.letters, NUMBER).into_iter();
        let callers = shared.filter(|run| {
            let number = digits.get(run.clone()).unwrap_or_default();
            !self.is_known(number) && !self.is_named(number)
        });
        callers
            .filter_map(|run| Some(*places.get(run.start)?..places.get(run.end.checked_sub(1)?)? + 1))
            .collect()
    }

    /// Whether the prompt has a value that names nothing.
    fn has(&mut self, value: &str) -> bool {
        let letters = folded(value);
        if value.contains('@') {
            // Users have such names, too.
            return !self.whole || self.prompt.finds(&letters);
        }
        !self.is_known(&letters) && self.prompt.finds(&letters) && !self.is_named(&letters)
    }

    /// Whether a value is the model's name or a part of it, or a word of vendors.
    fn is_known(&self, letters: &[u8]) -> bool {
        let own = !letters.is_empty() && memmem::find(&self.sent, letters).is_some();
        own || VOCABULARY.iter().any(|word| word.as_bytes() == letters)
    }

    /// Whether the request has a value beside its prompt.
    fn is_named(&mut self, letters: &[u8]) -> bool {
        self.names.iter_mut().any(|names| names.surely_finds(letters))
    }
}

/// What a word consists of.
#[derive(Default)]
struct Signs {
    letters: usize,
    /// The digits, without those of an index in a path.
    digits: usize,
    /// Whether there is a sign that names do not have.
    odd: bool,
    /// Whether there is a sign between the groups of a number.
    joined: bool,
}

impl Signs {
    fn of(word: &str) -> Self {
        let mut signs = Self::default();
        let word = word.as_bytes();
        let mut at = 0;
        while let Some(&byte) = word.get(at) {
            let mut length = 1;
            match byte {
                b'0'..=b'9' => {
                    let rest = word.get(at..).unwrap_or_default();
                    length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    signs.digits += if is_index(word, at, length) { 0 } else { length };
                }
                b'a'..=b'z' | b'A'..=b'Z' | 128.. => signs.letters += 1,
                byte if is_odd(byte) => signs.odd = true,
                b'-' | b'/' => signs.joined = true,
                _ => {}
            }
            at += length;
        }
        signs
    }
}

/// Whether a sign is one that names do not have.
fn is_odd(byte: u8) -> bool {
    matches!(byte, b'@' | b'!' | b'#' | b'$' | b'%' | b'^' | b'&' | b'+' | b'=' | b'?' | b'~')
}

/// Whether a message can have neither an escape nor an address nor a word with signs within it.
fn is_spelled_plainly(message: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" .,:!?-_/".contains(&byte);
    message.bytes().all(is_plain)
}

/// Whether digits are the index of a path, such as `messages[0].content` or `messages.0.content`.
fn is_index(word: &[u8], at: usize, length: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| word.get(before));
    let after = word.get(at + length);
    length < QUOTED && matches!(before, Some(b'.' | b'[')) && matches!(after, None | Some(b'.' | b']'))
}

/// The places of words, without the signs around them.
fn words(message: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    let places = message.split_inclusive(ends_word).map(move |piece| {
        let from = at;
        at += piece.len();
        without_signs(message, from..at)
    });
    places.filter(|place| !place.is_empty())
}

/// The words of a text that differ from those of the message itself.
fn plain_words(text: &Decoded, layer: usize) -> Vec<Range<usize>> {
    if layer == 0 { Vec::new() } else { words(text.text()).collect() }
}

/// A part of a text, without the signs around it.
pub(super) fn without_signs(text: &str, place: Range<usize>) -> Range<usize> {
    let is_sign = |letter: char| !letter.is_alphanumeric();
    let piece = text.get(place.clone()).unwrap_or_default();
    let word = piece.trim_start_matches(is_sign);
    let from = place.start + piece.len() - word.len();
    from..from + word.trim_end_matches(is_sign).len()
}

/// Whether a character is between words.
pub(super) fn ends_word(letter: char) -> bool {
    let quote = matches!(letter, '"' | '\'' | '`' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}');
    let bracket = matches!(letter, '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>');
    quote || bracket || letter.is_whitespace() || matches!(letter, ',' | ';' | ':' | '=' | '|')
}

/// Whether a byte may be between the groups of a number.
fn is_in_number(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_no_signs_around_them() {
        let message = "no \"jane.doe@example.com\", (hunter2!xyz)! at k=v: don't...";
        let found: Vec<&str> = words(message).filter_map(|place| message.get(place)).collect();
        assert_eq!(found, ["no", "jane.doe@example.com", "hunter2!xyz", "at", "k", "v", "don", "t"]);
    }

    #[test]
    fn an_index_is_no_number() {
        for (word, expected) in [
            ("messages[0].content", 0),
            ("messages.12.content.3", 0),
            ("gpt-4.1", 1),
            ("2024-08-06", 8),
            ("a.1234", 4),
        ] {
            assert_eq!(Signs::of(word).digits, expected, "{word}");
        }
    }
}
