//! Which callers a model answers, to tell a caller with failures of its own from a model that fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::state::FIRST;

/// How long an answer to another caller speaks for the model: as long as the first cooldown, because one that starts
/// wrongly costs as much as one that starts late.
const ANSWERS: Duration = FIRST;

/// The last two callers that a model answered. Concurrent answers may overwrite each other, which matters little.
#[derive(Debug, Default)]
pub(super) struct Callers([Answered; 2]);

#[derive(Debug, Default)]
struct Answered {
    caller: AtomicU64,
    /// In seconds, plus one; zero is never.
    at: AtomicU64,
}

impl Callers {
    pub(super) fn note(&self, caller: u64, now: Duration) {
        let [first, second] = &self.0;
        let (one, two) = (first.at.load(Ordering::Relaxed), second.at.load(Ordering::Relaxed));
        let same = |answered: &&Answered| answered.caller.load(Ordering::Relaxed) == caller;
        let slot = self.0.iter().find(same).unwrap_or(if one <= two { first } else { second });
        let at = now.as_secs() + 1;
        if slot.at.load(Ordering::Relaxed) != at || !same(&slot) {
            slot.caller.store(caller, Ordering::Relaxed);
            slot.at.store(at, Ordering::Relaxed);
        }
    }

    /// Whether another caller was answered lately.
    pub(super) fn others(&self, caller: u64, now: Duration) -> bool {
        self.0.iter().any(|answered| {
            let at = answered.at.load(Ordering::Relaxed);
            let lately = at > 0 && now.as_secs() + 1 < at + ANSWERS.as_secs();
            lately && answered.caller.load(Ordering::Relaxed) != caller
        })
    }
}
