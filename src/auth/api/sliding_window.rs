//! A sliding window that counts the requests of the last minute.
//!
//! Requests within a second share an entry, so a window has about sixty entries whatever the limit is. An entry
//! counts until its last request is a minute old: never too short, and at most a second too long.

use std::collections::VecDeque;
use std::time::Duration;

/// The length of the window.
pub(in crate::auth) const MINUTE: Duration = Duration::from_secs(60);
/// Requests within this time share an entry.
const ENTRY_SPAN: Duration = Duration::from_secs(1);

/// The requests of the last minute.
#[derive(Debug, Default)]
pub(in crate::auth) struct SlidingWindow {
    /// The entries, oldest first.
    entries: VecDeque<Entry>,
    total: u32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    first: Duration,
    last: Duration,
    count: u32,
}

/// Whether a request is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Decision {
    /// The request is admitted.
    Admitted {
        /// Requests that are left now.
        remaining: u32,
        /// Time until all requests of the limit are available again.
        reset: Duration,
    },
    /// The request exceeds the limit.
    Refused {
        /// Time until the next request is admitted.
        retry_after: Duration,
        /// Time until all requests of the limit are available again.
        reset: Duration,
    },
}

impl SlidingWindow {
    /// Counts a request if the minute before `now` has fewer than `limit`. Refused requests do not count. The limit
    /// may differ between calls.
    pub(in crate::auth) fn admit(&mut self, now: Duration, limit: u32) -> Decision {
        self.expire(now);
        if self.total >= limit {
            return Decision::Refused {
                retry_after: self.until_room(now, limit),
                reset: self.until_empty(now),
            };
        }
        match self.entries.back_mut() {
            Some(entry) if now < entry.first + ENTRY_SPAN => {
                entry.count += 1;
                entry.last = entry.last.max(now);
            }
            Some(_) | None => self.entries.push_back(Entry { first: now, last: now, count: 1 }),
        }
        self.total += 1;
        Decision::Admitted { remaining: limit - self.total, reset: self.until_empty(now) }
    }

    fn expire(&mut self, now: Duration) {
        while let Some(entry) = self.entries.front().filter(|entry| entry.last + MINUTE <= now) {
            self.total = self.total.saturating_sub(entry.count);
            self.entries.pop_front();
        }
    }

    /// Time until the window has fewer than `limit` requests.
    fn until_room(&self, now: Duration, limit: u32) -> Duration {
        let mut left = self.total;
        for entry in &self.entries {
            left = left.saturating_sub(entry.count);
            if left < limit {
                return (entry.last + MINUTE).saturating_sub(now);
            }
        }
        MINUTE
    }

    /// Time until the window is empty.
    fn until_empty(&self, now: Duration) -> Duration {
        self.entries.back().map_or(Duration::ZERO, |entry| (entry.last + MINUTE).saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(window: &mut SlidingWindow, seconds: f64, limit: u32) -> bool {
        matches!(window.admit(Duration::from_secs_f64(seconds), limit), Decision::Admitted { .. })
    }

    #[test]
    fn the_first_minute_has_as_many_as_the_limit_and_so_has_the_next() {
        let mut window = SlidingWindow::default();
        let admitted = (0..60).map(f64::from).flat_map(|second| [second; 5]);
        let admitted = admitted.filter(|second| admits(&mut window, *second, 20)).count();
        assert_eq!(admitted, 20);
        assert!(admits(&mut window, 60.0, 20));
    }

    #[test]
    fn who_must_wait_is_told_how_long() {
        let mut window = SlidingWindow::default();
        let at = Duration::from_secs;
        assert_eq!(window.admit(at(0), 2), Decision::Admitted { remaining: 1, reset: at(60) });
        assert_eq!(window.admit(at(10), 2), Decision::Admitted { remaining: 0, reset: at(60) });
        assert_eq!(window.admit(at(30), 2), Decision::Refused { retry_after: at(30), reset: at(40) });
        assert_eq!(window.admit(at(60), 2), Decision::Admitted { remaining: 0, reset: at(60) });
    }

    #[test]
    fn another_limit_finds_what_the_minute_had() {
        let mut window = SlidingWindow::default();
        assert!((0..20).all(|_| admits(&mut window, 0.0, 20)));
        assert_eq!((0..100).filter(|_| admits(&mut window, 1.0, 30)).count(), 10);
        assert!(!admits(&mut window, 2.0, 5));
        let Decision::Refused { retry_after, .. } = window.admit(Duration::from_secs(2), 5) else {
            panic!("full")
        };
        assert_eq!(retry_after, Duration::from_secs(59));
        assert!(admits(&mut window, 61.0, 5));
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_the_limit(
            limit in 1_u32..12,
            steps in prop::collection::vec(0_u64..9_000, 1..400),
        ) {
            let (mut window, mut now, mut admitted) = (SlidingWindow::default(), Duration::ZERO, Vec::new());
            for step in steps {
                now += Duration::from_millis(step);
                if matches!(window.admit(now, limit), Decision::Admitted { .. }) {
                    admitted.push(now);
                } else {
                    // A request is refused only if the last 61 seconds have reached the limit.
                    let recent = admitted.iter().filter(|at| **at + MINUTE + ENTRY_SPAN > now).count();
                    prop_assert!(recent >= limit as usize);
                }
                prop_assert!(window.entries.len() <= 62);
            }
            for start in &admitted {
                let within = admitted.iter().filter(|at| **at >= *start && **at < *start + MINUTE).count();
                prop_assert!(within <= limit as usize, "{} in the minute from {:?}", within, start);
            }
        }
    }
}
