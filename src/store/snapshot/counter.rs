//! The change counter, which shows a process that there are changes to read.
//!
//! It counts all changes. Those of this release also have a number, which is in `organizations.change_seq`, and are counted
//! in `numbered` by the same statement. The difference is the number of changes that processes of the release before have
//! made: these write no numbers, and are found by the versions of the organizations.

use entity::instance_state;
use sea_orm::{ConnectionTrait, EntityTrait as _};

use super::CHANGE_COUNTER;
use crate::domain::error::Error;

/// The change counter as it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counter {
    /// The number of changes, which is also the number of the last one.
    pub(super) changes: i64,
    numbered: i64,
}

impl Counter {
    pub(super) async fn read(on: &impl ConnectionTrait) -> Result<Self, Error> {
        let row = instance_state::Entity::find_by_id(CHANGE_COUNTER.to_owned()).one(on).await?;
        Ok(row.map_or_else(Self::default, |row| Self { changes: row.value, numbered: row.numbered }))
    }

    /// The number of changes without a number. As long as it stays the same, the numbers lead to all changes.
    pub(super) fn unnumbered(self) -> i64 {
        self.changes.wrapping_sub(self.numbered)
    }
}
