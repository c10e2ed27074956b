//! A message that many sentences are searched in.

use super::{fits, normalized};

/// A normalized message, with the pairs of bytes that occur in it. Almost every sentence has a pair that the message
/// lacks, so hardly any has to be searched.
pub(super) struct Message {
    text: String,
    /// A bit for each hash of a pair.
    pairs: [u64; 16],
    /// The same with fewer bits, for [`Mask`].
    mask: u128,
}

/// A bit for each hash of a pair of bytes in the parts of a sentence, made when the gateway is built. Hardly any sentence has
/// all of its bits in a message that it does not fit.
#[derive(Clone, Copy)]
pub(super) struct Mask(u128);

impl Mask {
    /// The mask of the parts of a sentence.
    pub(super) const fn of(parts: &[&str]) -> Self {
        let (mut mask, mut part) = (0, 0);
        while part < parts.len() {
            let (bytes, mut at) = (parts[part].as_bytes(), 1);
            while at < bytes.len() {
                mask |= bit(bytes[at - 1], bytes[at]);
                at += 1;
            }
            part += 1;
        }
        Self(mask)
    }

    /// The masks of sentences.
    pub(super) const fn of_all<const N: usize>(sentences: &[&[&str]]) -> [Self; N] {
        let (mut masks, mut at) = ([Self(0); N], 0);
        while at < N {
            masks[at] = Self::of(sentences[at]);
            at += 1;
        }
        masks
    }
}

impl Message {
    pub(super) fn of(message: &str) -> Self {
        let text = normalized(message);
        let (mut pairs, mut mask) = ([0_u64; 16], 0);
        for (word, flag) in text.as_bytes().windows(2).map(place) {
            if let Some(word) = pairs.get_mut(word) {
                *word |= flag;
            }
        }
        for (first, second) in text.bytes().zip(text.bytes().skip(1)) {
            mask |= bit(first, second);
        }
        Self { text, pairs, mask }
    }

    /// The normalized text of the message.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether all parts occur, in this order.
    pub(super) fn fits(&self, parts: &[impl AsRef<str>]) -> bool {
        parts.iter().all(|part| self.may_hold(part.as_ref())) && fits(parts, &self.text)
    }

    /// Whether all parts of a sentence occur, in this order. `mask` is that of these parts.
    pub(super) fn fits_masked(&self, mask: Mask, parts: &[&str]) -> bool {
        mask.0 & !self.mask == 0 && self.fits(parts)
    }

    /// Whether one of the sentences occurs. The masks are theirs.
    pub(super) fn fits_any<const N: usize>(&self, masks: &[Mask; N], sentences: &[&[&str]]) -> bool {
        masks.iter().zip(sentences).any(|(mask, parts)| self.fits_masked(*mask, parts))
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

/// The bit of a pair in a mask.
const fn bit(first: u8, second: u8) -> u128 {
    1 << ((first as u32 * 37 + second as u32) % 128)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_fits_what_the_text_fits(text in "[a-c é]{0,20}", parts in prop::collection::vec("[a-cé]{1,3}", 1..3)) {
            let message = Message::of(&text);
            prop_assert_eq!(message.fits(&parts), fits(&parts, &normalized(&text)));
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            prop_assert_eq!(message.fits_masked(Mask::of(&parts), &parts), message.fits(&parts));
        }
    }

    #[test]
    fn a_mask_belongs_to_its_sentence() {
        const SENTENCES: &[&[&str]] = &[&["no such file"], &["image", "é"]];
        static MASKS: [Mask; SENTENCES.len()] = Mask::of_all(SENTENCES);
        let fits = |message: &str| Message::of(message).fits_any(&MASKS, SENTENCES);
        assert!(fits("There is NO such  file.") && fits("An image of é"));
        assert!(!fits("é in an image") && !fits("no file") && !fits(""));
    }
}
