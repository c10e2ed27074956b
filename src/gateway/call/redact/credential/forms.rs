//! The forms of a credential in which a provider may send it back: as it is, backward, and in the usual encodings.
//!
//! A form is what remains of it in a skeleton: ASCII letters in lowercase, and digits. Encodings of several bytes at a time
//! depend on the bytes before the credential, so each is prepared for every offset.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

/// The shortest run of a plain form that counts as a part of the credential.
pub(super) const PART: usize = 10;
/// The shortest run for a credential that is shorter than two parts.
const SHORT_PART: usize = 8;
/// The shortest run in base64, base32 and base85.
const ENCODED_PART: usize = 12;
/// The shortest run of hexadecimal digits, and of decimal ones.
const DIGITS_PART: usize = 16;
/// The shortest run of hexadecimal numbers with their prefix.
const NUMBERS_PART: usize = 20;
/// A credential with fewer letters and digits is a placeholder, which has no forms.
pub(super) const PLACEHOLDER: usize = 4;

/// One form of the credential.
pub(super) struct Form {
    /// The shortest run of the form that counts.
    pub(super) part: usize,
    pub(super) text: Zeroizing<Vec<u8>>,
}

/// All forms of a credential with this skeleton, without those that are too short to be recognized.
pub(super) fn forms(secret: &str, skeleton: Vec<u8>) -> Vec<Form> {
    if skeleton.len() < PLACEHOLDER {
        return Vec::new();
    }
    let part = if skeleton.len() >= 2 * PART { PART } else { SHORT_PART };
    let part = part.min(skeleton.len());
    let backward: Vec<u8> = skeleton.iter().rev().copied().collect();
    let each = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
    let numbers = [
        (DIGITS_PART, each(|byte| format!("{byte:02x}"))),
        (NUMBERS_PART, each(|byte| format!("0x{byte:02x}"))),
        (DIGITS_PART, each(|byte| byte.to_string())),
    ];
    let base64 = ["", "-", "--"].map(|before| STANDARD_NO_PAD.encode([before, secret].concat()));
    let after = |offset: usize| secret.as_bytes().get(offset..).unwrap_or_default();
    let base32 = (0..5).map(|offset| base32(after(offset)));
    let base85 = (0..4).flat_map(|offset| [base85(after(offset), ascii85), base85(after(offset), letters85)]);
    let encoded = base64.into_iter().map(|text| lowercase(&text)).chain(base32).chain(base85);
    let forms = [(part, skeleton), (part.max(SHORT_PART), backward)].into_iter();
    let forms = forms.chain(encoded.map(|text| (ENCODED_PART, text)));
    let forms = forms.chain(numbers.into_iter().map(|(part, text)| (part, text.into_bytes())));
    forms
        .map(|(part, text)| Form { part, text: text.into() })
        .filter(|form| form.text.len() >= form.part)
        .collect()
}

fn lowercase(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// Whole characters of five bits.
fn base32(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            let value = u8::try_from(bits >> count & 31).unwrap_or_default();
            out.push(match value {
                letter @ 0..26 => b'a' + letter,
                digit => b'2' + digit - 26,
            });
        }
        bits &= (1 << count) - 1;
    }
    out
}

/// Whole groups of four bytes in five characters. `letter` is the letter or digit of a value, if it has one.
fn base85(bytes: &[u8], letter: fn(u8) -> Option<u8>) -> Vec<u8> {
    let groups = bytes.chunks_exact(4).filter_map(|group| group.first_chunk());
    groups
        .flat_map(|group| {
            let number = u32::from_be_bytes(*group);
            [85_u32.pow(4), 85_u32.pow(3), 85 * 85, 85, 1]
                .map(|place| u8::try_from(number / place % 85).unwrap_or_default())
        })
        .filter_map(letter)
        .collect()
}

/// The alphabet of Ascii85, which is ASCII from the exclamation mark on.
fn ascii85(value: u8) -> Option<u8> {
    Some(b'!' + value).filter(u8::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase())
}

/// The alphabets of RFC 1924 and of Z85, which differ in the case of letters.
fn letters85(value: u8) -> Option<u8> {
    match value {
        0..10 => Some(b'0' + value),
        10..62 => Some(b'a' + (value - 10) % 26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `base64` writes them.
    #[test]
    fn encodings_are_the_usual_ones() {
        assert_eq!(base32(b"Zq7-fLm2_X"), lowercase("LJYTOLLGJRWTEX2Y"));
        assert_eq!(base85(b"Zq7-fLm2", ascii85), lowercase(">&cJQAk[%s"));
        assert_eq!(base85(b"Zq7-fLm2", letters85), lowercase("T5&fmW=w4|"));
    }
}
