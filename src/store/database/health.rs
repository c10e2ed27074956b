//! Whether the database answers, as the task found that looks every second.
//!
//! It looks on a connection of its own: where the others are all in use, the database is busy and not away. While it is
//! away, pages and the management API say so at once instead of waiting for it.

use std::sync::atomic::{AtomicU32, Ordering};

/// Three looks that were waited for in vain, or one that was refused: a busy machine is not a database that is away.
const AWAY: u32 = 3;

/// What the last looks found.
#[derive(Debug, Default)]
pub(in crate::store) struct DbHealth {
    signs: AtomicU32,
}

impl DbHealth {
    /// It answered.
    pub(in crate::store) fn answered(&self) {
        if self.signs.swap(0, Ordering::AcqRel) >= AWAY {
            tracing::info!("the database is back");
        }
    }

    /// It let us wait.
    pub(in crate::store) fn silent(&self) {
        self.fail(1);
    }

    /// It could not be reached.
    pub(in crate::store) fn refused(&self) {
        self.fail(AWAY);
    }

    fn fail(&self, signs: u32) {
        let more = |known: u32| Some(known.saturating_add(signs));
        let before = self.signs.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).unwrap_or(0);
        if before < AWAY && before.saturating_add(signs) >= AWAY {
            tracing::error!("the database is away");
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
