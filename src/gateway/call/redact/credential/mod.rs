//! Finds a known credential in any form in which a provider may repeat it.
//!
//! Texts are compared by their skeleton: ASCII letters and digits only, without case, accents and compatibility
//! forms, once as they are and once for each layer of encoding. Any run of some length that the credential shares
//! with a skeleton is removed from the text, so parts of the credential are removed as well.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use icu_normalizer::DecomposingNormalizerBorrowed;
use zeroize::Zeroizing;

use super::REMOVED;
use super::encodings::{Letter, letters, without_a_layer};

/// The shortest shared run that counts as a part of the credential.
const PART: usize = 10;
/// The shortest shared run for a credential that is shorter than two parts.
const SHORT_PART: usize = 8;
/// The shortest shared run for a credential in base64 and in hexadecimal.
const ENCODED_PARTS: [usize; 2] = [12, 16];
/// A credential with fewer letters and digits is a placeholder: only its exact form is hidden.
const PLACEHOLDER: usize = 4;
/// The bytes of a part that are hashed. No part is shorter.
const BEGINNING: usize = PLACEHOLDER;
/// The size of the table of hashes: about a tenth of its bits are set.
const WORDS: usize = 64;
/// The most layers of encoding that are decoded.
const LAYERS: usize = 4;

/// A credential that is prepared for searching.
pub struct Credential {
    secret: Zeroizing<String>,
    needles: Vec<Needle>,
    /// A bit for each hash of the beginning of a part, because hardly any text begins like one.
    beginnings: [u64; WORDS],
}

/// All parts of one length of one form of the credential.
struct Needle {
    length: usize,
    form: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credential(..)")
    }
}

impl Credential {
    /// Prepares a credential for searching.
    pub fn new(secret: &str) -> Self {
        let plain = skeleton_bytes(secret);
        let mut needles = Vec::new();
        if plain.len() >= PLACEHOLDER {
            let part = if plain.len() >= 2 * PART { PART } else { SHORT_PART };
            let length = part.min(plain.len());
            let [base64_part, hexadecimal_part] = ENCODED_PARTS;
            needles.push(Needle { length, form: plain.into() });
            for form in in_base64(secret) {
                needles.push(Needle { length: base64_part, form: skeleton_bytes(&form).into() });
            }
            needles.push(Needle { length: hexadecimal_part, form: in_hexadecimal(secret).into() });
        }
        let mut beginnings = [0; WORDS];
        for part in needles.iter().flat_map(|needle| needle.form.windows(needle.length)) {
            let (word, bit) = beginning(part);
            if let Some(word) = beginnings.get_mut(word) {
                *word |= bit;
            }
        }
        Self { secret: secret.to_owned().into(), needles, beginnings }
    }

    /// The text without the credential and its parts. `None` means that it holds none.
    pub fn hide(&self, text: &str) -> Option<String> {
        if self.secret.is_empty() {
            return None;
        }
        if self.needles.is_empty() {
            return text.contains(&**self.secret).then(|| text.replace(&**self.secret, REMOVED));
        }
        // Most messages are ASCII without encodings, and hold nothing.
        let plain = text.is_ascii() && !text.contains(['%', '\\', '&']);
        if plain && self.parts_in(&skeleton_bytes(text)).next().is_none() {
            return None;
        }
        let mut found = Vec::new();
        let mut reading = Some(letters(text));
        for _ in 0..=LAYERS {
            let Some(current) = reading else { break };
            self.find(&skeleton(&current), &mut found);
            reading = without_a_layer(&current);
        }
        (!found.is_empty()).then(|| removed(text, found))
    }

    /// The parts of the credential in a skeleton: their positions and lengths.
    fn parts_in<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, usize)> + 't {
        let may_begin = |part: &[u8]| {
            let (word, bit) = beginning(part);
            self.beginnings.get(word).is_some_and(|word| word & bit != 0)
        };
        let begun = text.windows(BEGINNING).enumerate().filter(move |(_, start)| may_begin(start));
        begun.flat_map(move |(position, _)| {
            let lengths = self.needles.iter().filter(move |needle| {
                let part = text.get(position..position + needle.length);
                part.is_some_and(|part| needle.form.windows(needle.length).any(|own| own == part))
            });
            lengths.map(move |needle| (position, needle.length))
        })
    }

    fn find(&self, skeleton: &[Letter], found: &mut Vec<(usize, usize)>) {
        for (position, length) in self.parts_in(&bytes(skeleton)) {
            let (first, last) = (skeleton.get(position), skeleton.get(position + length - 1));
            if let (Some(first), Some(last)) = (first, last) {
                found.push((first.from, last.to));
            }
        }
    }
}

/// The word and the bit of the first bytes of a part.
fn beginning(part: &[u8]) -> (usize, u64) {
    let hash = part.iter().take(BEGINNING).fold(0, |hash, byte| hash * 37 + usize::from(*byte));
    (hash / 64 % WORDS, 1 << (hash % 64))
}

/// The base64 forms of the secret at each of the three possible byte offsets.
fn in_base64(secret: &str) -> [String; 3] {
    ["", "-", "--"].map(|before| STANDARD_NO_PAD.encode([before, secret].concat()))
}

fn in_hexadecimal(secret: &str) -> Vec<u8> {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    secret.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The ASCII letters and digits, in lower case and without accents, with their positions in the text.
fn skeleton(letters: &[Letter]) -> Vec<Letter> {
    let plain_form = DecomposingNormalizerBorrowed::new_nfkd();
    let mut skeleton = Vec::with_capacity(letters.len());
    for letter in letters {
        let mut keep = |value: char| {
            if value.is_ascii_alphanumeric() {
                skeleton.push(Letter { value: value.to_ascii_lowercase(), ..*letter });
            }
        };
        if letter.value.is_ascii() {
            keep(letter.value);
        } else {
            plain_form.normalize_iter(std::iter::once(letter.value)).for_each(keep);
        }
    }
    skeleton
}

/// The bytes of the skeleton of a text that is not encoded.
fn skeleton_bytes(text: &str) -> Vec<u8> {
    if !text.is_ascii() {
        return bytes(&skeleton(&letters(text)));
    }
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// The bytes of a skeleton, which is ASCII.
fn bytes(skeleton: &[Letter]) -> Vec<u8> {
    skeleton.iter().filter_map(|letter| u8::try_from(letter.value).ok()).collect()
}

/// Replaces every span of the text; spans that overlap or touch are merged.
fn removed(text: &str, mut spans: Vec<(usize, usize)>) -> String {
    spans.sort_unstable();
    let mut result = String::with_capacity(text.len());
    let mut position = 0;
    let mut spans = spans.into_iter().peekable();
    while let Some((from, mut to)) = spans.next() {
        while let Some((_, further)) = spans.next_if(|(next, _)| *next <= to) {
            to = to.max(further);
        }
        result.push_str(text.get(position..from).unwrap_or_default());
        result.push_str(REMOVED);
        position = to;
    }
    result.push_str(text.get(position..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests;
