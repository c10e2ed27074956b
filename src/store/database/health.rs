//! The health of the database, which a task checks every second.
//!
//! The checks use a separate connection, so that a busy pool does not look like an outage. During an outage, pages and
//! the management API fail immediately instead of waiting.

use std::sync::atomic::{AtomicU32, Ordering};

/// An outage is three checks that timed out or one refused connection. A single timeout can be a busy machine.
const AWAY: u32 = 3;

/// The result of the last health checks.
#[derive(Debug, Default)]
pub(in crate::store) struct DbHealth {
    signs: AtomicU32,
}

impl DbHealth {
    /// Notes that the database answered.
    pub(in crate::store) fn answered(&self) {
        if self.signs.swap(0, Ordering::AcqRel) >= AWAY {
            tracing::info!("the database is reachable again");
        }
    }

    /// Notes that a check timed out.
    pub(in crate::store) fn silent(&self) {
        self.fail(1);
    }

    /// Notes that the database could not be reached.
    pub(in crate::store) fn refused(&self) {
        self.fail(AWAY);
    }

    fn fail(&self, signs: u32) {
        let more = |known: u32| Some(known.saturating_add(signs));
        let before = self.signs.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).unwrap_or(0);
        if before < AWAY && before.saturating_add(signs) >= AWAY {
            tracing::error!("the database cannot be reached");
        }
    }

    pub(in crate::store) fn is_away(&self) -> bool {
        self.signs.load(Ordering::Acquire) >= AWAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_database_is_not_away_and_one_that_refuses_is() {
        let health = DbHealth::default();
        health.silent();
        health.silent();
        assert!(!health.is_away());
        health.answered();
        health.silent();
        health.silent();
        assert!(!health.is_away());
        health.silent();
        assert!(health.is_away());
        health.answered();
        assert!(!health.is_away());
        health.refused();
        assert!(health.is_away());
    }
}
