//! Limits that hold for all processes of an installation together.
//!
//! A process takes a slice of what a counter has left, and spends it in memory: a request needs no round trip as long as
//! its slices last. What was taken is spent or given back, so a limit is never exceeded. A process that dies has lost its
//! slices until their window ends. While the place of the counters is away, each process spends its share of what was left.
//! `docs/FLEET.md` has the bounds.

pub mod counter;
mod figures;
mod order;
pub mod place;
mod share;
mod slice;
mod taken;
mod taker;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::domain::IdMap;
use crate::domain::clock::Clock;
use crate::store::recorder::fleet::Fleet;
use counter::{Counter, Span};
pub use figures::LeaseFigures;
use place::{LimitPlace, Memory};
use share::Share;
use slice::{Alone, Done, Slice, Spent};
pub use slice::{Full, Headroom};
pub use taken::{Attempt, Lacking, Refused, Taken, Want};
pub use taker::Taker;
use taker::{Ask, Wish};

/// How long a request waits for a slice, before it goes by this process's share.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a place that did not answer is not asked.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How often a request asks for a slice that other requests of the process have spent before it could.
pub const ROUNDS: usize = 16;

/// The slices of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leases {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    place: LimitPlace,
    fleet: Arc<Fleet>,
    slices: IdMap<Counter, Arc<Slice>>,
    asks: mpsc::UnboundedSender<Ask>,
    /// Until when the place is not asked, in microseconds of the monotonic time.
    away_until: AtomicU64,
    figures: LeaseFigures,
}

impl Leases {
    /// Slices of the counters at a place, and the task that takes them if the place is shared.
    #[must_use]
    pub fn new(place: LimitPlace, clock: Clock, fleet: Arc<Fleet>) -> (Self, Taker) {
        let (asks, asked) = mpsc::unbounded_channel();
        let inner = Inner {
            clock,
            place,
            fleet,
            slices: IdMap::default(),
            asks,
            away_until: AtomicU64::new(0),
            figures: LeaseFigures::default(),
        };
        let leases = Self { inner: Arc::new(inner) };
        let taker = Taker { leases: leases.clone(), asks: asked };
        (leases, taker)
    }

    /// Slices of a process that is alone.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        let place = LimitPlace::Memory(Memory::new(clock.clone(), ""));
        Self::new(place, clock, Arc::default()).0
    }

    /// Whether other processes count at the same place.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.inner.place.is_shared()
    }

    /// What is counted for the metrics.
    #[must_use]
    pub fn figures(&self) -> &LeaseFigures {
        &self.inner.figures
    }

    /// Takes units of several counters, of all or of none, and waits for slices if this process has too little left.
    ///
    /// # Errors
    /// A counter has no room. If several have none, the one for which the wait is longest.
    pub async fn take(&self, wants: &[Want]) -> Result<Taken, Refused> {
        let mut rounds = 0;
        loop {
            match self.try_take(wants) {
                Attempt::Taken(taken) => return Ok(taken),
                Attempt::Refused(refused) => return Err(refused),
                // Others were faster each time.
                Attempt::Lacking(lacking) if rounds == ROUNDS => return Err(self.refusal(&lacking)),
                Attempt::Lacking(lacking) => self.fetch(lacking).await,
            }
            rounds += 1;
        }
    }

    /// Takes units of several counters, of all or of none, as far as that needs no round trip.
    #[must_use]
    pub fn try_take(&self, wants: &[Want]) -> Attempt {
        let mut taken = Taken::new(self.clone(), wants.len());
        let mut lacking = Vec::new();
        let mut refused: Option<Refused> = None;
        let now = self.now();
        for want in wants {
            let slice = self.slice(want.counter);
            match self.spend(&slice, now, want) {
                Spent::Done(done) => {
                    self.notice(&slice, done);
                    taken.push(slice, want.units, now, done.headroom);
                }
                Spent::Lacking => lacking.push((slice, want.units)),
                Spent::Full(full) => {
                    let longer = |known: &Refused| waits(&known.full) < waits(&full);
                    if refused.as_ref().is_none_or(longer) {
                        refused = Some(Refused { counter: want.counter, full });
                    }
                }
            }
        }
        match (refused, lacking.pop()) {
            (None, None) => Attempt::Taken(taken),
            (Some(refused), _) => {
                taken.undo();
                self.inner.figures.refuse();
                Attempt::Refused(refused)
            }
            (None, Some(first)) => {
                taken.undo();
                Attempt::Lacking(Lacking { first, others: lacking })
            }
        }
    }

    /// The counter that has no room for some of the units, as far as this process knows. Nothing is taken.
    #[must_use]
    pub fn hindrance(&self, wants: &[Want]) -> Option<Refused> {
        let now = self.now();
        let full = |want: &Want| {
            let slice = self.known(want.counter)?;
            let full = slice.hindrance(now, slice.limit(want.limit), want.units)?;
            Some(Refused { counter: want.counter, full })
        };
        let refused = wants.iter().filter_map(full);
        refused.max_by_key(|refused| waits(&refused.full))
    }

    /// Counts units that are used although nothing was taken for them.
    pub fn charge(&self, wants: &[Want]) {
        for want in wants.iter().filter(|want| want.units > 0) {
            self.charge_slice(&self.slice(want.counter), want.units);
        }
    }

    /// The refusal of a request that has fetched slices often enough: others were faster each time.
    #[must_use]
    pub fn refusal(&self, lacking: &Lacking) -> Refused {
        self.inner.figures.refuse();
        lacking.refused(self.now())
    }

    /// Waits until slices are ordered that this process has too little of.
    pub async fn fetch(&self, lacking: Lacking) {
        let Lacking { first, others } = lacking;
        let mut waiting = Vec::with_capacity(others.len() + 1);
        for (slice, units) in others.into_iter().chain([first]) {
            let (done, waits) = oneshot::channel();
            if self.inner.asks.send(Ask { slice, wish: Wish::Units(units, done) }).is_ok() {
                waiting.push(waits);
            }
        }
        let all = async {
            for one in waiting {
                // It is dropped while the place is away.
                let _ = one.await;
            }
        };
        if timeout(PATIENCE, all).await.is_err() {
            self.silent("no slice came in time");
        }
    }

    fn spend(&self, slice: &Slice, now: Duration, want: &Want) -> Spent {
        let want = &Want { limit: slice.limit(want.limit), ..*want };
        if let LimitPlace::Memory(memory) = &self.inner.place {
            return spend_in_memory(slice, memory, now, want);
        }
        let away = self.is_away(now).then_some(Alone::Away);
        if let Some(why) = away.or_else(|| self.inner.fleet.is_divided().then_some(Alone::Divided)) {
            self.inner.figures.decided_alone();
            let share = Share { live: self.inner.fleet.live(), rank: self.inner.fleet.rank() };
            return slice.spend_alone(now, (want.limit, want.units), (why, share));
        }
        slice.spend(now, want.limit, want.units)
    }

    /// Tells the taker what follows from units that were spent.
    fn notice(&self, slice: &Arc<Slice>, done: Done) {
        if !self.inner.place.is_shared() {
            return;
        }
        let wish = match (done.low, done.unwatched) {
            (true, _) => Wish::Ahead,
            (false, true) => Wish::Watch,
            (false, false) => return,
        };
        // Without the taker, requests go by this process's share.
        let _ = self.inner.asks.send(Ask { slice: slice.clone(), wish });
    }

    fn give_back(&self, slice: &Arc<Slice>, taken_at: Duration, units: i64) {
        if slice.give_back(taken_at, units) {
            self.watch(slice);
        }
    }

    fn end_lingering(&self, slice: &Arc<Slice>, units: i64) {
        if slice.end_lingering(units) {
            self.watch(slice);
        }
    }

    fn watch(&self, slice: &Arc<Slice>) {
        if self.inner.place.is_shared() {
            // Without the taker, nothing is settled.
            let _ = self.inner.asks.send(Ask { slice: slice.clone(), wish: Wish::Watch });
        }
    }

    /// Counts units that were used beyond what was taken for them.
    fn charge_slice(&self, slice: &Arc<Slice>, units: i64) {
        let done = slice.charge(self.now(), units);
        self.notice(slice, done);
    }

    fn known(&self, counter: Counter) -> Option<Arc<Slice>> {
        self.inner.slices.pin().get(&counter).cloned()
    }

    fn slice(&self, counter: Counter) -> Arc<Slice> {
        let slices = self.inner.slices.pin();
        slices.get_or_insert_with(counter, || Arc::new(Slice::new(counter))).clone()
    }

    fn now(&self) -> Duration {
        self.inner.clock.monotonic()
    }

    /// The time of a clock that is moved by hand. A shared place otherwise has its own.
    fn imposed_time(&self, span: Span) -> Option<i64> {
        self.inner.clock.is_manual().then(|| place::time(&self.inner.clock, span))
    }

    fn place(&self) -> &LimitPlace {
        &self.inner.place
    }

    fn is_away(&self, now: Duration) -> bool {
        now < Duration::from_micros(self.inner.away_until.load(Ordering::Acquire))
    }

    /// The place has not answered, and is not asked for a while.
    fn silent(&self, why: &str) {
        let until = u64::try_from((self.now() + BACK_OFF).as_micros()).unwrap_or(u64::MAX);
        self.inner.away_until.store(until, Ordering::Release);
        if self.inner.figures.fail() {
            let live = self.inner.fleet.live();
            tracing::warn!(
                why,
                live,
                "limits are counted by this process alone: each has its share of what was left"
            );
        }
    }

    fn answered(&self) {
        if self.inner.figures.answer() {
            tracing::info!("limits are counted together again");
        }
    }
}

/// Spends what a place in memory has. It answers at once.
fn spend_in_memory(slice: &Slice, memory: &Memory, now: Duration, want: &Want) -> Spent {
    let mut spent = slice.spend(now, want.limit, want.units);
    for _ in 0..ROUNDS {
        if spent != Spent::Lacking {
            break;
        }
        let turn = slice.turn();
        let sent = slice.order(now, (want.units, want.units), false);
        slice.granted(&sent, &memory.take(&sent.order));
        drop(turn);
        spent = slice.spend(now, want.limit, want.units);
    }
    match spent {
        Spent::Lacking => Spent::Full(slice.refusal(now, want.units)),
        Spent::Done(_) | Spent::Full(_) => spent,
    }
}

/// How long a refused request waits, for comparison: one that never fits waits longest.
fn waits(full: &Full) -> Duration {
    full.retry_after.unwrap_or(Duration::MAX)
}
