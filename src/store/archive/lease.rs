//! The lease of the process that archives: on PostgreSQL several processes may serve, and one of them archives.
//!
//! The lease is a number of the installation: the time at which it ends, in Unix milliseconds. A process holds it as long
//! as that number is the one that it wrote. What is deleted is deleted in a transaction that locks it, so that a process
//! that was stopped for long deletes nothing.

use std::sync::atomic::{AtomicI64, Ordering};

use entity::instance_state;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};

use super::error::ArchiveError;
use crate::store::Store;
use crate::store::database::connections::Transaction;

const NAME: &str = "archive_lease";
/// How long a lease lasts, in milliseconds.
const PERIOD: i64 = 600_000;
/// After which part of it it is renewed.
const RENEWED: i64 = 60_000;

/// The end of the lease that this process holds; 0 without one.
#[derive(Debug, Default)]
pub(super) struct Lease(AtomicI64);

impl Lease {
    /// Takes the lease if no other process holds it. On SQLite there is only one process.
    pub(super) async fn acquire(&self, store: &Store) -> Result<bool, ArchiveError> {
        if store.is_sqlite() {
            return Ok(true);
        }
        let writer = &store.inner.writer;
        let now = store.inner.clock.now().timestamp_millis();
        if self.0.load(Ordering::Relaxed) > now {
            return Ok(self.renew(store).await.is_ok());
        }
        let free =
            instance_state::ActiveModel { name: Set(NAME.to_owned()), value: Set(0), numbered: Set(0) };
        let kept = OnConflict::column(instance_state::Column::Name).do_nothing().to_owned();
        instance_state::Entity::insert(free).on_conflict(kept).exec_without_returning(writer).await?;
        let ended = instance_state::Column::Value.lt(now);
        self.replace(writer, ended, now + PERIOD).await.map_err(Into::into)
    }

    /// Renews the lease if a part of it has passed.
    pub(super) async fn keep(&self, store: &Store) -> Result<(), ArchiveError> {
        let now = store.inner.clock.now().timestamp_millis();
        if store.is_sqlite() || self.0.load(Ordering::Relaxed) - PERIOD + RENEWED > now {
            return Ok(());
        }
        self.renew(store).await
    }

    async fn renew(&self, store: &Store) -> Result<(), ArchiveError> {
        let held = self.0.load(Ordering::Relaxed);
        let end = (store.inner.clock.now().timestamp_millis() + PERIOD).max(held + 1);
        if self.replace(&store.inner.writer, instance_state::Column::Value.eq(held), end).await? {
            return Ok(());
        }
        self.0.store(0, Ordering::Relaxed);
        Err(ArchiveError::Lost)
    }

    /// Locks the lease until the end of a transaction, so that no other process takes it meanwhile.
    pub(super) async fn hold(&self, store: &Store, on: &Transaction) -> Result<(), ArchiveError> {
        let held = self.0.load(Ordering::Relaxed);
        if store.is_sqlite() || self.replace(on, instance_state::Column::Value.eq(held), held).await? {
            return Ok(());
        }
        Err(ArchiveError::Lost)
    }

    /// Gives the lease back, so that another process need not wait for its end.
    pub(super) async fn release(&self, store: &Store) {
        let held = self.0.load(Ordering::Relaxed);
        if held != 0 {
            let released = self.replace(&store.inner.writer, instance_state::Column::Value.eq(held), 0).await;
            if let Err(error) = released {
                tracing::debug!(%error, "the lease of the archive could not be given back");
            }
        }
        self.0.store(0, Ordering::Relaxed);
    }

    async fn replace(&self, on: &impl ConnectionTrait, condition: Expr, end: i64) -> Result<bool, DbErr> {
        let updated = instance_state::Entity::update_many()
            .col_expr(instance_state::Column::Value, Expr::value(end))
            .filter(instance_state::Column::Name.eq(NAME))
            .filter(condition)
            .exec(on)
            .await?;
        let is_held = updated.rows_affected == 1;
        if is_held {
            self.0.store(end, Ordering::Relaxed);
        }
        Ok(is_held)
    }
}
