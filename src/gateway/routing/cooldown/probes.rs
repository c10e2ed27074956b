//! Which callers probe a model, so that a caller with failures of its own does not keep the others from it.

use std::time::Duration;

use super::state::FIRST;

/// The most callers that probe a model within [`FIRST`] before its window has ended for all of them.
const MOST: usize = 32;

/// The probes of a model since its last answer.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// The callers that took a probe lately, and when.
    taken: Vec<(u64, Duration)>,
    /// The callers that were passed over while the probe of another one was running.
    waiting: Vec<u64>,
    /// The caller of the failed probes, as long as all are of one, and its requests may have caused them.
    failed: Option<u64>,
}

impl Probes {
    pub(super) fn take(&mut self, caller: u64, now: Duration) {
        self.taken.retain(|(known, at)| *known != caller && now < *at + FIRST);
        self.waiting.retain(|known| *known != caller);
        if self.taken.len() < MOST {
            self.taken.push((caller, now));
        }
    }

    /// Whether the caller took no probe lately, and not too many others did.
    pub(super) fn has_one_left(&self, caller: u64, now: Duration) -> bool {
        let lately = || self.taken.iter().filter(|(_, at)| now < *at + FIRST);
        lately().count() < MOST && lately().all(|(known, _)| *known != caller)
    }

    /// Notes that a caller was passed over while the probe of another one was running.
    pub(super) fn wait(&mut self, caller: u64) {
        if self.waiting.len() < MOST && !self.waiting.contains(&caller) {
            self.waiting.push(caller);
        }
    }

    pub(super) fn is_waiting(&self, caller: u64) -> bool {
        self.waiting.contains(&caller)
    }

    /// Notes a failed probe, with its caller if its request may have caused that. Returns the caller if no other one's probe
    /// has failed.
    pub(super) fn fail(&mut self, caller: Option<u64>) -> Option<u64> {
        self.failed = caller.filter(|caller| self.failed.is_none_or(|known| known == *caller));
        self.failed
    }

    /// A window begins for all callers.
    pub(super) fn start_over(&mut self) {
        self.waiting.clear();
        self.failed = None;
    }
}
