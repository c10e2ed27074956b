//! Finds what two texts have in common, in a pass over each.
//!
//! A run of `length` letters that both have contains one of eight letters at every place, so it is enough to look up each
//! `length - 7`th place of the longer text. Only around a place that is found, whole runs are compared.

use std::collections::HashSet;
use std::ops::Range;

/// The letters that are looked up, as many as a number holds.
const GRAM: usize = 8;
/// The bits of the filter for each letter: few other letters pass it.
const BITS: usize = 32;

type Set<T> = HashSet<T, foldhash::fast::RandomState>;

/// So few of them are searched one by one. Few places pass the filter, and sorting would take longer.
const FEW: usize = 256;

/// Every eight letters of a short text that longer ones are compared with.
#[derive(Debug)]
pub(super) struct Grams {
    /// They are sorted if they are many.
    all: Vec<u64>,
    /// A bit for the hash of each of them.
    filter: Vec<u64>,
}

impl Grams {
    /// Prepares a text for comparisons.
    pub(super) fn of(own: &[u8]) -> Self {
        let mut all: Vec<u64> = Vec::with_capacity(own.len());
        all.extend(own.windows(GRAM).filter_map(gram));
        if all.len() > FEW {
            all.sort_unstable();
        }
        let mut filter = vec![0; (all.len() * BITS).next_power_of_two().max(64) / 64];
        for gram in &all {
            let (word, bit) = place(*gram, filter.len());
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self { all, filter }
    }

    fn has(&self, gram: u64) -> bool {
        let (word, bit) = place(gram, self.filter.len());
        self.filter.get(word).is_some_and(|word| word & bit != 0)
            && if self.all.len() > FEW {
                self.all.binary_search(&gram).is_ok()
            } else {
                self.all.contains(&gram)
            }
    }
}

/// Whether a run of so many letters can be in both texts.
pub(super) fn may_share(own: &[u8], other: &[u8], length: usize) -> bool {
    own.len() >= length && other.len() >= length && length >= GRAM
}

/// The ranges of a text with these `grams` that consist of runs of at least `length` letters that occur in `other`.
pub(super) fn runs_in(own: &[u8], grams: &Grams, other: &[u8], length: usize) -> Vec<Range<usize>> {
    if !may_share(own, other, length) {
        return Vec::new();
    }
    // Most errors repeat nothing, so whole runs are rarely needed.
    let mut runs: Set<&[u8]> = Set::default();
    let mut common: Set<&[u8]> = Set::default();
    let beside = length - GRAM;
    for at in (0..=other.len() - GRAM).step_by(beside + 1) {
        if !other.get(at..at + GRAM).and_then(gram).is_some_and(|gram| grams.has(gram)) {
            continue;
        }
        if runs.is_empty() {
            runs = own.windows(length).collect();
        }
        let around = at.saturating_sub(beside)..(at + length).min(other.len());
        let around = other.get(around).unwrap_or_default();
        common.extend(around.windows(length).filter(|run| runs.contains(run)));
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    if common.is_empty() {
        return ranges;
    }
    for (at, _) in own.windows(length).enumerate().filter(|(_, run)| common.contains(run)) {
        match ranges.last_mut() {
            Some(last) if at <= last.end => last.end = at + length,
            Some(_) | None => ranges.push(at..at + length),
        }
    }
    ranges
}

fn gram(letters: &[u8]) -> Option<u64> {
    letters.first_chunk().map(|letters| u64::from_le_bytes(*letters))
}

/// The word and the bit of eight letters in a filter of so many words, which are a power of two.
fn place(gram: u64, words: usize) -> (usize, u64) {
    let hash = gram.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    ((hash >> 6) as usize & (words - 1), 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exactly_the_shared_runs_are_found(own in "[ab]{0,40}", other in "[ab]{0,60}", length in 8..14_usize) {
            let mut shared = vec![false; own.len()];
            for (at, run) in own.as_bytes().windows(length).enumerate() {
                if other.as_bytes().windows(length).any(|other| other == run) {
                    shared[at..at + length].fill(true);
                }
            }
            let mut found = vec![false; own.len()];
            let grams = Grams::of(own.as_bytes());
            for range in runs_in(own.as_bytes(), &grams, other.as_bytes(), length) {
                found[range].fill(true);
            }
            prop_assert_eq!(found, shared);
        }
    }

    #[test]
    fn work_is_linear() {
        let (own, other) = ("a".repeat(16 * 1024), "a".repeat(512 * 1024));
        let (own, other) = (own.as_bytes(), other.as_bytes());
        let grams = Grams::of(own);
        let whole = 0..own.len();
        assert_eq!(runs_in(own, &grams, other, 32), std::slice::from_ref(&whole));
        let other = "abcdefgh".repeat(64 * 1024);
        assert!(runs_in(own, &grams, other.as_bytes(), 12).is_empty());
    }
}
