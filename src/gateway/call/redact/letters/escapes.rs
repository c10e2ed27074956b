//! Decodes the escapes of JSON and source code, HTML entities and percent encoding, at any depth.

/// An escape after one or more backslashes, as in JSON within JSON. `None` is a blank, or a sign before a character that
/// means itself.
pub(super) fn backslashes(rest: &str) -> (Option<char>, usize) {
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
pub(super) fn entity(rest: &str) -> Option<(Option<char>, usize)> {
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

/// `%C3`, or encoded again `%25C3`: the byte and its length.
pub(super) fn percent_byte(text: &str) -> Option<(u8, usize)> {
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
