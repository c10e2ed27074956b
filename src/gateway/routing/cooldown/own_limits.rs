//! Limits that the requests of one caller may have reached by themselves: they keep only this caller from the model.
//!
//! Pure: times are durations since a fixed point.

use std::sync::Arc;
use std::time::Duration;

use super::{Failure, OpenCooldown};

/// The most callers of a model that are remembered. The oldest is forgotten first.
const MOST: usize = 32;

/// The callers that met such a limit.
#[derive(Debug, Default)]
pub(super) struct OwnLimits(Vec<OwnLimit>);

#[derive(Debug)]
struct OwnLimit {
    caller: u64,
    /// The end of the time for which the caller is kept away.
    until: Duration,
    /// The end of the limit by the provider, up to which it says something to other callers.
    resets: Duration,
    failure: Arc<Failure>,
    /// Whether the provider said when the caller may come back.
    by_provider: bool,
    /// Whether a request called the model nevertheless, because no other model was left.
    spent: bool,
    /// Whether the model answered another caller later.
    refuted: bool,
}

impl OwnLimits {
    /// Whether another caller met a limit that has not passed, and the model answered no caller since.
    pub(super) fn are_met_by_others(&self, now: Duration, caller: u64) -> bool {
        self.0.iter().any(|met| met.caller != caller && !met.refuted && now < met.resets)
    }

    /// Keeps the caller away for `length`. A call within that time, of a request without another model, changes nothing.
    pub(super) fn meet(&mut self, now: Duration, caller: u64, length: Duration, failure: &Failure) {
        if self.active(now, caller).is_some() {
            return;
        }
        self.0.retain(|met| met.caller != caller);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(OwnLimit {
            caller,
            until: now + length,
            resets: now + failure.retry_after.unwrap_or(length).max(length),
            failure: Arc::new(failure.clone()),
            by_provider: failure.retry_after == Some(length),
            spent: false,
            refuted: false,
        });
    }

    /// The cooldown of the model for a caller that is kept away.
    pub(super) fn cooldown(&self, now: Duration, caller: u64) -> Option<OpenCooldown> {
        let met = self.active(now, caller)?;
        Some(OpenCooldown {
            remaining: met.until.saturating_sub(now),
            failure: met.failure.clone(),
            probe_free: !met.spent,
            by_provider: met.by_provider,
        })
    }

    /// Takes the one call that a caller has while it is kept away. Returns false if it was taken before.
    pub(super) fn claim(&mut self, now: Duration, caller: u64) -> bool {
        let met = self.0.iter_mut().find(|met| met.caller == caller && now < met.until);
        met.is_none_or(|met| !std::mem::replace(&mut met.spent, true))
    }

    /// Notes that the model answered a caller, which may come back. The limits of the others were not of the model.
    pub(super) fn answered(&mut self, caller: u64) {
        self.0.retain(|met| met.caller != caller);
        self.0.iter_mut().for_each(|met| met.refuted = true);
    }

    fn active(&self, now: Duration, caller: u64) -> Option<&OwnLimit> {
        self.0.iter().find(|met| met.caller == caller && now < met.until)
    }
}
