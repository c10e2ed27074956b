//! Finds what two texts have in common, in a pass over each.
//!
//! A run of `length` letters that both have contains one of eight letters at every place, so it is enough to look up each
//! `length - 7`th place of the longer text. Only around a place that is found, whole runs are compared.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ops::Range;

/// The letters that are looked up, as many as a number holds.
const GRAM: usize = 8;
/// The bits of the filter for each letter: few other letters pass it.
const BITS: usize = 32;

type Set<T> = HashSet<T, foldhash::fast::RandomState>;

/// What is looked up of a short text that longer ones are compared with.
#[derive(Debug)]
pub(super) struct Grams {
    /// Every eight letters of the text.
    grams: Vec<u64>,
    /// The same, sorted when the filter lets something pass for the first time.
    sorted: OnceCell<Vec<u64>>,
    /// Two bits for the hash of each of them.
    filter: Vec<u64>,
}

/// The ranges of a text that consist of runs of at least `length` letters that occur in `other`.
pub(super) fn runs(own: &[u8], other: &[u8], length: usize) -> Vec<Range<usize>> {
    if is_too_short(own, other, length) { Vec::new() } else { Grams::of(own).runs(own, other, length) }
}

/// Whether one of two texts has no run of this length, or the length is too small to be looked up.
fn is_too_short(own: &[u8], other: &[u8], length: usize) -> bool {
    own.len() < length || other.len() < length || length < GRAM
}

impl Grams {
    /// Prepares a text for comparisons.
    pub(super) fn of(own: &[u8]) -> Self {
        let mut grams = Vec::with_capacity(own.len());
        grams.extend(own.windows(GRAM).filter_map(gram));
        let mut filter = vec![0; (grams.len() * BITS).next_power_of_two().max(64) / 64];
        for gram in &grams {
            let (word, bits) = place(*gram, filter.len());
            if let Some(word) = filter.get_mut(word) {
                *word |= bits;
            }
        }
        Self { grams, sorted: OnceCell::new(), filter }
    }

    fn has(&self, gram: u64) -> bool {
        let (word, bits) = place(gram, self.filter.len());
        self.filter.get(word).is_some_and(|word| word & bits == bits)
            && self.sorted().binary_search(&gram).is_ok()
    }

    fn sorted(&self) -> &[u64] {
        self.sorted.get_or_init(|| {
            let mut sorted = self.grams.clone();
            sorted.sort_unstable();
            sorted
        })
    }

    /// As [`runs`], for the text that was prepared.
    pub(super) fn runs(&self, own: &[u8], other: &[u8], length: usize) -> Vec<Range<usize>> {
        if is_too_short(own, other, length) {
            return Vec::new();
        }
        let beside = length - GRAM;
        let windows = other.windows(GRAM).enumerate().step_by(beside + 1);
        let found = windows.filter(|(_, letters)| gram(letters).is_some_and(|gram| self.has(gram)));
        let mut places = found.map(|(at, _)| at).peekable();
        // Most errors repeat nothing, so whole runs are rarely needed.
        if places.peek().is_none() {
            return Vec::new();
        }
        let runs: Set<&[u8]> = own.windows(length).collect();
        let mut common: Set<&[u8]> = Set::default();
        for at in places {
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
}

fn gram(letters: &[u8]) -> Option<u64> {
    letters.first_chunk().map(|letters| u64::from_le_bytes(*letters))
}

/// The word and the bits of eight letters in a filter of so many words, which are a power of two.
fn place(gram: u64, words: usize) -> (usize, u64) {
    // The highest bits are made of all letters.
    let hash = gram.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 39;
    let word = usize::try_from(hash >> 12).unwrap_or_default() & (words - 1);
    (word, (1 << (hash & 63)) | (1 << ((hash >> 6) & 63)))
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
            for range in runs(own.as_bytes(), other.as_bytes(), length) {
                found[range].fill(true);
            }
            prop_assert_eq!(found, shared);
        }
    }

    #[test]
    fn a_run_is_found_wherever_it_is() {
        let own = b"the engine is currently overloaded please try again";
        let grams = Grams::of(own);
        for from in 0..own.len() - 12 {
            for before in 0..16 {
                let other = ["0".repeat(before).as_bytes(), &own[from..from + 12], b"1111"].concat();
                assert_eq!(grams.runs(own, &other, 12), std::slice::from_ref(&(from..from + 12)));
            }
        }
        assert!(grams.runs(own, &[b'x'; 4096], 12).is_empty());
    }

    #[test]
    fn work_is_linear() {
        let (own, other) = ("a".repeat(16 * 1024), "a".repeat(512 * 1024));
        let own = own.as_bytes();
        assert_eq!(runs(own, other.as_bytes(), 32), std::slice::from_ref(&(0..own.len())));
        let other = "abcdefgh".repeat(64 * 1024);
        assert!(runs(own, other.as_bytes(), 12).is_empty());
    }
}
