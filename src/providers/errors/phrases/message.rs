//! A message that many sentences are searched in.

use super::{fits, normalized};

/// A normalized message, with the pairs of bytes that occur in it. Almost every sentence has a pair that the message
/// lacks, so hardly any has to be searched.
pub(super) struct Message {
    text: String,
    /// A bit for each hash of a pair.
    pairs: [u64; 16],
}

impl Message {
    pub(super) fn of(message: &str) -> Self {
        let text = normalized(message);
        let mut pairs = [0_u64; 16];
        for (word, bit) in text.as_bytes().windows(2).map(place) {
            if let Some(word) = pairs.get_mut(word) {
                *word |= bit;
            }
        }
        Self { text, pairs }
    }

    /// The normalized text of the message.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether all parts occur, in this order.
    pub(super) fn fits(&self, parts: &[impl AsRef<str>]) -> bool {
        parts.iter().all(|part| self.may_hold(part.as_ref())) && fits(parts, &self.text)
    }

    /// Whether every pair of the part occurs. If not, the part does not occur.
    pub(super) fn may_hold(&self, part: &str) -> bool {
        let mut pairs = part.as_bytes().windows(2).map(place);
        pairs.all(|(word, bit)| self.pairs.get(word).is_some_and(|word| word & bit != 0))
    }
}

/// The word and the bit of a pair.
fn place(pair: &[u8]) -> (usize, u64) {
    let hash = pair.iter().fold(0, |hash, byte| hash * 37 + usize::from(*byte));
    (hash / 64 % 16, 1 << (hash % 64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_fits_what_the_text_fits(text in "[a-c é]{0,20}", parts in prop::collection::vec("[a-cé]{1,3}", 1..3)) {
            prop_assert_eq!(Message::of(&text).fits(&parts), fits(&parts, &normalized(&text)));
        }
    }
}
