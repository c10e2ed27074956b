//! Loads snapshots: all of them at the start, and later those of organizations that changed.
//!
//! A process reads the changes of others in the order of their numbers, a few organizations at once. What was read is
//! published and not read again, so a process that was interrupted, or that has much to read, continues where it was. Only
//! changes of the release before, which have no numbers, make it compare the versions of all organizations.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use entity::ids::OrganizationId;

use super::counter::Counter;
use super::progress::{Pace, Place, Progress, RevocationProgress};
use super::snapshot_store::SnapshotStore;
use super::{OrganizationSnapshot, listing, load};
use crate::domain::error::Error;
use crate::store::Store;

/// The timeout for reading the change counter.
const COUNTER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// The number of versions that are compared at once.
const VERSIONS: usize = 5_000;

impl SnapshotStore {
    /// Loads the snapshots of all organizations.
    pub(in crate::store) async fn load_all(&self, store: &Store) -> Result<(), Error> {
        // Read first, so that changes during the load are read again.
        let now = store.inner.clock.now();
        let counter = Counter::read(&store.inner.watcher).await?;
        self.read(store, None, Vec::new()).await?;
        *self.progress.lock().await =
            Progress { counter, place: Place::after(counter.changes), pace: Pace::default() };
        *self.revocations.lock().await = RevocationProgress::at(counter, now);
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
        let Some(slot) = slot else { return self.read(store, Some(&[id]), Vec::new()).await };
        let _reload = slot.reload_lock.lock().await;
        if slot.current.load().as_ref().is_some_and(|known| known.version >= version) {
            return Ok(());
        }
        self.read(store, Some(&[id]), self.known(&[id])).await
    }

    /// Reads the changes of other processes until there are no more. Snapshots that were published before an error or a
    /// cancellation stay, and the next call continues from there.
    ///
    /// # Errors
    /// The database cannot be read, or is slow. The other snapshots stay as they are.
    pub async fn follow(&self, store: &Store) -> Result<(), Error> {
        let mut progress = self.progress.lock().await;
        let counted = tokio::time::timeout(COUNTER_TIMEOUT, Counter::read(&store.inner.watcher)).await;
        let counter = counted.unwrap_or(Err(Error::Busy))?;
        if counter == progress.counter {
            return Ok(());
        }
        let is_restored = counter.changes < progress.counter.changes;
        if is_restored {
            // Keys may be valid again.
            self.forget_revocations(i64::MAX);
        } else {
            self.follow_numbers(store, &mut progress).await?;
        }
        if is_restored || counter.unnumbered() != progress.counter.unnumbered() {
            self.compare_versions(store, &mut progress.pace, is_restored).await?;
        }
        if is_restored {
            progress.place = Place::after(counter.changes);
        }
        self.forget_revocations(progress.place.number);
        progress.counter = counter;
        Ok(())
    }

    /// Reads the organizations with a higher number than the last one that was read.
    async fn follow_numbers(&self, store: &Store, progress: &mut Progress) -> Result<(), Error> {
        loop {
            let (after, most) = (progress.place, progress.pace.organizations);
            let batch = async {
                let changed = listing::by_number(store, after, most).await?;
                let versions: Vec<_> = changed.iter().map(|(id, version, _)| (*id, *version)).collect();
                let differing = self.differing(&versions);
                if !differing.is_empty() {
                    self.read(store, Some(&differing), self.known(&differing)).await?;
                }
                Ok::<_, Error>(changed)
            };
            let changed = step(&mut progress.pace, Box::pin(batch)).await?;
            let Some((organization, _, number)) = changed.last().copied() else { return Ok(()) };
            progress.place = Place { number, organization };
            if changed.len() < most {
                return Ok(());
            }
        }
    }

    /// Reads the organizations that have another version than their snapshot; with `whole`, all of them, and all of each.
    async fn compare_versions(&self, store: &Store, pace: &mut Pace, whole: bool) -> Result<(), Error> {
        let mut after = None;
        loop {
            let versions = step(pace, Box::pin(listing::by_id(store, after, VERSIONS))).await?;
            let differing: Vec<OrganizationId> = match whole {
                true => versions.iter().map(|(id, _)| *id).collect(),
                false => self.differing(&versions),
            };
            let mut rest = differing.as_slice();
            while !rest.is_empty() {
                let (batch, others) = rest.split_at(rest.len().min(pace.organizations));
                let known = if whole { Vec::new() } else { self.known(batch) };
                step(pace, Box::pin(self.read(store, Some(batch), known))).await?;
                rest = others;
            }
            match versions.last() {
                Some((last, _)) if versions.len() == VERSIONS => after = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    /// The organizations that have another version than their snapshot.
    fn differing(&self, versions: &[(OrganizationId, i64)]) -> Vec<OrganizationId> {
        let differs = |id: OrganizationId, version: i64| {
            self.organization(id).is_none_or(|known| known.version != version)
        };
        versions.iter().filter(|(id, version)| differs(*id, *version)).map(|(id, _)| *id).collect()
    }

    /// The snapshots of these organizations, as far as there are any.
    fn known(&self, ids: &[OrganizationId]) -> Vec<Arc<OrganizationSnapshot>> {
        ids.iter().filter_map(|id| self.organization(*id)).collect()
    }

    async fn read(
        &self,
        store: &Store,
        only: Option<&[OrganizationId]>,
        known: Vec<Arc<OrganizationSnapshot>>,
    ) -> Result<(), Error> {
        let began = self.sequence.fetch_add(1, Ordering::AcqRel);
        for loaded in load::snapshots(store, only, known).await? {
            self.publish(loaded, began);
        }
        Ok(())
    }
}

/// Runs one step within the time that the pace allows, and adapts the pace to it.
async fn step<T>(pace: &mut Pace, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match tokio::time::timeout(pace.timeout, work).await {
        Ok(done) => {
            let done = done?;
            pace.done();
            Ok(done)
        }
        Err(_) => {
            pace.timed_out();
            let Pace { organizations, timeout } = *pace;
            tracing::warn!(organizations, ?timeout, "reading changes takes long; the next step is smaller");
            Err(Error::Busy)
        }
    }
}
