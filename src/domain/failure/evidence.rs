//! Evidence that failures are the model's, although each of them may be the fault of its request.
//!
//! A single failure says little, and neither do the retries of a request nor a burst of copies of it. Several different
//! requests in a row say that the model fails, and so does one that keeps failing for a longer time.
//!
//! Pure: times are durations since a fixed point.

use std::time::Duration;

/// The time after which the same request counts again: longer than the retries of an SDK, shorter than a call that hangs.
pub const AGAIN: Duration = Duration::from_secs(10);

/// The request and the caller of a failure, as hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// A hash of the request and its caller.
    pub request: u64,
    /// A hash of the API key.
    pub caller: u64,
}

/// The failures since the last answer, at most `MOST`.
#[derive(Debug, Clone, Default)]
pub struct Evidence<const MOST: usize>(Vec<Observation>);

/// One failure, with its retries and copies.
#[derive(Debug, Clone, Copy)]
struct Observation {
    source: Source,
    at: Duration,
    /// Whether an answer came later. Then it counts no more, but its retries are still recognized.
    refuted: bool,
}

impl<const MOST: usize> Evidence<MOST> {
    /// Adds a failure. Returns false if the same request counted less than [`AGAIN`] ago.
    pub fn add(&mut self, source: Source, now: Duration) -> bool {
        let recent = |known: &Observation| now < known.at + AGAIN;
        self.0.retain(|known| !known.refuted || recent(known));
        if self.0.iter().any(|known| known.source.request == source.request && recent(known)) {
            return false;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Observation { source, at: now, refuted: false });
        true
    }

    /// Starts over, because an answer came.
    pub fn refute(&mut self) {
        self.0.iter_mut().for_each(|known| known.refuted = true);
    }

    /// The number of failures since the last answer.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.current().count()
    }

    /// The number of different requests that failed since the last answer.
    #[must_use]
    pub fn requests(&self) -> usize {
        let before = |place: usize, request: u64| {
            self.current().take(place).any(|known| known.source.request == request)
        };
        self.current().enumerate().filter(|(place, known)| !before(*place, known.source.request)).count()
    }

    /// The caller of all failures since the last answer; `None` if there are several callers, or no failure.
    #[must_use]
    pub fn only_caller(&self) -> Option<u64> {
        let mut callers = self.current().map(|known| known.source.caller);
        let first = callers.next()?;
        callers.all(|caller| caller == first).then_some(first)
    }

    fn current(&self) -> impl Iterator<Item = &Observation> {
        self.0.iter().filter(|known| !known.refuted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(request: u64, caller: u64) -> Source {
        Source { request, caller }
    }

    #[test]
    fn retries_and_bursts_of_a_request_are_one_failure_and_a_poller_is_several() {
        let mut evidence = Evidence::<8>::default();
        let seconds = [0, 0, 1, 4, 9, 10, 19, 20, 80];
        let counts = seconds.map(|second| evidence.add(of(7, 1), Duration::from_secs(second)));
        assert_eq!(counts, [true, false, false, false, false, true, false, true, true]);
        assert_eq!((evidence.failures(), evidence.requests()), (4, 1));
        assert!(evidence.add(of(8, 1), Duration::from_secs(80)));
        assert_eq!((evidence.failures(), evidence.requests()), (5, 2));
    }

    #[test]
    fn an_answer_starts_over_and_the_retries_of_before_do_not_count() {
        let mut evidence = Evidence::<8>::default();
        evidence.add(of(7, 1), Duration::ZERO);
        evidence.refute();
        assert_eq!((evidence.failures(), evidence.requests(), evidence.only_caller()), (0, 0, None));
        assert!(!evidence.add(of(7, 1), Duration::from_secs(9)));
        assert!(evidence.add(of(7, 1), Duration::from_secs(10)));
        assert_eq!(evidence.failures(), 1);
    }

    #[test]
    fn it_knows_whether_a_single_caller_failed() {
        let mut evidence = Evidence::<8>::default();
        assert_eq!(evidence.only_caller(), None);
        evidence.add(of(1, 1), Duration::ZERO);
        evidence.add(of(2, 1), Duration::ZERO);
        assert_eq!(evidence.only_caller(), Some(1));
        evidence.add(of(3, 2), Duration::ZERO);
        assert_eq!(evidence.only_caller(), None);
    }

    #[test]
    fn it_stays_small() {
        let mut evidence = Evidence::<4>::default();
        (0..100).for_each(|request| assert!(evidence.add(of(request, 1), Duration::ZERO)));
        assert_eq!((evidence.failures(), evidence.0.len()), (4, 4));
    }
}
