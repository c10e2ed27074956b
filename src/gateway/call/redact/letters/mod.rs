//! The normal form in which two texts are compared: letters and digits alone, however they are spelled.
//!
//! A provider repeats a request with other escapes, quotes, line breaks and forms of letters. So escapes of JSON at any
//! depth, percent encoding and HTML entities are decoded, compatibility forms such as full-width letters become plain
//! ones, case and accents are ignored, and everything between letters is skipped. The work is linear.
//!
//! A provider may also lose or garble what is not ASCII, or print a number beside each word. So there is a second form, the
//! spine of a text: its letters from a to z that are ASCII in the text itself.

mod escapes;

use std::ops::Range;

use icu_normalizer::DecomposingNormalizerBorrowed;

use self::escapes::{backslashes, entity, percent_byte};

/// The letters and digits of a text, and the bytes of the text that they take.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// The normal form of the text, in UTF-8.
    pub(super) text: Vec<u8>,
    /// The place of each byte of the normal form.
    pub(super) places: Vec<Range<usize>>,
    /// Which bytes of the normal form belong to the spine.
    spine: Vec<usize>,
}

impl Letters {
    /// Reads a text, with the places of its letters.
    pub(super) fn of(text: &str) -> Self {
        let (mut letters, mut places) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
        let mut spine = Vec::with_capacity(text.len());
        fold(text, &mut |byte: u8, place: Range<usize>, plain: bool| {
            if plain && byte.is_ascii_lowercase() {
                spine.push(letters.len());
            }
            letters.push(byte);
            places.push(place);
        });
        Self { text: letters, places, spine }
    }

    /// The bytes of the normal form that belong to the spine.
    pub(super) fn spine(&self) -> &[usize] {
        &self.spine
    }

    /// The bytes of the text that a range of the normal form takes.
    pub(super) fn place(&self, letters: &Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (self.places.get(letters.start)?, self.places.get(letters.end.checked_sub(1)?)?);
        Some(first.start..last.end)
    }
}

/// The letters and digits of a text, without their places.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    /// The normal form of the text, in UTF-8.
    pub(super) letters: Vec<u8>,
    /// Its ASCII letters and digits that come from other characters, such as accented ones.
    accents: Vec<usize>,
}

impl Folded {
    /// Reads a text, without the places of its letters.
    pub(super) fn of(text: &str) -> Self {
        let mut folded = Self::default();
        add(text, &mut folded);
        folded
    }

    /// The spine of the first letters, with the gaps between them.
    pub(super) fn spine(&self, length: usize) -> Vec<u8> {
        let letters = self.letters.get(..length).unwrap_or(&self.letters);
        let (mut spine, mut from) = (Vec::with_capacity(letters.len()), 0);
        for &accent in self.accents.iter().take_while(|at| **at < letters.len()) {
            add_spine(letters.get(from..accent).unwrap_or_default(), &mut spine);
            from = accent + 1;
        }
        add_spine(letters.get(from..).unwrap_or_default(), &mut spine);
        spine
    }

    /// Adds a gap, so that no run of letters goes on from here.
    pub(super) fn add_gap(&mut self) {
        self.letters.push(GAP);
    }

    /// Adds the letters of another text.
    pub(super) fn append(&mut self, other: &Self) {
        let before = self.letters.len();
        self.letters.extend_from_slice(&other.letters);
        self.accents.extend(other.accents.iter().map(|at| before + at));
    }

    /// The size in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        self.letters.len() + self.accents.len() * size_of::<usize>()
    }
}

/// Between texts that do not follow each other. No letter is like it.
const GAP: u8 = 0;

/// Adds the normal form of a text to `out`.
pub(super) fn add(text: &str, out: &mut Folded) {
    let mut rest = text;
    while !rest.is_empty() {
        let plain = add_plain(rest.as_bytes(), &mut out.letters);
        rest = rest.get(plain..).unwrap_or_default();
        if plain == 0 {
            let Folded { letters, accents } = &mut *out;
            let length = more(rest, 0, &mut |byte: u8, _: Range<usize>, plain: bool| {
                if !plain && byte.is_ascii() {
                    accents.push(letters.len());
                }
                letters.push(byte);
            });
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

/// Adds the start of a text, up to a byte that needs more work and at most [`PIECE`] bytes. Returns its length. Eight bytes
/// at a time, and without a check for each letter whether there is room.
fn add_plain(text: &[u8], out: &mut Vec<u8>) -> usize {
    let (mut piece, mut length, mut letters) = ([0; PIECE], 0, 0);
    let text = text.get(..PIECE).unwrap_or(text);
    for word in text.as_chunks::<8>().0 {
        let folded = u64::from_le_bytes(word.map(|byte| FOLDED[usize::from(byte)]));
        if folded & ANY_MORE != 0 {
            break;
        }
        let (joined, count) = without_skipped(folded);
        // There is room, because there are no more letters than bytes.
        if let Some(room) = piece.get_mut(letters..letters + 8) {
            room.copy_from_slice(&joined.to_le_bytes());
        }
        letters += count;
        length += 8;
    }
    for &byte in text.get(length..).unwrap_or_default() {
        let letter = FOLDED[usize::from(byte)];
        if letter == MORE {
            break;
        }
        piece[letters % PIECE] = letter;
        letters += usize::from(letter != SKIPPED);
        length += 1;
    }
    out.extend_from_slice(piece.get(..letters).unwrap_or_default());
    length
}

/// The bytes of a word that are not [`SKIPPED`], joined from its lowest byte on, and their number. None is [`MORE`], so none
/// has its bit.
fn without_skipped(mut word: u64) -> (u64, usize) {
    // Each byte that is not zero sets its highest bit, without a carry into the next.
    let (mut skipped, mut count) = (!(word + BELOW_MORE) & ANY_MORE, 8);
    while skipped != 0 {
        count -= 1;
        let before = (1 << (skipped.trailing_zeros() - 7)) - 1;
        word = (word & before) | ((word >> 8) & !before);
        skipped = (skipped & (skipped - 1)) >> 8;
    }
    (word, count)
}

/// Adds the letters from a to z, and the gaps. Most words consist of such letters alone and are added whole.
fn add_spine(letters: &[u8], out: &mut Vec<u8>) {
    let (words, rest) = letters.as_chunks::<8>();
    for word in words {
        // Of ASCII, a normal form has only digits beside them.
        if u64::from_ne_bytes(*word) & (ANY_MORE | ALL_LETTERS) == ALL_LETTERS {
            out.extend_from_slice(word);
        } else {
            out.extend(word.iter().filter(|byte| is_of_a_spine(**byte)));
        }
    }
    out.extend(rest.iter().filter(|byte| is_of_a_spine(**byte)));
}

fn is_of_a_spine(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == GAP
}

/// The bytes that are read before their letters are added.
const PIECE: usize = 64;
/// The bit of [`MORE`] in each byte of a word.
const ANY_MORE: u64 = u64::from_ne_bytes([MORE; 8]);
/// All other bits of each byte of a word.
const BELOW_MORE: u64 = !ANY_MORE;
/// The bit in each byte of a word that letters of ASCII have and digits lack.
const ALL_LETTERS: u64 = u64::from_ne_bytes([64; 8]);

/// The normal form of a text without places.
pub(super) fn folded(text: &str) -> Vec<u8> {
    Folded::of(text).letters
}

/// A byte that is neither a letter nor a digit.
const SKIPPED: u8 = 0;
/// A byte that needs a look at those after it. A bit that no letter has.
const MORE: u8 = 128;
/// The normal form of each byte: a lowercase letter, a digit, [`SKIPPED`] or [`MORE`].
static FOLDED: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [SKIPPED; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            letter @ (b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => letter.to_ascii_lowercase(),
            b'\\' | b'%' | b'&' | 128.. => MORE,
            _ => SKIPPED,
        };
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => return table,
        }
    }
}

/// Gives each letter of a text to `each`, with its place and whether it is ASCII in the text.
fn fold(text: &str, each: &mut impl FnMut(u8, Range<usize>, bool)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match FOLDED[usize::from(byte)] {
            SKIPPED => at += 1,
            MORE => at += more(text, at, each),
            letter => {
                each(letter, at..at + 1, true);
                at += 1;
            }
        }
    }
}

/// Reads an escape or a character that is not ASCII. Returns its length, at least 1.
fn more(text: &str, at: usize, each: &mut impl FnMut(u8, Range<usize>, bool)) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let first = rest.chars().next().unwrap_or_default();
    let (letter, length) = match first {
        '\\' => backslashes(rest),
        '&' => entity(rest).unwrap_or((None, 1)),
        '%' => return percent(rest, at, each),
        letter => (Some(letter), letter.len_utf8()),
    };
    if let Some(letter) = letter {
        push(letter, at..at + length, each);
    }
    length
}

/// Adds the plain letters of a character.
fn push(letter: char, place: Range<usize>, each: &mut impl FnMut(u8, Range<usize>, bool)) {
    let plain = letter.is_ascii();
    let mut fold = |letter: char| {
        for letter in letter.to_lowercase().filter(|letter| letter.is_alphanumeric()) {
            let mut bytes = [0; 4];
            let spelled: &str = match latin(letter) {
                Some(spelled) => spelled,
                None => letter.encode_utf8(&mut bytes),
            };
            spelled.bytes().for_each(|byte| each(byte, place.clone(), plain));
        }
    };
    match letter {
        // Unified ideographs have no other form.
        letter if letter.is_ascii() || matches!(letter, '\u{4e00}'..='\u{9fff}') => fold(letter),
        letter => {
            let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
            nfkd.normalize_iter(std::iter::once(letter)).for_each(fold);
        }
    }
}

/// The ASCII spelling of a lowercase Latin letter that Unicode does not decompose.
const fn latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        '\u{df}' => "ss",
        '\u{e6}' => "ae",
        '\u{f0}' | '\u{111}' => "d",
        '\u{f8}' => "o",
        '\u{fe}' => "th",
        '\u{127}' => "h",
        '\u{131}' => "i",
        '\u{142}' => "l",
        '\u{14b}' => "n",
        '\u{153}' => "oe",
        '\u{167}' => "t",
        _ => return None,
    })
}

/// `%C3%A4`: a run of bytes in UTF-8. Returns its length, or 1 for a mere percent sign.
fn percent(rest: &str, at: usize, each: &mut impl FnMut(u8, Range<usize>, bool)) -> usize {
    let (mut bytes, mut ends, mut length) = (Vec::new(), Vec::new(), 0);
    while let Some((byte, taken)) = percent_byte(rest.get(length..).unwrap_or_default()) {
        length += taken;
        bytes.push(byte);
        ends.push(at + length);
    }
    let (mut from, mut read) = (at, 0);
    let mut end_of = |more: usize| {
        read += more;
        ends.get(read - 1).copied().unwrap_or(at)
    };
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let to = end_of(letter.len_utf8());
            push(letter, from..to, each);
            from = to;
        }
        if !chunk.invalid().is_empty() {
            from = end_of(chunk.invalid().len());
        }
    }
    length.max(1)
}

#[cfg(test)]
mod tests;
