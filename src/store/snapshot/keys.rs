//! The keys of an organization in its snapshots.
//!
//! A snapshot shares most of its keys with the one before it, so a change of one key costs the same with ten keys and with
//! a hundred thousand.

use std::collections::HashMap;
use std::sync::Arc;

use super::ApiKeyEntry;

/// The keyed hash of an API key.
pub(super) type KeyHash = [u8; 32];

/// The most changes that a snapshot keeps apart from the shared keys. More are merged into a copy of these.
const MOST_CHANGES: usize = 1_024;

/// The keys of an organization that are not revoked, by keyed hash.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    shared: Arc<HashMap<KeyHash, Arc<ApiKeyEntry>>>,
    /// What differs from the shared keys. `None` for a key that is gone.
    changes: HashMap<KeyHash, Option<Arc<ApiKeyEntry>>>,
    count: usize,
    unnumbered: i64,
}

impl Keys {
    /// Keys that were read as a whole after so many unnumbered changes of the installation.
    pub(super) fn new(keys: HashMap<KeyHash, Arc<ApiKeyEntry>>, unnumbered: i64) -> Self {
        Self { count: keys.len(), shared: Arc::new(keys), changes: HashMap::new(), unnumbered }
    }

    /// These keys after changes. `None` removes a key.
    pub(super) fn with(&self, changes: Vec<(KeyHash, Option<Arc<ApiKeyEntry>>)>) -> Self {
        let mut next = self.clone();
        for (hash, entry) in changes {
            let (had, has) = (next.contains(&hash), entry.is_some());
            next.count = next.count + usize::from(has) - usize::from(had);
            next.changes.insert(hash, entry);
        }
        if next.changes.len() > MOST_CHANGES {
            next.merge();
        }
        next
    }

    fn merge(&mut self) {
        let mut all = (*self.shared).clone();
        for (hash, entry) in std::mem::take(&mut self.changes) {
            match entry {
                Some(entry) => all.insert(hash, entry),
                None => all.remove(&hash),
            };
        }
        self.shared = Arc::new(all);
    }

    /// The number of changes without a number that the keys include; see `counter`.
    pub(super) fn unnumbered(&self) -> i64 {
        self.unnumbered
    }

    /// The key of that keyed hash.
    #[must_use]
    pub fn get(&self, hash: &[u8; 32]) -> Option<&Arc<ApiKeyEntry>> {
        match self.changes.get(hash) {
            Some(changed) => changed.as_ref(),
            None => self.shared.get(hash),
        }
    }

    pub(super) fn contains(&self, hash: &KeyHash) -> bool {
        self.get(hash).is_some()
    }

    /// All keys, in no particular order.
    pub fn values(&self) -> impl Iterator<Item = &Arc<ApiKeyEntry>> {
        let unchanged = self.shared.iter().filter(move |(hash, _)| !self.changes.contains_key(*hash));
        unchanged.map(|(_, entry)| entry).chain(self.changes.values().flatten())
    }

    /// The keyed hashes of all keys, in no particular order.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &KeyHash> {
        let unchanged = self.shared.keys().filter(move |hash| !self.changes.contains_key(*hash));
        unchanged.chain(self.changes.iter().filter_map(|(hash, entry)| entry.as_ref().map(|_| hash)))
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes over the last use of each key, which does not belong to one snapshot. Entries that snapshots share have it.
    pub(super) fn carry_over(&mut self, previous: &Self) {
        let shared = Arc::get_mut(&mut self.shared).into_iter().flatten();
        let changed =
            self.changes.iter_mut().filter_map(|(hash, entry)| entry.as_mut().map(|entry| (hash, entry)));
        for (hash, entry) in shared.chain(changed) {
            if let Some(new) = Arc::get_mut(entry)
                && let Some(old) = previous.get(hash)
            {
                new.last_used = old.last_used.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use entity::ids::ApiKeyId;
    use uuid::Uuid;

    use super::*;
    use crate::store::{Limits, ModelLimits};

    fn hash(number: u32) -> KeyHash {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn entry(number: u32) -> Arc<ApiKeyEntry> {
        Arc::new(ApiKeyEntry {
            id: ApiKeyId(Uuid::from_u128(number.into())),
            name: "app".into(),
            scopes: Vec::new(),
            models: None,
            limits: Limits::default(),
            model_limits: ModelLimits::default(),
            expires_at: None,
            last_used: Arc::new(AtomicI64::new(0)),
        })
    }

    fn ids(keys: &Keys) -> Vec<u128> {
        let mut ids: Vec<u128> = keys.values().map(|key| key.id.0.as_u128()).collect();
        ids.sort_unstable();
        assert_eq!((keys.len(), keys.is_empty()), (ids.len(), ids.is_empty()));
        assert_eq!(keys.hashes().count(), ids.len());
        ids
    }

    #[test]
    fn changes_add_replace_and_remove_keys_and_leave_the_earlier_ones() {
        let first = Keys::new((1..=3).map(|number| (hash(number), entry(number))).collect(), 5);
        let second = first.with(vec![
            (hash(1), None),
            (hash(2), Some(entry(20))),
            (hash(4), Some(entry(4))),
            // It was never here.
            (hash(9), None),
        ]);
        let third = second.with(vec![(hash(1), Some(entry(1))), (hash(4), None)]);
        assert_eq!(ids(&first), [1, 2, 3]);
        assert_eq!(ids(&second), [3, 4, 20]);
        assert_eq!(ids(&third), [1, 3, 20]);
        assert_eq!(third.unnumbered(), 5);
        assert!(second.get(&hash(1)).is_none() && third.contains(&hash(1)));
    }

    #[test]
    fn many_changes_are_merged_into_the_shared_keys() {
        let mut keys = Keys::default();
        let last = u32::try_from(MOST_CHANGES * 3).expect("small");
        for number in 1..=last {
            keys = keys.with(vec![(hash(number), Some(entry(number)))]);
            assert!(keys.changes.len() <= MOST_CHANGES);
        }
        assert_eq!(keys.len(), MOST_CHANGES * 3);
        let removed = (1..last).map(|number| (hash(number), None)).collect();
        assert_eq!(ids(&keys.with(removed)), [u128::from(last)]);
    }

    #[test]
    fn the_last_use_of_a_key_outlives_its_changes() {
        let first = Keys::new((1..=2).map(|number| (hash(number), entry(number))).collect(), 0);
        let use_of = |keys: &Keys, number| keys.get(&hash(number)).expect("a key").last_used.clone();
        use_of(&first, 1).store(7, Ordering::Relaxed);
        let mut changed = first.with(vec![(hash(1), Some(entry(1)))]);
        changed.carry_over(&first);
        let mut read = Keys::new((1..=2).map(|number| (hash(number), entry(number))).collect(), 0);
        read.carry_over(&changed);
        assert_eq!(use_of(&read, 1).load(Ordering::Relaxed), 7);
        use_of(&first, 2).store(8, Ordering::Relaxed);
        assert_eq!(use_of(&read, 2).load(Ordering::Relaxed), 8);
    }
}
