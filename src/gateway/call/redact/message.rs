//! A provider's message, read once for all comparisons with the request.

use std::ops::Range;
use std::sync::OnceLock;

use super::letters::Letters;
use super::shared_runs::{Grams, may_share, runs_in};

/// The message of an error, and its letters.
#[derive(Debug)]
pub(in crate::gateway) struct Message<'m> {
    /// The message as the provider sent it.
    pub(super) text: &'m str,
    letters: Letters,
    /// Prepared for the first comparison.
    grams: OnceLock<Grams>,
}

impl<'m> Message<'m> {
    /// Reads a message for comparisons.
    pub(in crate::gateway) fn of(text: &'m str) -> Self {
        Self { text, letters: Letters::of(text), grams: OnceLock::new() }
    }

    /// The places of runs of at least `length` letters that occur in another text.
    pub(super) fn runs_in(&self, other: &[u8], length: usize) -> Vec<Range<usize>> {
        let own = &self.letters.text;
        if !may_share(own, other, length) {
            return Vec::new();
        }
        let grams = self.grams.get_or_init(|| Grams::of(own));
        let runs = runs_in(own, grams, other, length);
        runs.iter().filter_map(|run| self.letters.place(run)).collect()
    }

    /// The number of its letters, in bytes.
    pub(super) fn len(&self) -> usize {
        self.letters.text.len()
    }
}
