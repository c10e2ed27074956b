//! Counters in the memory of a process, which is alone on its database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::IdMap;
use crate::domain::clock::Clock;
use crate::limits::leases::counter::{Counter, Span};
use crate::limits::leases::order::{Entry, Grant, Order};

/// The entries of a counter, by their end and by the process that holds them.
type Entries = HashMap<(i64, Option<Arc<str>>), i64>;

/// Counters in the memory of this process.
#[derive(Debug, Clone)]
pub struct Memory {
    counters: Arc<IdMap<Counter, Arc<Mutex<Entries>>>>,
    holder: Arc<str>,
    clock: Clock,
}

impl Memory {
    /// Counters of which nothing is used.
    #[must_use]
    pub fn new(clock: Clock, holder: &str) -> Self {
        Self { counters: Arc::default(), holder: holder.into(), clock }
    }

    /// The same counters for another process, in tests of what processes share.
    #[cfg(test)]
    pub(crate) fn beside(&self, holder: &str) -> Self {
        Self { holder: holder.into(), ..self.clone() }
    }

    /// Handles an order immediately, and returns what it grants.
    #[must_use]
    pub fn take(&self, order: &Order) -> Grant {
        let counter =
            self.counters.pin().get_or_insert_with(order.counter, || Arc::new(Mutex::default())).clone();
        let mut entries = counter.lock().unwrap_or_else(PoisonError::into_inner);
        let now = order.now.unwrap_or_else(|| time(&self.clock, order.counter.measure.span()));
        let mine = Some(self.holder.clone());
        entries.retain(|(ends, holder), _| *ends > now && *holder != mine);
        for spend in &order.spends {
            let ends = order.end_of(*spend, now);
            if ends > now {
                *entries.entry((ends, None)).or_default() += spend.units;
            }
        }
        let others: Vec<Entry> =
            entries.iter().map(|((ends, _), units)| Entry { ends: *ends, units: *units }).collect();
        let held = order.held(others.iter().map(|entry| entry.units).sum());
        if held > 0 {
            entries.insert((order.timing().end_of(now + order.timing().hold), mine), held);
        }
        Grant { held, now, entries: others }
    }
}

/// The time of a clock for a span, in milliseconds. A date that is set makes no minute longer or shorter.
pub(in crate::limits::leases) fn time(clock: &Clock, span: Span) -> i64 {
    match span {
        Span::Minute | Span::Held => i64::try_from(clock.monotonic().as_millis()).unwrap_or(i64::MAX),
        Span::Day => clock.unix_micros().div_euclid(1_000),
    }
}
