//! The snapshots of all organizations, by key and by id. Each organization's snapshot is replaced independently.
//!
//! Each organization has its own reload lock, so organizations do not wait for each other. Changes that arrive during a
//! reload share the next one.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;

use super::{ApiKeyEntry, OrganizationSnapshot};
use crate::domain::IdMap;

/// The snapshots of all organizations.
#[derive(Debug, Default)]
pub struct SnapshotStore {
    pub(super) by_key: IdMap<[u8; 32], Arc<Slot>>,
    pub(super) by_organization: IdMap<OrganizationId, Arc<Slot>>,
    pub(super) counter: AtomicI64,
    pub(super) loaded: AtomicBool,
    /// Orders reads and publications, so that a read that began before a publication does not revert it.
    pub(super) sequence: AtomicU64,
    /// When revoked keys were last queried.
    pub(super) revoked_seen: Mutex<Option<DateTime<Utc>>>,
}

#[derive(Debug, Default)]
pub(super) struct Slot {
    /// `None` until the organization is read for the first time.
    pub(super) current: ArcSwapOption<OrganizationSnapshot>,
    /// The position of the current snapshot in [`SnapshotStore::sequence`]. Locked while the snapshot is replaced.
    pub(super) published: Mutex<u64>,
    /// Locked while the organization is reloaded.
    pub(super) reload_lock: Arc<tokio::sync::Mutex<()>>,
}

impl SnapshotStore {
    /// Whether all organizations were loaded once.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// The organization and the key of a keyed hash; `None` if no valid key has it.
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

    /// The snapshots of all organizations.
    #[must_use]
    pub fn organizations(&self) -> Vec<Arc<OrganizationSnapshot>> {
        self.by_organization.pin().values().filter_map(|slot| slot.current.load_full()).collect()
    }

    /// Holds the reload lock of an organization, like a long reload.
    #[cfg(test)]
    pub(in crate::store) async fn hold_turn(&self, id: OrganizationId) -> tokio::sync::OwnedMutexGuard<()> {
        let slot = self.by_organization.pin().get(&id).cloned();
        slot.unwrap_or_default().reload_lock.clone().lock_owned().await
    }

    /// Publishes a snapshot that was read from `began` on. A lower version than the current one is published only if the read
    /// began after the current one was published, which means that the database was restored.
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

/// Copies the last use of each key, which does not belong to one snapshot.
fn carry_over(previous: &OrganizationSnapshot, snapshot: &mut OrganizationSnapshot) {
    for (hash, entry) in &mut snapshot.keys {
        if let (Some(old), Some(new)) = (previous.keys.get(hash), Arc::get_mut(entry)) {
            new.last_used = old.last_used.clone();
        }
    }
}
