//! Loads snapshots: all of them at the start, and later those of organizations that changed.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use entity::ids::OrganizationId;
use entity::instance_state;
use sea_orm::EntityTrait as _;

use super::snapshot_store::SnapshotStore;
use super::{CHANGE_COUNTER, load};
use crate::domain::error::Error;
use crate::store::Store;
use crate::store::database::connections::Connections;

/// The number of organizations that are read at once. Their snapshots are published before the next batch is read.
const BATCH: usize = 200;
/// The largest difference between the clocks of two processes, for finding revoked keys.
const CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(2);

impl SnapshotStore {
    /// Loads the snapshots of all organizations.
    pub(in crate::store) async fn load_all(&self, store: &Store) -> Result<(), Error> {
        // The counter is read first, so that changes during the load are read again.
        let counter = counter(&store.inner.watcher).await?;
        self.read(store, None).await?;
        self.counter.store(counter, Ordering::Release);
        self.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Reloads an organization, unless its snapshot has `version` or a later one already.
    pub(in crate::store) async fn refresh(
        &self,
        store: &Store,
        id: OrganizationId,
        version: i64,
    ) -> Result<(), Error> {
        let slot = self.by_organization.pin().get(&id).cloned();
        let Some(slot) = slot else { return self.read(store, Some(&[id])).await };
        let _reload = slot.reload_lock.lock().await;
        if slot.current.load().as_ref().is_some_and(|known| known.version >= version) {
            return Ok(());
        }
        self.read(store, Some(&[id])).await
    }

    /// Whether there are changes that this process has not read.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(in crate::store) async fn has_changed(&self, store: &Store) -> Result<bool, Error> {
        Ok(counter(&store.inner.watcher).await? != self.counter.load(Ordering::Acquire))
    }

    /// Reads the changes of other processes. Snapshots that were published before an error or a cancellation stay, and the
    /// next call continues from there.
    ///
    /// # Errors
    /// The database cannot be read. The other snapshots stay as they are.
    pub async fn follow(&self, store: &Store) -> Result<(), Error> {
        let counter = counter(&store.inner.watcher).await?;
        if counter == self.counter.load(Ordering::Acquire) {
            return Ok(());
        }
        // Revoked keys are removed first, so that they do not wait for other changes.
        self.forget_revoked(store).await?;
        let changed: Vec<OrganizationId> = load::versions(store)
            .await?
            .into_iter()
            .filter(|(id, version)| self.organization(*id).is_none_or(|known| known.version != *version))
            .map(|(id, _)| id)
            .collect();
        for batch in changed.chunks(BATCH) {
            self.read(store, Some(batch)).await?;
        }
        self.counter.store(counter, Ordering::Release);
        Ok(())
    }

    async fn forget_revoked(&self, store: &Store) -> Result<(), Error> {
        let now = store.inner.clock.now();
        let seen = *self.revoked_seen.lock().unwrap_or_else(PoisonError::into_inner);
        let revoked = load::revoked(store, seen.unwrap_or(now) - CLOCK_DIFFERENCE).await?;
        let keys = self.by_key.pin();
        for hash in revoked {
            keys.remove(&hash);
        }
        *self.revoked_seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    async fn read(&self, store: &Store, only: Option<&[OrganizationId]>) -> Result<(), Error> {
        let began = self.sequence.fetch_add(1, Ordering::AcqRel);
        for snapshot in load::snapshots(store, only).await? {
            self.publish(snapshot, began);
        }
        Ok(())
    }
}

/// Reads the change counter on its own connection, so that it does not wait for other queries.
async fn counter(watcher: &Connections) -> Result<i64, Error> {
    let row = instance_state::Entity::find_by_id(CHANGE_COUNTER.to_owned()).one(watcher).await?;
    Ok(row.map_or(0, |row| row.value))
}
