//! The failure rate of the last seconds.

use std::time::Duration;

/// The least number of attempts within [`SECONDS`] of which half must fail to open a window.
const AT_LEAST: u32 = 20;
/// How many seconds attempts are remembered.
const SECONDS: usize = 10;

/// The attempts of the last seconds, counted for each second.
#[derive(Debug, Default)]
pub(super) struct Recent([Second; SECONDS]);

#[derive(Debug, Clone, Copy, Default)]
struct Second {
    number: u64,
    attempts: u32,
    failures: u32,
}

impl Recent {
    pub(super) fn count(&mut self, now: Duration, failed: bool) {
        let number = now.as_secs();
        let place = usize::try_from(number % SECONDS as u64).unwrap_or(0);
        if let Some(second) = self.0.get_mut(place) {
            if second.number != number {
                *second = Second { number, ..Second::default() };
            }
            second.attempts = second.attempts.saturating_add(1);
            second.failures = second.failures.saturating_add(u32::from(failed));
        }
    }

    pub(super) fn half_failed(&self, now: Duration) -> bool {
        let number = now.as_secs();
        let recent = self.0.iter().filter(|second| second.number + SECONDS as u64 > number);
        let (attempts, failures) = recent.fold((0_u32, 0_u32), |(attempts, failures), second| {
            (attempts.saturating_add(second.attempts), failures.saturating_add(second.failures))
        });
        attempts >= AT_LEAST && failures >= attempts.div_ceil(2)
    }
}
