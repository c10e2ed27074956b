//! Counts answers and computes their quantiles.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The results of all connections.
#[derive(Default)]
pub(crate) struct Tally {
    latencies: Vec<Duration>,
    first_bytes: Vec<Duration>,
    /// Right answers, including those outside the measured time: the gateway's CPU time is divided by this.
    answers: u64,
    events: u64,
    reconnects: u64,
    wrong: BTreeMap<String, u64>,
}

impl Tally {
    /// Records a right answer with this many events.
    pub(crate) fn right(&mut self, events: usize) {
        self.answers += 1;
        self.events += events as u64;
    }

    /// Records a right answer within the measured time.
    pub(crate) fn timed(&mut self, asked: Instant, first_byte: Instant, done: Instant) {
        self.latencies.push(done - asked);
        self.first_bytes.push(first_byte.saturating_duration_since(asked));
    }

    /// Records an answer that is wrong or missing, and why.
    pub(crate) fn wrong(&mut self, why: String) {
        *self.wrong.entry(why).or_default() += 1;
    }

    /// Records that the server closed a connection.
    pub(crate) fn reconnected(&mut self) {
        self.reconnects += 1;
    }

    /// Whether nothing has been wrong so far.
    pub(crate) fn is_flawless(&self) -> bool {
        self.wrong.is_empty()
    }

    /// The counts, answers per second of the measured time, and quantiles in microseconds.
    pub(crate) fn report(mut self, measured: Duration) -> Value {
        self.latencies.sort_unstable();
        self.first_bytes.sort_unstable();
        json!({
            "answers": self.answers,
            "events": self.events,
            "timed": self.latencies.len(),
            "per_second": self.latencies.len() as f64 / measured.as_secs_f64(),
            "p50": quantile(&self.latencies, 0.50),
            "p99": quantile(&self.latencies, 0.99),
            "first_byte_p50": quantile(&self.first_bytes, 0.50),
            "first_byte_p99": quantile(&self.first_bytes, 0.99),
            "reconnects": self.reconnects,
            "wrong": self.wrong,
        })
    }
}

/// The nearest-rank quantile of sorted durations, in microseconds; `None` if there are none.
fn quantile(sorted: &[Duration], share: f64) -> Option<f64> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let at = rank.saturating_sub(1);
    sorted.get(at).map(|duration| duration.as_secs_f64() * 1e6)
}
