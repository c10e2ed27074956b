//! Evidence that failures are the model's, although each of them may be the fault of its request.
//!
//! A single failure says little, and neither do the retries of a request nor a burst of copies of it. Several different
//! requests in a row say that the model fails, and so does one that keeps failing for a longer time.
//!
//! Requests that bring what may have failed (a file, a credential, a choice of the account) say less: as long as they are
//! all of one caller, they may share the fault. They count beside a plain request, those of another caller, or after
//! [`LASTING`].
//!
//! Pure: times are durations since a fixed point.

use std::time::Duration;

/// The time after which the same request counts again: longer than the retries of an SDK, shorter than a call that hangs.
pub const AGAIN: Duration = Duration::from_secs(10);

/// How long the failures of one caller's requests that bring what may have failed are taken for its own. A model that
/// fails for longer is dead, as far as this caller can tell.
pub const LASTING: Duration = Duration::from_secs(60);

/// The request and the caller of a failure, as hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// A hash of the request and its caller.
    pub request: u64,
    /// A hash of the API key.
    pub caller: u64,
    /// Whether the request brings nothing that may have failed in this way.
    pub plain: bool,
}

/// The failures since the last answer, at most `MOST`.
#[derive(Debug, Clone, Default)]
pub struct Evidence<const MOST: usize> {
    known: Vec<Observation>,
    /// The time of the first failure since the last answer, also after more than `MOST`.
    since: Duration,
}

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
        self.known.retain(|known| !known.refuted || recent(known));
        if self.known.iter().any(|known| known.source.request == source.request && recent(known)) {
            return false;
        }
        if self.failures() == 0 {
            self.since = now;
        }
        if self.known.len() >= MOST {
            self.known.remove(0);
        }
        self.known.push(Observation { source, at: now, refuted: false });
        true
    }

    /// Starts over, because an answer came.
    pub fn refute(&mut self) {
        self.known.iter_mut().for_each(|known| known.refuted = true);
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

    /// Whether one of the failures since the last answer is of a plain request.
    #[must_use]
    pub fn has_plain(&self) -> bool {
        self.current().any(|known| known.source.plain)
    }

    /// Whether the failures since the last answer may be faults that the requests of one caller share.
    #[must_use]
    pub fn may_be_shared_faults(&self, now: Duration) -> bool {
        !self.has_plain() && self.only_caller().is_some() && now < self.since + LASTING
    }

    fn current(&self) -> impl Iterator<Item = &Observation> {
        self.known.iter().filter(|known| !known.refuted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(request: u64, caller: u64) -> Source {
        Source { request, caller, plain: true }
    }

    const fn bringing(request: u64, caller: u64) -> Source {
        Source { request, caller, plain: false }
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
    fn requests_that_bring_what_may_have_failed_say_little_until_others_fail_or_a_minute_has_passed() {
        let second = Duration::from_secs;
        let six = || {
            let mut evidence = Evidence::<8>::default();
            (0..6).for_each(|request| assert!(evidence.add(bringing(request, 1), second(5))));
            evidence
        };
        assert!(six().may_be_shared_faults(second(5)) && !six().has_plain());
        let mut plain = six();
        plain.add(of(6, 1), second(5));
        assert!(!plain.may_be_shared_faults(second(5)) && plain.has_plain());
        let mut another = six();
        another.add(bringing(6, 2), second(5));
        assert!(!another.may_be_shared_faults(second(5)));
        assert!(six().may_be_shared_faults(second(64)) && !six().may_be_shared_faults(second(65)));
        // More failures than are remembered do not start over, but an answer does.
        let mut many = six();
        (10..40).for_each(|request| assert!(many.add(bringing(request, 1), second(40))));
        assert!(!many.may_be_shared_faults(second(65)));
        many.refute();
        assert!(!many.may_be_shared_faults(second(65)), "no failure is no fault");
        many.add(bringing(50, 1), second(65));
        assert!(many.may_be_shared_faults(second(124)) && !many.may_be_shared_faults(second(125)));
    }

    #[test]
    fn it_stays_small() {
        let mut evidence = Evidence::<4>::default();
        (0..100).for_each(|request| assert!(evidence.add(of(request, 1), Duration::ZERO)));
        assert_eq!((evidence.failures(), evidence.known.len()), (4, 4));
    }
}
