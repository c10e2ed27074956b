//! The snapshots of all organizations: looked up by key and by id, and replaced one organization at a time.
//!
//! Organizations do not wait for each other: each has a turn of its own for reading it again, and changes that
//! arrive while one is read share the next reading.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::OrganizationId;
use entity::instance_state;
use sea_orm::{DatabaseConnection, EntityTrait as _};

use super::super::{Error, Store};
use super::{ApiKeyEntry, CHANGE_COUNTER, OrganizationSnapshot, load};

/// Organizations that are read in one go. What was read is in force before the next go begins.
const BATCH: usize = 200;
/// How much earlier than the last look a key may have been revoked by a process with another clock.
const CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(2);

/// The snapshots of all organizations.
#[derive(Debug, Default)]
pub struct Directory {
    by_key: papaya::HashMap<[u8; 32], Arc<Slot>>,
    by_organization: papaya::HashMap<OrganizationId, Arc<Slot>>,
    counter: AtomicI64,
    loaded: AtomicBool,
    /// Orders readings and publications: a reading that began before a publication must not undo it.
    sequence: AtomicU64,
    /// When revoked keys were last looked for.
    revoked_seen: Mutex<Option<DateTime<Utc>>>,
}

#[derive(Debug, Default)]
struct Slot {
    /// None only until the organization has been read for the first time.
    current: ArcSwapOption<OrganizationSnapshot>,
    /// When the current snapshot was published, by [`Directory::sequence`]. Held while it is replaced.
    published: Mutex<u64>,
    /// Held while the organization is read again.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Directory {
    /// Has everything been read once?
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// The organization and key of a keyed hash, if such a key lives.
    #[must_use]
    pub fn find_key(&self, hash: &[u8; 32]) -> Option<(Arc<OrganizationSnapshot>, Arc<ApiKeyEntry>)> {
        let slot = self.by_key.pin().get(hash)?.clone();
        let snapshot = slot.current.load_full()?;
        let key = snapshot.keys.get(hash)?.clone();
        Some((snapshot, key))
    }

    /// The snapshot of an organization.
    #[must_use]
    pub fn organization(&self, id: OrganizationId) -> Option<Arc<OrganizationSnapshot>> {
        self.by_organization.pin().get(&id)?.current.load_full()
    }

    /// Every snapshot.
    #[must_use]
    pub fn organizations(&self) -> Vec<Arc<OrganizationSnapshot>> {
        self.by_organization.pin().values().filter_map(|slot| slot.current.load_full()).collect()
    }

    /// Reads every organization.
    pub(in crate::store) async fn load_all(&self, store: &Store) -> Result<(), Error> {
        // The counter first: what changes while we read is then read again.
        let counter = counter(&store.inner.watcher).await?;
        self.read(store, None).await?;
        self.counter.store(counter, Ordering::Release);
        self.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Reads this organization again, unless a reading that began later has seen `version` already.
    pub(in crate::store) async fn refresh(
        &self,
        store: &Store,
        id: OrganizationId,
        version: i64,
    ) -> Result<(), Error> {
        let slot = self.by_organization.pin().get(&id).cloned();
        let Some(slot) = slot else { return self.read(store, Some(&[id])).await };
        let _turn = slot.turn.lock().await;
        if slot.current.load().as_ref().is_some_and(|known| known.version >= version) {
            return Ok(());
        }
        self.read(store, Some(&[id])).await
    }

    /// Has any process changed anything that was not read yet?
    ///
    /// # Errors
    /// The database cannot be read.
    pub(in crate::store) async fn has_changed(&self, store: &Store) -> Result<bool, Error> {
        Ok(counter(&store.inner.watcher).await? != self.counter.load(Ordering::Acquire))
    }

    /// Looks whether any process has changed anything, and reads what it changed. What was read before an error or a
    /// cancellation stays in force, so the next look goes on from there.
    ///
    /// # Errors
    /// The database cannot be read; the snapshots that were not read yet stay as they are.
    pub async fn follow(&self, store: &Store) -> Result<(), Error> {
        let counter = counter(&store.inner.watcher).await?;
        if counter == self.counter.load(Ordering::Acquire) {
            return Ok(());
        }
        // Revoked keys first: however much else has changed, they end now.
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

    /// Holds an organization's turn, as a reading that takes long does.
    #[cfg(test)]
    pub(in crate::store) async fn hold_turn(&self, id: OrganizationId) -> tokio::sync::OwnedMutexGuard<()> {
        let slot = self.by_organization.pin().get(&id).cloned();
        slot.unwrap_or_default().turn.clone().lock_owned().await
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

    /// Puts a snapshot in force that was read from `began` on. A lower version than the one in force wins only where
    /// the reading began after that one was published: the database itself has gone back then.
    fn publish(&self, mut snapshot: OrganizationSnapshot, began: u64) {
        let organizations = self.by_organization.pin();
        let slot = organizations.get_or_insert_with(snapshot.id, Arc::default);
        let mut published = slot.published.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = slot.current.load_full();
        if let Some(previous) = &previous {
            if snapshot.version < previous.version && *published > began {
                return;
            }
            carry_over(previous, &mut snapshot);
        }
        let snapshot = Arc::new(snapshot);
        slot.current.store(Some(snapshot.clone()));
        *published = self.sequence.fetch_add(1, Ordering::AcqRel);
        let had =
            |hash: &[u8; 32]| previous.as_ref().is_some_and(|previous| previous.keys.contains_key(hash));
        let keys = self.by_key.pin();
        for hash in snapshot.keys.keys().filter(|hash| !had(hash)) {
            keys.insert(*hash, slot.clone());
        }
        for hash in previous.iter().flat_map(|previous| previous.keys.keys()) {
            if !snapshot.keys.contains_key(hash) {
                keys.remove(hash);
            }
        }
    }
}

/// A key's last use belongs to the key, not to one snapshot of it.
fn carry_over(previous: &OrganizationSnapshot, snapshot: &mut OrganizationSnapshot) {
    for (hash, entry) in &mut snapshot.keys {
        if let (Some(old), Some(new)) = (previous.keys.get(hash), Arc::get_mut(entry)) {
            new.last_used = old.last_used.clone();
        }
    }
}

/// Read on a connection of its own, so that it never waits behind lists and pages.
async fn counter(watcher: &DatabaseConnection) -> Result<i64, Error> {
    let row = instance_state::Entity::find_by_id(CHANGE_COUNTER.to_owned()).one(watcher).await?;
    Ok(row.map_or(0, |row| row.value))
}
