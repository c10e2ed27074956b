//! The vectors in an answer to a request for embeddings, which are read without being kept.

use std::collections::HashSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How the caller wants the numbers of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As numbers in JSON.
    Float,
    /// As little-endian floats of four bytes each, in Base64.
    Base64,
    /// In a vendor's own form.
    Other,
}

/// What was found in a list of embeddings, which are not kept.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) count: usize,
    /// The numbers of each.
    pub(super) size: Option<usize>,
    /// Whether one has no numbers, or not as many as the others, or the place of another.
    unsound: bool,
    /// The places of those that name theirs.
    places: HashSet<u64>,
}

impl Found {
    /// Whether each has numbers, all have as many, and no two have the same place, or one beyond the last.
    pub(super) fn is_sound(&self) -> bool {
        let is_within = |place: &u64| usize::try_from(*place).is_ok_and(|place| place < self.count);
        !self.unsound && self.places.iter().all(is_within)
    }
}

/// One embedding of a list.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    embedding: Option<Vector>,
    #[serde(default)]
    index: Option<Value>,
}

/// The numbers of an embedding, which are not kept.
enum Vector {
    /// A list with so many numbers.
    Numbers(usize),
    /// So many characters of Base64, without those that fill it up, and whether one of the floats in it is not finite.
    Text(usize, bool),
}

impl Vector {
    /// How many numbers there are; `None` if they cannot be read as the caller expects.
    fn size(&self, encoding: Encoding) -> Option<usize> {
        match (self, encoding) {
            (Self::Numbers(count), _) => Some(*count),
            (Self::Text(..), Encoding::Float) | (Self::Text(_, true), Encoding::Base64) => None,
            (Self::Text(length, false), Encoding::Base64) => {
                let bytes = length * 3 / 4;
                bytes.is_multiple_of(4).then_some(bytes / 4)
            }
            (Self::Text(length, _), Encoding::Other) => Some(*length),
        }
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = Vector;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of numbers, or Base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vector, E> {
                let digits = text.trim_end_matches('=');
                let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
                match digits.bytes().all(is_digit) {
                    true => Ok(Vector::Text(digits.len(), has_no_number(digits))),
                    false => Err(E::custom("no Base64")),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vector, A::Error> {
                let mut count = 0;
                while let Some(number) = list.next_element::<f64>()? {
                    if !number.is_finite() {
                        return Err(A::Error::custom("no finite number"));
                    }
                    count += 1;
                }
                Ok(Vector::Numbers(count))
            }
        }
        deserializer.deserialize_any(Numbers)
    }
}

/// Whether one of the floats in Base64 is infinite or no number. What cannot be decoded has none.
fn has_no_number(digits: &str) -> bool {
    let bytes = STANDARD_NO_PAD.decode(digits).unwrap_or_default();
    let (floats, _) = bytes.as_chunks::<4>();
    floats.iter().any(|float| !f32::from_le_bytes(*float).is_finite())
}

/// Reads a list of embeddings without keeping them.
pub(super) struct Embeddings(pub(super) Encoding);

impl<'de> Visitor<'de> for Embeddings {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of embeddings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(entry) = list.next_element::<Entry>()? {
            let size = entry.embedding.and_then(|vector| vector.size(self.0)).filter(|size| *size > 0);
            found.unsound |= size.is_none() || found.size.is_some_and(|known| Some(known) != size);
            let place = entry.index.as_ref().and_then(Value::as_u64);
            found.unsound |= place.is_some_and(|place| !found.places.insert(place));
            found.size = found.size.or(size);
            found.count += 1;
        }
        Ok(found)
    }
}
