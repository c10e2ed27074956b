//! The normal form in which two texts are compared: letters and digits alone, however they are spelled.
//!
//! A provider repeats a request with other escapes, quotes, line breaks and forms of letters. So escapes of JSON at any
//! depth, percent encoding and HTML entities are decoded, compatibility forms such as full-width letters become plain
//! ones, case and accents are ignored, and everything between letters is skipped. The work is linear.

use std::ops::Range;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The letters and digits of a text, and the bytes of the text that they take.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// The normal form of the text, in UTF-8.
    pub(super) text: Vec<u8>,
    /// The place of each byte of the normal form.
    places: Vec<Range<usize>>,
}

impl Letters {
    /// Reads a text, with the places of its letters.
    pub(super) fn of(text: &str) -> Self {
        let (mut letters, mut places) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
        fold(text, &mut |byte, place: Range<usize>| {
            letters.push(byte);
            places.push(place);
        });
        Self { text: letters, places }
    }

    /// The bytes of the text that a range of the normal form takes.
    pub(super) fn place(&self, letters: &Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (self.places.get(letters.start)?, self.places.get(letters.end.checked_sub(1)?)?);
        Some(first.start..last.end)
    }
}

/// Adds the normal form of a text to `out`.
pub(super) fn add(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let plain = add_plain(rest.as_bytes(), out);
        rest = rest.get(plain..).unwrap_or_default();
        if plain == 0 {
            let length = more(rest, 0, &mut |byte, _| out.push(byte));
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

/// Adds the start of a text, up to a byte that needs more work and at most [`PIECE`] bytes. Returns its length. Without a
/// branch for each byte, and without a check for each letter whether there is room.
fn add_plain(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut piece = [0; PIECE];
    let (mut length, mut letters) = (0, 0);
    for &byte in text.iter().take(PIECE) {
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

/// The bytes that are read at once.
const PIECE: usize = 64;

/// The normal form of a text without places.
pub(super) fn folded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    add(text, &mut out);
    out
}

/// A byte that is neither a letter nor a digit.
const SKIPPED: u8 = 0;
/// A byte that needs a look at those after it.
const MORE: u8 = 1;
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

fn fold(text: &str, each: &mut impl FnMut(u8, Range<usize>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match FOLDED[usize::from(byte)] {
            SKIPPED => at += 1,
            MORE => at += more(text, at, each),
            letter => {
                each(letter, at..at + 1);
                at += 1;
            }
        }
    }
}

/// Reads an escape or a character that is not ASCII. Returns its length, at least 1.
fn more(text: &str, at: usize, each: &mut impl FnMut(u8, Range<usize>)) -> usize {
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
fn push(letter: char, place: Range<usize>, each: &mut impl FnMut(u8, Range<usize>)) {
    let mut plain = |letter: char| {
        for letter in letter.to_lowercase().filter(|letter| letter.is_alphanumeric()) {
            let mut bytes = [0; 4];
            letter.encode_utf8(&mut bytes).bytes().for_each(|byte| each(byte, place.clone()));
        }
    };
    match letter {
        // Unified ideographs have no other form.
        letter if letter.is_ascii() || matches!(letter, '\u{4e00}'..='\u{9fff}') => plain(letter),
        letter => {
            let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
            nfkd.normalize_iter(std::iter::once(letter)).for_each(plain);
        }
    }
}

/// An escape after one or more backslashes, as in JSON within JSON. `None` is a blank, or a sign before a character that
/// means itself.
fn backslashes(rest: &str) -> (Option<char>, usize) {
    let signs = rest.bytes().take_while(|byte| *byte == b'\\').count();
    let after = rest.get(signs..).unwrap_or_default();
    match after.bytes().next() {
        Some(b'n' | b'r' | b't' | b'b' | b'f' | b'v') => (None, signs + 1),
        Some(b'x') => {
            hexadecimal(after, 1, 2).map_or((None, signs), |code| (char::from_u32(code), signs + 3))
        }
        Some(b'U') => {
            hexadecimal(after, 1, 8).map_or((None, signs), |code| (char::from_u32(code), signs + 9))
        }
        Some(b'u') => unicode(after).map_or((None, signs), |(letter, length)| (letter, signs + length)),
        Some(_) | None => (None, signs),
    }
}

/// `u0041`, `u{41}`, or the two halves of a character.
fn unicode(text: &str) -> Option<(Option<char>, usize)> {
    if text.as_bytes().get(1) == Some(&b'{') {
        let end = text.as_bytes().iter().take(10).position(|byte| *byte == b'}')?;
        return Some((char::from_u32(hexadecimal(text, 2, end - 2)?), end + 1));
    }
    let first = hexadecimal(text, 1, 4)?;
    let second = || {
        let rest = text.get(5..).filter(|_| (0xd800..0xdc00).contains(&first))?;
        let signs = rest.bytes().take_while(|byte| *byte == b'\\').count();
        let rest = rest.get(signs..).filter(|rest| signs > 0 && rest.starts_with('u'))?;
        let second = hexadecimal(rest, 1, 4).filter(|second| (0xdc00..0xe000).contains(second))?;
        Some((char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)), 10 + signs))
    };
    Some(second().unwrap_or((char::from_u32(first), 5)))
}

/// `&#65;`, `&#x41;`, also without a semicolon, and named entities, which are signs. An ampersand may be an entity itself.
fn entity(rest: &str) -> Option<(Option<char>, usize)> {
    let mut name = rest.get(1..)?;
    while let Some(inner) = name.strip_prefix("amp;") {
        name = inner;
    }
    let before = rest.len() - name.len();
    let number = |from: usize, radix: u32| {
        let digits = name.get(from..)?.chars().take(8).take_while(|digit| digit.is_digit(radix)).count();
        let code = u32::from_str_radix(name.get(from..from + digits)?, radix).ok()?;
        let closed = usize::from(name.as_bytes().get(from + digits) == Some(&b';'));
        Some((char::from_u32(code), before + from + digits + closed))
    };
    match name.as_bytes() {
        [b'#', b'x' | b'X', ..] => number(2, 16),
        [b'#', ..] => number(1, 10),
        bytes => {
            let end = bytes.iter().take(10).position(|byte| *byte == b';').filter(|end| *end > 1);
            let Some(end) = end else { return (before > 1).then_some((None, before)) };
            bytes.iter().take(end).all(u8::is_ascii_alphabetic).then_some((None, before + end + 1))
        }
    }
}

/// `%C3%A4`: a run of bytes in UTF-8. Returns its length, or 1 for a mere percent sign.
fn percent(rest: &str, at: usize, each: &mut impl FnMut(u8, Range<usize>)) -> usize {
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

/// `%C3`, or encoded again `%25C3`: the byte and its length.
fn percent_byte(text: &str) -> Option<(u8, usize)> {
    let mut digits = text.strip_prefix('%')?;
    while let Some(inner) = digits.strip_prefix("25").filter(|inner| hexadecimal(inner, 0, 2).is_some()) {
        digits = inner;
    }
    let byte = hexadecimal(digits, 0, 2).and_then(|byte| u8::try_from(byte).ok())?;
    Some((byte, text.len() - digits.len() + 2))
}

/// A number of so many hexadecimal digits.
fn hexadecimal(text: &str, from: usize, length: usize) -> Option<u32> {
    let digits = text.get(from..from + length).filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(text: &str) -> String {
        String::from_utf8(folded(text)).expect("UTF-8")
    }

    #[test]
    fn however_letters_are_spelled_they_are_the_same() {
        for spelled in [
            "Zo\u{eb} has 12 \u{20ac}",
            "ZOE\u{308} HAS\n12",
            r"Zo\u00eb has\n12",
            r"Zo\\\\u00EB\\thas \\\\u0031\u{32}",
            r"\x5ao\u{eb} has \u0031\x32",
            "Zo%C3%AB%20has%2012%",
            "Zo&#235; has&nbsp;&#x31;&amp;#50;&",
            "&#90&#x6f;&#235&nbsp;has&#49&#50",
            "Zo%25C3%2525AB%2520has%25312",
            r"\U0000005ao\U000000eb has 12",
            "\u{ff3a}\u{ff4f}\u{eb}\u{3000}\u{ff48}\u{ff41}\u{ff53} \u{2460}\u{ff12}",
            "Z-o'e \"has\" [1, 2]\\",
        ] {
            assert_eq!(form(spelled), "zoehas12", "{spelled}");
        }
        assert_eq!(form(r"\ud835\udc00 \\ud835\\udc01 \ud835"), "ab");
        assert_eq!(form("\u{6211}\u{7684} 50% off & more; AT&T"), "\u{6211}\u{7684}50offmoreatt");
    }

    #[test]
    fn places_are_those_of_the_spelling() {
        let text = r"x \u0041%42&#67; d";
        let letters = Letters::of(text);
        assert_eq!(letters.text, b"xabcd");
        let place = letters.place(&(1..4)).expect("a place");
        assert_eq!(text.get(place), Some(r"\u0041%42&#67;"));
        assert_eq!(letters.place(&(0..0)), None);
    }

    #[test]
    fn work_is_linear() {
        for piece in ["\\", "%", "%25", "&", "&amp;", "%41", "\\u", "\\ud835", "&#", "\u{fdfa}"] {
            let hostile = piece.repeat(256 * 1024 / piece.len());
            assert!(folded(&hostile).len() <= 32 * hostile.len());
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_form_with_places(text in any::<String>()) {
            let letters = Letters::of(&text);
            prop_assert_eq!(&letters.text, &folded(&text));
            for at in 0..letters.text.len() {
                let place = letters.place(&(at..at + 1)).expect("a place");
                prop_assert!(text.get(place).is_some());
            }
        }

        #[test]
        fn json_in_json_says_the_same(text in "[ -~\u{e4}-\u{ff}]{0,40}") {
            let once = serde_json::json!(text.replace(['\\', '%', '&'], "")).to_string();
            let twice = serde_json::json!(once).to_string();
            prop_assert_eq!(folded(&once), folded(&twice));
        }
    }
}
