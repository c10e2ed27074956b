//! The estimates of a model's prompts, or of its answers, for each caller.

use super::rules::{LEAST_RATIO, MOST_RATIO, Rules, bounded};
use crate::gateway::usage::text_size::TextSize;

/// The most callers that are known, so that a model stays small. A further one takes the place of the one that was counted
/// longest ago.
const MOST_CALLERS: usize = 16;
/// Once a caller is known, one of this many of its texts is measured.
const SAMPLED: u32 = 64;
/// The weight of an estimate without any counts, in callers. With it, one caller moves the estimates of others by 10 % at
/// most, since the seventh root of [`MOST_RATIO`] is 1.104.
const NEUTRAL: f64 = 6.0;

/// What is known of a model's prompts, or of its answers.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The callers with their rules; the one that was counted last is at the end.
    callers: Vec<(u64, Rules)>,
    /// The texts that could have been measured since the first ones of their callers were.
    passed: u32,
}

impl Side {
    /// The estimated tokens of a text of this caller.
    pub(super) fn estimate(&self, caller: u64, size: &TextSize) -> i64 {
        let own = self.callers.iter().find(|(known, rules)| *known == caller && rules.has_learned());
        whole(own.map_or_else(|| self.of_all(size), |(_, rules)| rules.estimate(size)))
    }

    /// The geometric mean of the estimates of all callers, and of one without any counts.
    fn of_all(&self, size: &TextSize) -> f64 {
        let neutral = Rules::default().estimate(size);
        if neutral <= 0.0 {
            return neutral;
        }
        let (mut sum, mut weight) = (0.0_f64, NEUTRAL);
        for (_, rules) in self.callers.iter().filter(|(_, rules)| rules.has_learned()) {
            sum += (rules.estimate(size) / neutral).clamp(LEAST_RATIO, MOST_RATIO).ln();
            weight += 1.0;
        }
        bounded(neutral * (sum / weight).exp(), size)
    }

    /// Whether the next text of this caller is to be measured.
    pub(super) fn samples(&mut self, caller: u64) -> bool {
        let known = self.callers.iter().any(|(known, _)| *known == caller);
        if !known && self.callers.len() < MOST_CALLERS {
            self.callers.push((caller, Rules::default()));
        }
        let own = self.callers.iter_mut().find(|(known, _)| *known == caller);
        if own.is_some_and(|(_, rules)| rules.is_among_the_first()) {
            return true;
        }
        self.passed = (self.passed + 1) % SAMPLED;
        self.passed == 0
    }

    /// Adds the provider's count of a text of this caller.
    pub(super) fn learn(&mut self, caller: u64, size: &TextSize, tokens: i64) {
        let mut rules = match self.callers.iter().position(|(known, _)| *known == caller) {
            Some(place) => self.callers.remove(place).1,
            None if self.callers.len() < MOST_CALLERS => Rules::default(),
            None => {
                self.callers.remove(0);
                // Callers that take turns are only sampled.
                Rules::sampled()
            }
        };
        rules.learn(size, tokens);
        self.callers.push((caller, rules));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
fn whole(tokens: f64) -> i64 {
    tokens.ceil().clamp(0.0, 1e9) as i64
}
