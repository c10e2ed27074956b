//! What is known of a call under way, in case it ends before its outcome: its caller leaves, or its time is up.

use std::cell::Cell;

use crate::gateway::usage::pricing::Reported;

/// What is known of a call under way.
#[derive(Debug, Default)]
pub struct SoFar {
    begun: Cell<bool>,
    reported: Cell<Reported>,
}

impl SoFar {
    /// Starts over, because another call is made.
    pub(in crate::gateway) fn start(&self) {
        self.begun.set(false);
        self.reported.set(Reported::default());
    }

    /// Notes that the provider begins to answer.
    pub(in crate::gateway) fn begin(&self) {
        self.begun.set(true);
    }

    /// Whether the provider has begun to answer.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Notes what the provider has reported before its first content.
    pub(in crate::gateway) fn report(&self, reported: Reported) {
        self.reported.set(reported);
    }

    /// What the provider has reported.
    #[must_use]
    pub fn reported(&self) -> Reported {
        self.reported.get()
    }
}
