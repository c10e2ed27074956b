//! Decodes percent encoding, backslash escapes of JSON and source code, and HTML entities.

/// A decoded character and the byte range of the text that encodes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter {
    pub(super) value: char,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The characters of a text, not decoded.
pub(super) fn letters(text: &str) -> Vec<Letter> {
    text.char_indices().map(|(from, value)| Letter { value, from, to: from + value.len_utf8() }).collect()
}

/// Decodes one layer. `None` means that nothing is encoded.
pub(super) fn without_a_layer(letters: &[Letter]) -> Option<Vec<Letter>> {
    let mut decoded = Vec::with_capacity(letters.len());
    let mut position = 0;
    let mut changed = false;
    while let Some(letter) = letters.get(position) {
        let rest = letters.get(position..).unwrap_or_default();
        let length = match letter.value {
            '%' => percent(rest, &mut decoded),
            '\\' => backslash(rest, &mut decoded),
            '&' => entity(rest, &mut decoded),
            _ => None,
        };
        if let Some(length) = length {
            changed = true;
            position += length;
        } else {
            decoded.push(*letter);
            position += 1;
        }
    }
    changed.then_some(decoded)
}

/// `%C3%A4`: a run of percent-encoded bytes in UTF-8.
fn percent(rest: &[Letter], decoded: &mut Vec<Letter>) -> Option<usize> {
    let byte = |chunk: &[Letter]| match chunk {
        [sign, high, low] if sign.value == '%' => {
            let value = high.value.to_digit(16)? * 16 + low.value.to_digit(16)?;
            u8::try_from(value).ok()
        }
        _ => None,
    };
    let run: Vec<u8> = rest.chunks(3).map_while(byte).collect();
    let mut taken = 0;
    for chunk in run.utf8_chunks() {
        for value in chunk.valid().chars() {
            let length = 3 * value.len_utf8();
            push(decoded, rest, taken, length, value);
            taken += length;
        }
        let length = 3 * chunk.invalid().len();
        if length > 0 {
            push(decoded, rest, taken, length, char::REPLACEMENT_CHARACTER);
            taken += length;
        }
    }
    (taken > 0).then_some(taken)
}

/// `\u0073`, `\u{73}`, `\x73`, `\163`, `\n`, `\"`.
fn backslash(rest: &[Letter], decoded: &mut Vec<Letter>) -> Option<usize> {
    let kind = rest.get(1)?.value;
    let (value, length) = match kind {
        'u' if rest.get(2).is_some_and(|letter| letter.value == '{') => {
            let digits = rest.iter().skip(3).take_while(|letter| letter.value.is_ascii_hexdigit()).count();
            (number(rest, 3, digits.min(6), 16)?, 4 + digits.min(6))
        }
        'u' => unit(rest)?,
        'U' => (number(rest, 2, 8, 16)?, 10),
        'x' => (number(rest, 2, 2, 16)?, 4),
        '0'..='7' => {
            let digits = rest.iter().skip(1).take(3).take_while(|letter| letter.value.is_digit(8)).count();
            (number(rest, 1, digits, 8)?, 1 + digits)
        }
        'n' | 'r' | 't' | 'b' | 'f' | 'v' => (u32::from(' '), 2),
        other if other.is_ascii_alphanumeric() => return None,
        other => (u32::from(other), 2),
    };
    push(decoded, rest, 0, length, char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(length)
}

/// `\u0073`, or a surrogate pair of two escapes.
fn unit(rest: &[Letter]) -> Option<(u32, usize)> {
    let first = number(rest, 2, 4, 16)?;
    let pair = (0xd800..0xdc00).contains(&first).then(|| rest.get(6..)).flatten().and_then(|second| {
        let escape = second.first()?.value == '\\' && second.get(1)?.value == 'u';
        let low = number(second, 2, 4, 16).filter(|low| escape && (0xdc00..0xe000).contains(low))?;
        Some(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00))
    });
    Some(pair.map_or((first, 6), |value| (value, 12)))
}

/// `&#115;`, `&#x73;`, `&amp;`. Named entities that are not listed become a space: none is an ASCII letter.
fn entity(rest: &[Letter], decoded: &mut Vec<Letter>) -> Option<usize> {
    let end = rest.iter().take(34).position(|letter| letter.value == ';')?;
    let value = match rest.get(1..end)? {
        [mark, x, digits @ ..] if mark.value == '#' && x.value.eq_ignore_ascii_case(&'x') => {
            number(digits, 0, digits.len(), 16)?
        }
        [mark, digits @ ..] if mark.value == '#' => number(digits, 0, digits.len(), 10)?,
        name if name.len() > 1 && name.iter().all(|letter| letter.value.is_ascii_alphabetic()) => {
            let is = |other: &&str| name.iter().map(|letter| letter.value).eq(other.chars());
            u32::from(SIGNS.into_iter().find(|(name, _)| is(name)).map_or(' ', |(_, sign)| sign))
        }
        _ => return None,
    };
    push(decoded, rest, 0, end + 1, char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(end + 1)
}

/// The signs that have a named entity.
const SIGNS: [(&str, char); 6] =
    [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("commat", '@')];

fn number(letters: &[Letter], from: usize, length: usize, radix: u32) -> Option<u32> {
    let digits: String = letters.get(from..from + length)?.iter().map(|letter| letter.value).collect();
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(&digits, radix).ok()
}

/// Adds a character that `length` characters from `at` encode.
fn push(decoded: &mut Vec<Letter>, rest: &[Letter], at: usize, length: usize, value: char) {
    if let (Some(first), Some(last)) = (rest.get(at), rest.get(at + length - 1)) {
        decoded.push(Letter { value, from: first.from, to: last.to });
    }
}
