//! The one source of time and of identifiers.
//!
//! Everything that stores, compares or expires a time uses the [`Clock`], so that a test can stop or advance time.
//! Timeouts of a running call (connect, first frame, idle) use tokio's timers.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Where a [`Clock`] reads the time.
#[derive(Clone)]
enum Source {
    System { started: Instant },
    Manual(Arc<Hands>),
}

/// What a manual clock shows, in microseconds.
#[derive(Debug)]
struct Hands {
    date: AtomicI64,
    monotonic: AtomicI64,
}

/// The source of time. Cheap to clone; every clone shows the same time.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    identifiers: Arc<Mutex<ContextV7>>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Clock({})", self.now())
    }
}

impl Clock {
    /// The clock of the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self::from_source(Source::System { started: Instant::now() })
    }

    /// A clock that stays at `start` until its [`ManualClock`] moves it.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> (Self, ManualClock) {
        let micros = start.timestamp_micros();
        let hands = Arc::new(Hands { date: AtomicI64::new(micros), monotonic: AtomicI64::new(micros) });
        (Self::from_source(Source::Manual(hands.clone())), ManualClock(hands))
    }

    /// Whether a [`ManualClock`] moves it. Other machines do not know such a time, so they are sent it.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        matches!(self.source, Source::Manual(_))
    }

    fn from_source(source: Source) -> Self {
        Self { source, identifiers: Arc::new(Mutex::new(ContextV7::new().with_additional_precision())) }
    }

    /// The current time in UTC, in whole microseconds, which both databases can store.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.unix_micros()).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The current time in microseconds since 1970.
    #[must_use]
    pub fn unix_micros(&self) -> i64 {
        match &self.source {
            Source::System { .. } => system_micros(),
            Source::Manual(hands) => hands.date.load(Ordering::Acquire),
        }
    }

    /// Time since a fixed point. It never decreases. Rate limits and cooldowns use it.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.source {
            Source::System { started } => started.elapsed(),
            Source::Manual(hands) => {
                Duration::from_micros(u64::try_from(hands.monotonic.load(Ordering::Acquire)).unwrap_or(0))
            }
        }
    }

    /// A new UUIDv7 that sorts after every id that this clock has created.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        let micros = self.unix_micros();
        let seconds = u64::try_from(micros.div_euclid(1_000_000)).unwrap_or(0);
        let nanos = u32::try_from(micros.rem_euclid(1_000_000)).unwrap_or(0) * 1_000;
        Uuid::new_v7(Timestamp::from_unix(&*self.identifiers, seconds, nanos))
    }
}

/// The time of the machine in microseconds since 1970, without a calendar in between.
fn system_micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    since.map_or_else(|before| -micros(before.duration()), micros)
}

impl governor::clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.monotonic()
    }
}

/// Moves a clock that was created with [`Clock::manual`].
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Hands>);

impl ManualClock {
    /// Moves the time forward by a duration.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.date.fetch_add(micros, Ordering::AcqRel);
        self.0.monotonic.fetch_add(micros, Ordering::AcqRel);
    }

    /// Sets the date forward or back, as an operator or a time server does. The monotonic time does not change.
    pub fn set_date_by(&self, by: TimeDelta) {
        self.0.date.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::AcqRel);
    }
}

/// Whole seconds, rounded up, so that the time has passed once the caller has waited that long.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The longest wait that an SDK may add to its caller's request.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// Whether the caller's SDK may retry by itself: if a retry helps, and within a short wait. An SDK sleeps inside its
/// caller for as long as `Retry-After` says.
#[must_use]
pub fn may_sdk_retry(helps: bool, retry_after: Option<Duration>) -> bool {
    helps && retry_after.is_none_or(|wait| wait <= SHORT_WAIT)
}

/// Whole seconds for `Retry-After`, at least 1.
#[must_use]
pub fn retry_after_seconds(wait: Duration) -> u64 {
    whole_seconds(wait).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_one_microsecond_still_sort_in_the_order_they_were_made() {
        let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let identifiers: Vec<Uuid> = (0..1_000).map(|_| clock.new_id()).collect();
        assert!(identifiers.is_sorted());
    }

    #[test]
    fn a_date_that_is_set_repeats_no_identifier_and_moves_no_other_time() {
        let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let (date, time) = (clock.now(), clock.monotonic());
        let mut identifiers = vec![clock.new_id()];
        for hours in [-1, -24, 30, -2] {
            hand.set_date_by(TimeDelta::hours(hours));
            identifiers.extend((0..100).map(|_| clock.new_id()));
            assert_eq!(clock.monotonic(), time);
        }
        assert_eq!(clock.now(), date + TimeDelta::hours(3));
        assert!(identifiers.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH);
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        hand.advance(Duration::from_micros(7));
        assert_eq!(clock.now().timestamp_micros(), 7);
        assert_eq!(clock.monotonic(), Duration::from_micros(7));
    }
}
