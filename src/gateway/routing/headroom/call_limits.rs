//! What the calls of all requests take their headroom from, and what this process remembers for them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entity::ids::ModelId;

use crate::domain::IdMap;
use crate::limits::leases::{Lacking, Leases, Taken};

/// The most models with a known habit. Above it all are dropped, which only happens with very many models.
const MOST_MODELS: usize = 50_000;
/// The part of a new answer in the habit of a model.
const NEW: i64 = 8;
/// The tokens of an answer of a model that has not answered yet, if the request states no limit.
pub(super) const UNKNOWN_HABIT: i64 = 1_024;
/// How long after a row is durable other processes may not know what it cost. They read the roll-ups about once a second.
const UNKNOWN_TO_OTHERS: Duration = Duration::from_secs(3);

/// What the calls of all requests take their headroom from.
#[derive(Debug)]
pub struct CallLimits {
    pub(super) leases: Leases,
    /// The usual tokens of the answers of each model.
    habits: IdMap<ModelId, AtomicI64>,
    /// Whether other processes reserve money at the same place.
    pub(super) shares_money: bool,
    /// What was spent and others may not know, and until when.
    lingering: Mutex<VecDeque<(Instant, Taken)>>,
}

/// Money that was spent, and that other processes may not know of. Dropping it lets them have it.
#[derive(Debug)]
pub struct Spent {
    pub(super) limits: Arc<CallLimits>,
    pub(super) money: Taken,
}

impl CallLimits {
    /// Limits that are counted with these leases.
    #[must_use]
    pub fn new(leases: Leases) -> Self {
        let shares_money = leases.is_shared();
        Self { leases, habits: IdMap::default(), shares_money, lingering: Mutex::default() }
    }

    /// Waits for what a process has too little of.
    pub async fn fetch(&self, lacking: Lacking) {
        self.leases.fetch(lacking).await;
    }

    /// Lets others have the money of which they know by now that it is spent.
    pub fn end_lingering(&self) {
        let now = Instant::now();
        let mut lingering = self.lingering.lock().unwrap_or_else(PoisonError::into_inner);
        while lingering.front().is_some_and(|(until, _)| *until <= now) {
            lingering.pop_front();
        }
    }

    /// The usual tokens of an answer of the model.
    #[must_use]
    pub fn usual_answer(&self, model: ModelId) -> i64 {
        let known = self.habits.pin().get(&model).map(|habit| habit.load(Ordering::Relaxed));
        known.unwrap_or(UNKNOWN_HABIT)
    }

    /// Notes an answer of the model.
    pub(super) fn answered(&self, model: ModelId, tokens: i64) {
        let habits = self.habits.pin();
        if habits.len() >= MOST_MODELS {
            habits.clear();
        }
        let habit = habits.get_or_insert_with(model, || AtomicI64::new(tokens));
        let known = habit.load(Ordering::Relaxed);
        habit.store(known + (tokens - known) / NEW, Ordering::Relaxed);
    }
}

impl Spent {
    /// The row that says what was spent is durable or lost.
    pub fn recorded(self) {
        let Self { limits, money } = self;
        let until = Instant::now() + UNKNOWN_TO_OTHERS;
        limits.lingering.lock().unwrap_or_else(PoisonError::into_inner).push_back((until, money));
        limits.end_lingering();
    }
}
