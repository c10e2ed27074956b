//! Finds a known credential in any form in which a provider may repeat it.
//!
//! Texts are compared by their skeleton: ASCII letters and digits only, without case, accents and compatibility
//! forms, once as they are and once for each layer of encoding. Any run of some length that the credential shares
//! with a skeleton is removed from the text, so parts of the credential are removed as well. Its other forms, such as
//! base64, are prepared and searched in the same way.

mod forms;

use std::fmt;

use icu_normalizer::DecomposingNormalizerBorrowed;
use zeroize::Zeroizing;

use super::REMOVED;
use super::encodings::{Letter, letters, without_a_layer};
use forms::{Form, PLACEHOLDER, forms};

/// The bytes of a part that are hashed. No part is shorter.
const BEGINNING: usize = PLACEHOLDER;
/// The size of the table of hashes: few of its bits are set.
const WORDS: usize = 512;
/// The most layers of encoding that are decoded.
const LAYERS: usize = 4;

/// A credential that is prepared for searching.
pub struct Credential {
    secret: Zeroizing<String>,
    forms: Vec<Form>,
    /// Where parts begin: their first bytes, the index of their form, and their place in it; sorted.
    parts: Zeroizing<Vec<(u32, usize, usize)>>,
    /// A bit for each hash of the beginning of a part, because hardly any text begins like one.
    beginnings: Zeroizing<Vec<u64>>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credential(..)")
    }
}

impl Credential {
    /// Prepares a credential for searching.
    pub fn new(secret: &str) -> Self {
        let forms = forms(secret, skeleton_bytes(secret));
        let mut parts = Vec::new();
        let mut beginnings = vec![0; WORDS];
        for (number, form) in forms.iter().enumerate() {
            for (at, part) in form.text.windows(form.part).enumerate() {
                let Some(first) = first(part) else { continue };
                parts.push((first, number, at));
                let (word, bit) = place(first);
                if let Some(word) = beginnings.get_mut(word) {
                    *word |= bit;
                }
            }
        }
        parts.sort_unstable();
        Self { secret: secret.to_owned().into(), forms, parts: parts.into(), beginnings: beginnings.into() }
    }

    /// The text without the credential and its parts. `None` means that it holds none.
    pub fn hide(&self, text: &str) -> Option<String> {
        if self.secret.is_empty() {
            return None;
        }
        if self.forms.is_empty() {
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
        let begun = text.windows(BEGINNING).enumerate().filter_map(|(position, start)| {
            let first = first(start)?;
            let (word, bit) = place(first);
            self.beginnings.get(word).is_some_and(|word| word & bit != 0).then_some((position, first))
        });
        begun.flat_map(move |(position, first)| {
            let from = self.parts.partition_point(|(other, ..)| *other < first);
            let like = self.parts.iter().skip(from).take_while(move |(other, ..)| *other == first);
            like.filter_map(move |(_, form, at)| {
                let Form { part, text: form } = self.forms.get(*form)?;
                let same = text.get(position..position + part)? == form.get(*at..at + part)?;
                same.then_some((position, *part))
            })
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

/// The first bytes of a part, as a number.
fn first(part: &[u8]) -> Option<u32> {
    part.first_chunk::<BEGINNING>().map(|first| u32::from_le_bytes(*first))
}

/// The word and the bit of the first bytes of a part.
fn place(first: u32) -> (usize, u64) {
    let hash = (first.wrapping_mul(0x9e37_79b1) >> 17) as usize;
    (hash / 64 % WORDS, 1 << (hash % 64))
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
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend(text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()));
    bytes
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
