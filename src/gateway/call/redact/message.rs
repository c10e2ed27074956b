//! A provider's message, read once for all comparisons with the request.

use std::cell::OnceCell;
use std::ops::Range;

use super::letters::Letters;
use super::shared_runs::{Grams, runs};

/// The message of an error, and its letters.
#[derive(Debug)]
pub(in crate::gateway) struct Message<'m> {
    /// The message as the provider sent it.
    pub(super) text: &'m str,
    pub(super) letters: Letters,
    /// The letters, prepared for comparisons.
    grams: OnceCell<Grams>,
}

impl<'m> Message<'m> {
    /// Reads a message for comparisons.
    pub(in crate::gateway) fn of(text: &'m str) -> Self {
        Self { text, letters: Letters::of(text), grams: OnceCell::new() }
    }

    /// The places of runs of at least `length` letters that occur in another text.
    pub(super) fn runs_in(&self, other: &[u8], length: usize) -> Vec<Range<usize>> {
        let own = self.letters.text.as_slice();
        if own.len() < length {
            return Vec::new();
        }
        let grams = self.grams.get_or_init(|| Grams::of(own));
        grams.runs(own, other, length).iter().filter_map(|run| self.letters.place(run)).collect()
    }

    /// The places of runs of at least `length` of these letters, which are some of the message's, that occur in another
    /// text.
    pub(super) fn runs_of(&self, letters: &[usize], other: &[u8], length: usize) -> Vec<Range<usize>> {
        if letters.len() < length {
            return Vec::new();
        }
        if letters.len() == self.letters.text.len() {
            // They are all.
            return self.runs_in(other, length);
        }
        let own: Vec<u8> = letters.iter().filter_map(|at| self.letters.text.get(*at).copied()).collect();
        let place = |run: &Range<usize>| {
            let (first, last) = (letters.get(run.start)?, letters.get(run.end.checked_sub(1)?)?);
            self.letters.place(&(*first..last + 1))
        };
        runs(&own, other, length).iter().filter_map(place).collect()
    }

    /// The number of its letters, in bytes.
    pub(super) fn len(&self) -> usize {
        self.letters.text.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::letters::Folded;
    use super::*;

    proptest! {
        #[test]
        fn a_message_and_a_request_have_one_spine(text in "[a-z0-9 \u{e9}&%\\\\]{0,200}") {
            let message = Message::of(&text);
            let letters = &message.letters;
            let spine: Vec<u8> = letters.spine().iter().filter_map(|at| letters.text.get(*at).copied()).collect();
            let folded = Folded::of(&text);
            prop_assert_eq!(folded.spine(folded.letters.len()), spine);
        }

        #[test]
        fn runs_of_all_letters_are_runs_of_the_message(own in "[ab]{0,40}", other in "[ab]{0,60}", digit in "7?") {
            let text = [own.as_str(), digit.as_str()].concat();
            let message = Message::of(&text);
            let found = message.runs_of(message.letters.spine(), other.as_bytes(), 8);
            prop_assert_eq!(found, runs(own.as_bytes(), other.as_bytes(), 8));
        }
    }
}
