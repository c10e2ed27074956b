//! The snapshots of all organizations, by key and by id. Each organization's snapshot is replaced independently.
//!
//! Each organization has its own reload lock, so organizations do not wait for each other. Changes that arrive during a
//! reload share the next one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use entity::ids::OrganizationId;

use super::keys::{KeyHash, Keys};
use super::progress::{Progress, RevocationProgress};
use super::{ApiKeyEntry, OrganizationSnapshot};
use crate::domain::IdMap;

/// The snapshots of all organizations.
#[derive(Debug, Default)]
pub struct SnapshotStore {
    pub(super) by_key: IdMap<KeyHash, Arc<Slot>>,
    pub(super) by_organization: IdMap<OrganizationId, Arc<Slot>>,
    pub(super) loaded: AtomicBool,
    /// Orders reads and publications, so that a read that began before a publication does not revert it.
    pub(super) sequence: AtomicU64,
    /// What was read of the changes of other processes. Locked while they are read.
    pub(super) progress: tokio::sync::Mutex<Progress>,
    /// What was read of the revocations of other processes. Locked while they are read.
    pub(super) revocations: tokio::sync::Mutex<RevocationProgress>,
    /// Revoked keys and the numbers of their revocations, until the changes are read that revoked them.
    pub(super) revoked: IdMap<KeyHash, i64>,
}

/// A snapshot that was read.
pub(super) struct Loaded {
    pub(super) snapshot: OrganizationSnapshot,
    /// What differs from an earlier snapshot, if only the changed keys were read.
    pub(super) changes: Option<KeyChanges>,
}

/// The keys that differ from those of an earlier snapshot.
pub(super) struct KeyChanges {
    pub(super) base: Arc<OrganizationSnapshot>,
    pub(super) hashes: Vec<KeyHash>,
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
    pub(super) fn publish(&self, loaded: Loaded, began: u64) {
        let Loaded { mut snapshot, changes } = loaded;
        let organizations = self.by_organization.pin();
        let slot = organizations.get_or_insert_with(snapshot.id, Arc::default);
        let mut published = slot.published.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = slot.current.load_full();
        if let Some(previous) = &previous {
            if snapshot.version < previous.version && *published > began {
                return;
            }
            snapshot.keys.carry_over(&previous.keys);
        }
        let snapshot = Arc::new(snapshot);
        slot.current.store(Some(snapshot.clone()));
        *published = self.sequence.fetch_add(1, Ordering::AcqRel);
        let is_base = |base: &Arc<OrganizationSnapshot>| {
            previous.as_ref().is_some_and(|previous| Arc::ptr_eq(previous, base))
        };
        let none = Keys::default();
        let before = previous.as_ref().map_or(&none, |previous| &previous.keys);
        match changes {
            Some(KeyChanges { base, hashes }) if is_base(&base) => {
                self.publish_keys(slot, (before, &snapshot.keys), hashes.iter());
            }
            _ => {
                let all = before.hashes().chain(snapshot.keys.hashes());
                self.publish_keys(slot, (before, &snapshot.keys), all);
            }
        }
    }

    /// Adds new keys and removes those that are gone. Only the given keys can differ.
    fn publish_keys<'a>(
        &self,
        slot: &Arc<Slot>,
        (before, after): (&Keys, &Keys),
        hashes: impl Iterator<Item = &'a KeyHash>,
    ) {
        let (keys, revoked) = (self.by_key.pin(), self.revoked.pin());
        for hash in hashes {
            match (before.contains(hash), after.contains(hash)) {
                (false, true) => {
                    keys.insert(*hash, slot.clone());
                    // Checked afterwards, because a revocation is noted before its key is removed.
                    if revoked.contains_key(hash) {
                        keys.remove(hash);
                    }
                }
                (true, false) => {
                    keys.remove(hash);
                }
                (true, true) | (false, false) => {}
            }
        }
    }

    /// Removes a key that was revoked. With the number of the revocation, an older snapshot does not bring it back.
    pub(super) fn forget_key(&self, hash: KeyHash, number: Option<i64>) {
        if let Some(number) = number {
            self.revoked.pin().insert(hash, number);
        }
        self.by_key.pin().remove(&hash);
    }

    /// Forgets the revocations up to that number. The snapshots do not have their keys any more.
    pub(super) fn forget_revocations(&self, number: i64) {
        self.revoked.pin().retain(|_, revoked| *revoked > number);
    }
}
