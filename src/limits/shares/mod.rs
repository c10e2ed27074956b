//! Divides the resources of one process fairly among organizations.
//!
//! Every resource that callers can exhaust is counted here: bytes in memory, requests in progress, live event
//! streams, DNS lookups and large bodies being parsed. One rule holds for everything that is counted: an
//! organization may use as much as is still free (for requests and calls, four times that). A single organization
//! gets half, two get a third each, and there is always something left for the next one. Lookups and large bodies
//! are not refused but wait in a queue of their organization.
//!
//! Bytes are counted in three pools, so that large bodies cannot block small ones, and neither can block management
//! calls.

mod held;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entity::ids::{OrganizationId, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::IdMap;
use crate::domain::error::{Error, Result, Shared};
pub use held::{HeldBytes, Slot};

/// The largest body, in bytes, that counts in the pool for small bodies.
pub const SMALL: usize = 64 * 1024;
/// The size in bytes from which a text is parsed off the event loop.
pub const LARGE: usize = 256 * 1024;
/// The size in bytes from which a text is translated off the event loop. A translation reads and writes each value several
/// times, so it takes about as long as parsing eight times as much.
pub const LARGE_TO_TRANSLATE: usize = LARGE / 8;

/// Concurrent DNS lookups of one organization; more wait.
const NAME_LOOKUPS: usize = 8;
/// Large texts of one organization that are parsed at the same time.
const LARGE_READS: usize = 1;

/// The sizes of the shared resources.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Bytes that the process may hold in memory for callers.
    pub bytes: usize,
    /// Concurrent inference requests of the process.
    pub requests: usize,
    /// Concurrent inference requests of one organization.
    pub organization_requests: usize,
    /// Concurrent management calls and pages of one organization.
    pub organization_calls: usize,
    /// Live event streams of the process.
    pub tails: usize,
    /// Live event streams of one organization.
    pub organization_tails: usize,
    /// Live event streams of one user.
    pub person_tails: usize,
}

/// A resource that is counted for the whole process.
#[derive(Debug)]
struct Pool {
    size: usize,
    /// The most for one organization, regardless of what is free.
    most: usize,
    /// One organization may use this many times what is still free.
    times: usize,
    used: AtomicUsize,
}

impl Pool {
    fn new(size: usize, most: usize) -> Self {
        Self { size, most, times: 1, used: AtomicUsize::new(0) }
    }
}

/// The pools that resources are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bytes of bodies up to [`SMALL`].
    Small,
    /// Bytes of larger bodies, of responses and of partial frames.
    Large,
    /// Bytes of management calls and forms.
    Management,
    /// Slots for inference requests.
    Requests,
    /// Management calls and pages.
    Calls,
    /// Slots for live event streams.
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

/// The shares of all organizations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shares {
    process: Arc<Process>,
    organizations: Arc<IdMap<OrganizationId, Arc<Share>>>,
}

/// The share of one organization, or of all callers without one.
#[derive(Debug)]
pub struct Share {
    process: Arc<Process>,
    small: AtomicUsize,
    large: AtomicUsize,
    management: AtomicUsize,
    requests: AtomicUsize,
    calls: AtomicUsize,
    tails: AtomicUsize,
    persons: IdMap<UserId, Arc<AtomicUsize>>,
    look_ups: Arc<Semaphore>,
    readings: Arc<Semaphore>,
}

impl Shares {
    /// Creates the shares, with nothing in use.
    #[must_use]
    pub fn new(sizes: Sizes) -> Self {
        let (small, management) = (sizes.bytes / 8, sizes.bytes / 16);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let process = Process {
            small: Pool::new(small, usize::MAX),
            large: Pool::new(sizes.bytes - small - management, usize::MAX),
            management: Pool::new(management, usize::MAX),
            requests: Pool { times: 4, ..Pool::new(sizes.requests, sizes.organization_requests) },
            // They use file descriptors of the same limit as requests.
            calls: Pool { times: 4, ..Pool::new(sizes.requests, sizes.organization_calls) },
            tails: Pool::new(sizes.tails, sizes.organization_tails),
            person_tails: sizes.person_tails,
            // One core stays free for small requests.
            readings: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
        };
        Self { process: Arc::new(process), organizations: Arc::default() }
    }

    /// Shares that no test can use up.
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

    /// The share of an organization.
    #[must_use]
    pub fn of(&self, organization: OrganizationId) -> Arc<Share> {
        let fresh = || Arc::new(Share::new(self.process.clone()));
        self.organizations.pin().get_or_insert_with(organization, fresh).clone()
    }

    /// The share of callers that are not authenticated yet.
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
            persons: IdMap::default(),
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

    /// Takes `by` from a pool, if the organization then uses no more than the rule allows.
    ///
    /// # Errors
    /// [`Error::ShareUsedUp`] if the organization itself uses half of what is in use, or nothing is in use, or it has
    /// reached its limit, otherwise [`Error::Busy`]. Nothing was taken.
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
        let own_doing = own > pool.most || before.saturating_mul(2) >= used - by;
        Err(if own_doing { Error::ShareUsedUp(kind.resource()) } else { Error::Busy })
    }

    fn give_back(&self, kind: Kind, by: usize) {
        self.own(kind).fetch_sub(by, Ordering::AcqRel);
        self.process.pool(kind).used.fetch_sub(by, Ordering::AcqRel);
    }

    /// Takes a slot for an inference request.
    ///
    /// # Errors
    /// The organization has no slot left.
    pub fn request(self: &Arc<Self>) -> Result<Slot> {
        self.take(Kind::Requests, 1)?;
        Ok(Slot { share: self.clone(), kind: Kind::Requests, person: None })
    }

    /// Takes a slot for a management call or a page.
    ///
    /// # Errors
    /// The organization has no slot left.
    pub fn call(self: &Arc<Self>) -> Result<Slot> {
        self.take(Kind::Calls, 1)?;
        Ok(Slot { share: self.clone(), kind: Kind::Calls, person: None })
    }

    /// Takes a slot for a live event stream of a user.
    ///
    /// # Errors
    /// The user or the organization has no slot left.
    pub fn tail(self: &Arc<Self>, person: UserId) -> Result<Slot> {
        self.take(Kind::Tails, 1)?;
        let own = self.persons.pin().get_or_insert_with(person, Arc::default).clone();
        let open = own.fetch_add(1, Ordering::AcqRel) + 1;
        // Dropping the slot on refusal returns both counts.
        let place = Slot { share: self.clone(), kind: Kind::Tails, person: Some(own) };
        if open > self.process.person_tails { Err(Error::ShareUsedUp(Shared::Tails)) } else { Ok(place) }
    }

    /// Starts counting the bytes of an inference request and its response, at 0.
    #[must_use]
    pub fn hold(self: &Arc<Self>) -> HeldBytes {
        HeldBytes { share: self.clone(), kind: Kind::Small, size: 0 }
    }

    /// Counts a copy of bytes that were admitted already. It is never refused, so that what was read can be sent.
    #[must_use]
    pub fn hold_copy(self: &Arc<Self>, size: usize) -> HeldBytes {
        self.process.large.used.fetch_add(size, Ordering::AcqRel);
        self.large.fetch_add(size, Ordering::AcqRel);
        HeldBytes { share: self.clone(), kind: Kind::Large, size }
    }

    /// Starts counting the bytes of a management call, at 0.
    #[must_use]
    pub fn hold_management(self: &Arc<Self>) -> HeldBytes {
        HeldBytes { share: self.clone(), kind: Kind::Management, size: 0 }
    }

    /// Waits for a permit for a DNS lookup, behind lookups of the same organization only.
    pub async fn look_up(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so this is never None.
        self.look_ups.clone().acquire_owned().await.ok()
    }

    /// The number of free permits for DNS lookups.
    #[cfg(test)]
    pub(crate) fn look_up_turns(&self) -> usize {
        self.look_ups.available_permits()
    }

    /// Takes the permit for parsing a large text of this organization; its other large texts then wait.
    #[cfg(test)]
    pub(crate) fn take_reading(&self) -> Option<OwnedSemaphorePermit> {
        self.readings.clone().try_acquire_owned().ok()
    }

    /// Runs slow work on a large text off the event loop: one text per organization at a time, and never on all
    /// cores.
    ///
    /// # Errors
    /// `work` panicked, or the process shuts down.
    pub async fn read_large<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        // In this order, so that waiting for the organization's own texts does not reserve a core.
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
