//! Whether the caller of a stream reads it. The gateway reads from a provider only as fast as its caller reads, and
//! a provider that cannot send gives up after a while: that says nothing about the model.

use std::time::Duration;

use tokio::time::Instant;

/// A caller that does not read for this long may cause a break.
const STOPPED: Duration = Duration::from_secs(1);

/// How long the caller of a stream takes to read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    since: Option<Instant>,
    /// Whether the caller stopped reading for a while.
    pub(super) stopped: bool,
}

impl Reading {
    /// Bytes were handed out.
    pub(super) fn paused(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// The next bytes are wanted.
    pub(super) fn resumed(&mut self, now: Instant) {
        self.stopped |=
            self.since.take().is_some_and(|since| now.saturating_duration_since(since) >= STOPPED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_stopped_once_it_wants_nothing_for_a_second() {
        let now = Instant::now();
        let mut reading = Reading::default();
        for (paused, resumed, stopped) in
            [(0, 900, false), (1_000, 1_999, false), (2_000, 3_000, true), (4_000, 4_001, true)]
        {
            reading.paused(now + Duration::from_millis(paused));
            reading.resumed(now + Duration::from_millis(resumed));
            assert_eq!(reading.stopped, stopped, "{resumed}");
        }
    }
}
