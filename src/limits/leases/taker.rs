//! The task that takes slices from a place that processes share: one round trip for all counters that are asked for.
//!
//! While a round trip is under way, the next orders gather. Slices that were not spent in time are settled together with
//! them, or by themselves if no request needs any.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Leases;
use super::counter::Counter;
use super::order::Order;
use super::place::PlaceError;
use super::slice::{Sent, Slice};

/// How often slices are looked at that may have to be settled.
const TICK: Duration = Duration::from_millis(200);
/// How long a place may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most orders of one round trip.
const MOST: usize = 500;
/// How often counters are forgotten that no process uses.
const TIDY: Duration = Duration::from_secs(600);

/// What is asked of the task.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) slice: Arc<Slice>,
    pub(super) wish: Wish,
}

/// For what a slice is ordered.
#[derive(Debug)]
pub(super) enum Wish {
    /// For a request that waits for so many units.
    Units(i64, oneshot::Sender<()>),
    /// For requests that are likely to come soon.
    Ahead,
    /// For nothing now; the slice is settled when its time has passed.
    Watch,
}

/// The task, before it runs.
#[derive(Debug)]
pub struct Taker {
    pub(super) leases: Leases,
    pub(super) asks: mpsc::UnboundedReceiver<Ask>,
}

/// The orders of one round trip.
#[derive(Default)]
struct Batch {
    wishes: HashMap<Counter, Wished>,
}

struct Wished {
    slice: Arc<Slice>,
    smallest: i64,
    need: i64,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Batch {
    fn wished(&mut self, slice: &Arc<Slice>) -> &mut Wished {
        let none = || Wished { slice: slice.clone(), smallest: 0, need: 0, waiting: Vec::new() };
        self.wishes.entry(slice.counter()).or_insert_with(none)
    }

    fn add(&mut self, slice: &Arc<Slice>, wish: Wish) {
        match wish {
            Wish::Watch => {}
            Wish::Ahead => {
                self.wished(slice);
            }
            Wish::Units(units, done) => {
                let wished = self.wished(slice);
                wished.smallest = if wished.need == 0 { units } else { wished.smallest.min(units) };
                wished.need = wished.need.saturating_add(units);
                wished.waiting.push(done);
            }
        }
    }
}

impl Taker {
    /// Takes and settles slices until `stopped`, and then gives back what is left.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut watched: HashMap<Counter, Arc<Slice>> = HashMap::new();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asks = Vec::new();
        let mut tidied = Instant::now();
        loop {
            let ticked = tokio::select! {
                _ = stopped.changed() => break,
                _ = self.asks.recv_many(&mut asks, MOST) => false,
                _ = ticks.tick() => true,
            };
            let mut batch = Batch::default();
            for Ask { slice, wish } in asks.drain(..) {
                batch.add(&slice, wish);
                watched.entry(slice.counter()).or_insert(slice);
            }
            let now = self.leases.now();
            if ticked && !self.leases.is_away(now) {
                watched.retain(|_, slice| match slice.is_due(now) {
                    Some(true) => {
                        batch.wished(slice);
                        true
                    }
                    Some(false) => true,
                    None => false,
                });
            }
            self.take(batch, false).await;
            if tidied.elapsed() > TIDY {
                tidied = Instant::now();
                self.tidy().await;
            }
        }
        let mut batch = Batch::default();
        for slice in watched.values() {
            batch.wished(slice);
        }
        self.take(batch, true).await;
    }

    async fn take(&self, batch: Batch, last: bool) {
        let mut wishes: Vec<Wished> = batch.wishes.into_values().collect();
        while !wishes.is_empty() {
            let rest = wishes.split_off(wishes.len().min(MOST));
            self.take_some(wishes, last).await;
            wishes = rest;
        }
    }

    /// Takes slices in one round trip. While the place is away it is not asked, and requests do not wait.
    async fn take_some(&self, wishes: Vec<Wished>, last: bool) {
        let leases = &self.leases;
        let now = leases.now();
        if leases.is_away(now) {
            return;
        }
        let sent: Vec<(Arc<Slice>, Sent)> = wishes
            .iter()
            .map(|wished| {
                let mut sent = wished.slice.order(now, (wished.smallest, wished.need), last);
                sent.order.now = leases.imposed_time(sent.order.counter.measure.span());
                (wished.slice.clone(), sent)
            })
            .collect();
        let orders: Vec<Order> = sent.iter().map(|(_, sent)| sent.order.clone()).collect();
        let answer = timeout(PATIENCE, Box::pin(leases.place().take(&orders))).await;
        leases.figures().round_trip(orders.len());
        match answer {
            Ok(Ok(grants)) if grants.len() == sent.len() => {
                for ((slice, sent), grant) in sent.iter().zip(&grants) {
                    slice.granted(sent, grant);
                }
                leases.answered();
            }
            Ok(Ok(_)) => self.failed(&sent, &PlaceError::Garbage("another number of counters").to_string()),
            Ok(Err(error)) => self.failed(&sent, &error.to_string()),
            Err(_) => self.failed(&sent, "it takes too long"),
        }
        for done in wishes.into_iter().flat_map(|wished| wished.waiting) {
            // The request may be gone.
            let _ = done.send(());
        }
    }

    fn failed(&self, sent: &[(Arc<Slice>, Sent)], why: &str) {
        sent.iter().for_each(|(slice, _)| slice.not_granted());
        self.leases.silent(why);
    }

    async fn tidy(&self) {
        if let Ok(Err(error)) = timeout(PATIENCE, self.leases.place().tidy()).await {
            tracing::debug!(%error, "counters that no process uses could not be deleted");
        }
    }
}
