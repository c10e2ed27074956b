//! How long the completions of a model are for each caller, if nothing limits them.

use std::collections::VecDeque;

/// The most callers that are known. A further one takes the place of the one that was counted longest ago.
const MOST_CALLERS: usize = 16;
/// The number of recent completions of a caller that count.
const MEMORY: usize = 16;
/// With fewer of them, nothing is known of the next one.
const FEWEST: usize = 4;

/// The lengths of the recent completions of each caller, in tokens.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    /// The caller that was counted last is at the end.
    callers: Vec<(u64, VecDeque<i64>)>,
}

impl Lengths {
    /// The longest of the caller's recent completions; `None` if there are too few.
    pub(super) fn usual(&self, caller: u64) -> Option<i64> {
        let (_, recent) = self.callers.iter().find(|(known, _)| *known == caller)?;
        recent.iter().copied().max().filter(|_| recent.len() >= FEWEST)
    }

    /// Adds the length of a completion.
    pub(super) fn add(&mut self, caller: u64, tokens: i64) {
        let mut recent = match self.callers.iter().position(|(known, _)| *known == caller) {
            Some(place) => self.callers.remove(place).1,
            None => VecDeque::with_capacity(MEMORY),
        };
        if self.callers.len() == MOST_CALLERS {
            self.callers.remove(0);
        }
        if recent.len() == MEMORY {
            recent.pop_front();
        }
        recent.push_back(tokens);
        self.callers.push((caller, recent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_the_recent_ones_is_usual() {
        let mut lengths = Lengths::default();
        for (number, tokens) in [5, 90, 7, 8].into_iter().enumerate() {
            assert_eq!(lengths.usual(1), None, "after {number}");
            lengths.add(1, tokens);
        }
        assert_eq!((lengths.usual(1), lengths.usual(2)), (Some(90), None));
        (0..15).for_each(|_| lengths.add(1, 6));
        assert_eq!(lengths.usual(1), Some(8));
        (0..64).for_each(|number| lengths.add(100 + number % 16, 3));
        assert_eq!((lengths.usual(1), lengths.usual(107)), (None, Some(3)));
        assert_eq!(lengths.callers.len(), MOST_CALLERS);
    }
}
