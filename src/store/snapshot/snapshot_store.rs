//! The snapshots of all organizations: looked up by key and by id, and replaced one organization at a time.
//!
//! Organizations do not wait for each other: each has a turn of its own for reading it again, and changes that
//! arrive while one is read share the next reading.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;

use super::{ApiKeyEntry, OrganizationSnapshot};

/// The snapshots of all organizations.
#[derive(Debug, Default)]
pub struct SnapshotStore {
    pub(super) by_key: papaya::HashMap<[u8; 32], Arc<Slot>>,
    pub(super) by_organization: papaya::HashMap<OrganizationId, Arc<Slot>>,
    pub(super) counter: AtomicI64,
    pub(super) loaded: AtomicBool,
    /// Orders readings and publications: a reading that began before a publication must not undo it.
    pub(super) sequence: AtomicU64,
    /// When revoked keys were last looked for.
    pub(super) revoked_seen: Mutex<Option<DateTime<Utc>>>,
}

#[derive(Debug, Default)]
pub(super) struct Slot {
    /// None only until the organization has been read for the first time.
    pub(super) current: ArcSwapOption<OrganizationSnapshot>,
    /// When the current snapshot was published, by [`SnapshotStore::sequence`]. Held while it is replaced.
    pub(super) published: Mutex<u64>,
    /// Held while the organization is read again.
    pub(super) reload_lock: Arc<tokio::sync::Mutex<()>>,
}

impl SnapshotStore {
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

    /// Holds an organization's turn, as a reading that takes long does.
    #[cfg(test)]
    pub(in crate::store) async fn hold_turn(&self, id: OrganizationId) -> tokio::sync::OwnedMutexGuard<()> {
        let slot = self.by_organization.pin().get(&id).cloned();
        slot.unwrap_or_default().reload_lock.clone().lock_owned().await
    }

    /// Puts a snapshot in force that was read from `began` on. A lower version than the one in force wins only where
    /// the reading began after that one was published: the database itself has gone back then.
    pub(super) fn publish(&self, mut snapshot: OrganizationSnapshot, began: u64) {
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
