//! What all organizations share of one process, and how much of it one organization may have at once.
//!
//! Every resource that callers can use up is counted here, and nowhere else: bytes that are held, requests under way, live
//! streams of events, look-ups of names, large bodies that are read, changes. One rule holds for what is counted: an
//! organization may have as much as is still free (of requests and calls, four times that). One alone gets half, two get a third each,
//! and the next one always finds something. What waits its turn instead (look-ups, large bodies, changes) waits in a queue of its own organization.
//!
//! Bytes come in three pools, so that large bodies never keep out small ones, and neither keeps out management.

mod held;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entity::ids::{OrganizationId, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::error::{Error, Result, Shared};
pub use held::{HeldBytes, Slot};

/// Up to here a body is small: it has a pool of its own.
pub const SMALL: usize = 64 * 1024;
/// From here on a text is parsed off the event loop.
pub const LARGE: usize = 256 * 1024;

/// Name look-ups that one organization may have under way at once; more wait.
const NAME_LOOKUPS: usize = 8;
/// Large texts of one organization that are read at once.
const LARGE_READS: usize = 1;

/// The sizes of what is shared.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Bytes that the process may hold for callers.
    pub bytes: usize,
    /// Requests to models that may be under way in the whole process.
    pub requests: usize,
    /// Those that one organization may have under way at once.
    pub organization_requests: usize,
    /// Management calls and pages that one organization may have under way at once.
    pub organization_calls: usize,
    /// Live streams of events in the whole process.
    pub tails: usize,
    /// Those of one organization.
    pub organization_tails: usize,
    /// Those of one person.
    pub person_tails: usize,
}

/// Something that is counted for all, and how much there is of it.
#[derive(Debug)]
struct Pool {
    size: usize,
    /// The most for one organization, however much is free.
    most: usize,
    /// One organization may have so many times what is still free.
    times: usize,
    used: AtomicUsize,
}

impl Pool {
    fn new(size: usize, most: usize) -> Self {
        Self { size, most, times: 1, used: AtomicUsize::new(0) }
    }
}

/// The pools that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bytes of bodies up to [`SMALL`].
    Small,
    /// Bytes of larger ones, of answers and of half frames.
    Large,
    /// Bytes of management calls and forms.
    Management,
    /// Requests to models.
    Requests,
    /// Management calls and pages.
    Calls,
    /// Live streams of events.
    Tails,
}

#[derive(Debug)]
struct Process {
    small: Pool,
    large: Pool,
    management: Pool,
    requests: Pool,
    calls: Pool,
    tails: Pool,
    person_tails: usize,
    readings: Arc<Semaphore>,
}

impl Process {
    fn pool(&self, kind: Kind) -> &Pool {
        match kind {
            Kind::Small => &self.small,
            Kind::Large => &self.large,
            Kind::Management => &self.management,
            Kind::Requests => &self.requests,
            Kind::Calls => &self.calls,
            Kind::Tails => &self.tails,
        }
    }
}

/// Every organization's share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shares {
    process: Arc<Process>,
    organizations: Arc<papaya::HashMap<OrganizationId, Arc<Share>>>,
}

/// One organization's share, or that of all callers who belong to none.
#[derive(Debug)]
pub struct Share {
    process: Arc<Process>,
    small: AtomicUsize,
    large: AtomicUsize,
    management: AtomicUsize,
    requests: AtomicUsize,
    calls: AtomicUsize,
    tails: AtomicUsize,
    persons: papaya::HashMap<UserId, Arc<AtomicUsize>>,
    look_ups: Arc<Semaphore>,
    readings: Arc<Semaphore>,
}

impl Shares {
    /// Nothing is used yet.
    #[must_use]
    pub fn new(sizes: Sizes) -> Self {
        let (small, management) = (sizes.bytes / 8, sizes.bytes / 16);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let process = Process {
            small: Pool::new(small, usize::MAX),
            large: Pool::new(sizes.bytes - small - management, usize::MAX),
            management: Pool::new(management, usize::MAX),
            requests: Pool { times: 4, ..Pool::new(sizes.requests, sizes.organization_requests) },
            // They take connections from the same open files.
            calls: Pool { times: 4, ..Pool::new(sizes.requests, sizes.organization_calls) },
            tails: Pool::new(sizes.tails, sizes.organization_tails),
            person_tails: sizes.person_tails,
            // One core is left for everything that is small.
            readings: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
        };
        Self { process: Arc::new(process), organizations: Arc::default() }
    }

    /// More than any test uses up.
    #[cfg(test)]
    pub(crate) fn ample() -> Self {
        const AMPLE: usize = 1 << 40;
        Self::new(Sizes {
            bytes: AMPLE,
            requests: AMPLE,
            organization_requests: AMPLE,
            organization_calls: AMPLE,
            tails: AMPLE,
            organization_tails: AMPLE,
            person_tails: AMPLE,
        })
    }

    /// The organization's share.
    #[must_use]
    pub fn of(&self, organization: OrganizationId) -> Arc<Share> {
        let fresh = || Arc::new(Share::new(self.process.clone()));
        self.organizations.pin().get_or_insert_with(organization, fresh).clone()
    }

    /// The share of callers who have not said yet who they are.
    #[must_use]
    pub fn of_anonymous(&self) -> Arc<Share> {
        self.of(OrganizationId(uuid::Uuid::nil()))
    }
}

impl Share {
    fn new(process: Arc<Process>) -> Self {
        Self {
            process,
            small: AtomicUsize::new(0),
            large: AtomicUsize::new(0),
            management: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            tails: AtomicUsize::new(0),
            persons: papaya::HashMap::new(),
            look_ups: Arc::new(Semaphore::new(NAME_LOOKUPS)),
            readings: Arc::new(Semaphore::new(LARGE_READS)),
        }
    }

    fn own(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Small => &self.small,
            Kind::Large => &self.large,
            Kind::Management => &self.management,
            Kind::Requests => &self.requests,
            Kind::Calls => &self.calls,
            Kind::Tails => &self.tails,
        }
    }

    /// Takes so much of a pool, if the organization has no more then than is still free.
    ///
    /// # Errors
    /// Nothing was taken. An organization that holds half of what is used has to wait for its own; for the others the gateway
    /// is busy.
    fn take(&self, kind: Kind, by: usize) -> Result<()> {
        let pool = self.process.pool(kind);
        let used = pool.used.fetch_add(by, Ordering::AcqRel) + by;
        let own = self.own(kind).fetch_add(by, Ordering::AcqRel) + by;
        let free = pool.size.saturating_sub(used);
        if own <= pool.most && own <= free.saturating_mul(pool.times) {
            return Ok(());
        }
        self.give_back(kind, by);
        let before = own - by;
        let own_doing = own > pool.most || (before > 0 && before >= (used - by) / 2);
        Err(if own_doing { Error::ShareUsedUp(kind.resource()) } else { Error::Busy })
    }

    fn give_back(&self, kind: Kind, by: usize) {
        self.own(kind).fetch_sub(by, Ordering::AcqRel);
        self.process.pool(kind).used.fetch_sub(by, Ordering::AcqRel);
    }

    /// A place for one more request to a model.
    ///
    /// # Errors
    /// As many as it may have are under way.
    pub fn request(self: &Arc<Self>) -> Result<Slot> {
        self.take(Kind::Requests, 1)?;
        Ok(Slot { share: self.clone(), kind: Kind::Requests, person: None })
    }

    /// A place for one more management call or page.
    ///
    /// # Errors
    /// As many as it may have are under way.
    pub fn call(self: &Arc<Self>) -> Result<Slot> {
        self.take(Kind::Calls, 1)?;
        Ok(Slot { share: self.clone(), kind: Kind::Calls, person: None })
    }

    /// A place for one more live stream of events of this person.
    ///
    /// # Errors
    /// As many as the person or the organization may have are open.
    pub fn tail(self: &Arc<Self>, person: UserId) -> Result<Slot> {
        self.take(Kind::Tails, 1)?;
        let own = self.persons.pin().get_or_insert_with(person, Arc::default).clone();
        let open = own.fetch_add(1, Ordering::AcqRel) + 1;
        // Dropped on a refusal, it gives back both.
        let place = Slot { share: self.clone(), kind: Kind::Tails, person: Some(own) };
        if open > self.process.person_tails { Err(Error::ShareUsedUp(Shared::Tails)) } else { Ok(place) }
    }

    /// Bytes of a request to a model and of its answer; none are held yet.
    #[must_use]
    pub fn hold(self: &Arc<Self>) -> HeldBytes {
        HeldBytes { share: self.clone(), kind: Kind::Small, size: 0 }
    }

    /// A copy of bytes that were let in. It is counted and never refused: what was read is sent.
    #[must_use]
    pub fn hold_copy(self: &Arc<Self>, size: usize) -> HeldBytes {
        self.process.large.used.fetch_add(size, Ordering::AcqRel);
        self.large.fetch_add(size, Ordering::AcqRel);
        HeldBytes { share: self.clone(), kind: Kind::Large, size }
    }

    /// Bytes of a management call; none are held yet.
    #[must_use]
    pub fn hold_management(self: &Arc<Self>) -> HeldBytes {
        HeldBytes { share: self.clone(), kind: Kind::Management, size: 0 }
    }

    /// A turn to look a name up. It is waited for behind the organization's own look-ups only.
    pub async fn look_up(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so there is always a permit.
        self.look_ups.clone().acquire_owned().await.ok()
    }

    /// Turns to look a name up that are free.
    #[cfg(test)]
    pub(crate) fn look_up_turns(&self) -> usize {
        self.look_ups.available_permits()
    }

    /// Does what takes long with a large text, off the event loop: one text of the organization at a time, and never on
    /// every core.
    ///
    /// # Errors
    /// It panicked, or the process ends.
    pub async fn read_large<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        // In this order: who waits behind its own large texts keeps no core from others.
        let own = self.readings.clone().acquire_owned().await.map_err(Error::internal)?;
        let core = self.process.readings.clone().acquire_owned().await.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _kept = (own, core);
            work()
        });
        done.await.map_err(Error::internal)
    }
}

impl Kind {
    fn resource(self) -> Shared {
        match self {
            Self::Small | Self::Large | Self::Management => Shared::Memory,
            Self::Requests | Self::Calls => Shared::Requests,
            Self::Tails => Shared::Tails,
        }
    }
}

#[cfg(test)]
mod tests;
