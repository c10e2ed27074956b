//! Who is tried next: the only decider, and pure.
//!
//! Candidates wait in one `queue` that starts with the primary. A failure may put more into it; no model is tried
//! twice. What may change from moment to moment comes in as a [`DecisionInput`].

pub(crate) mod last_resort;
mod queue;
#[cfg(test)]
mod tests;

use crate::domain::class_policy::SameModel;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::budget::OverBudget;
use super::cooldown::{CooldownState, OpenCooldown};
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
use crate::domain::failure_scope::FailureScope;
use crate::store::snapshot::{Chain, ModelEntry, OrganizationSnapshot};
pub use last_resort::SkipReason;

use last_resort::{LastResort, choose_last_resort};
use queue::Queue;

/// What is kept back from an attempt's time for those who wait behind it.
const KEPT_BACK: Duration = Duration::from_secs(10);
/// With less than this left nothing is started.
pub const LEAST: Duration = Duration::from_secs(1);
/// A rate limit that ends so soon is waited for, if nobody else could answer.
const SHORT_RATE_LIMIT: Duration = Duration::from_secs(2);

/// A model that may serve the request, and the stored list that brought it in.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The model.
    pub model: Arc<ModelEntry>,
    /// The stored configuration; none for a request's own list and for the primary.
    pub chain: Option<Arc<Chain>>,
    /// Whether the request was written for this model.
    pub primary: bool,
}

/// What is known of a model at this moment, and of what the request needs of it.
pub trait CandidateFacts {
    /// What its recent failures say.
    fn cooldown_state(&self, model: &ModelEntry) -> CooldownState;
    /// Takes the one probe of its cooldown; false if it is taken.
    fn claim_probe(&self, model: &ModelEntry) -> bool;
    /// Whether the request looks too large for it, or asks for what it cannot do.
    fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass>;
    /// The budget that it would not fit into; without budgets it always fits.
    fn over_budget(&self, _model: &ModelEntry) -> Option<OverBudget> {
        None
    }
    /// Reserves what it costs, in place of what was reserved for the one before it; or the budget into which it does
    /// not fit.
    fn reserve(&self, _model: &ModelEntry) -> Option<OverBudget> {
        None
    }
}

/// What the plan may see of the world, frozen for one decision.
#[derive(Clone, Copy)]
pub struct DecisionInput<'a> {
    /// What is left of the request's deadline.
    pub left: Duration,
    /// A number from 0 to 1 that spreads the waits of many requests.
    pub jitter: f64,
    /// The models.
    pub facts: &'a dyn CandidateFacts,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Call this candidate.
    Try {
        /// Whom.
        candidate: Candidate,
        /// How long to wait first.
        after: Duration,
        /// How long the call may take until content arrives.
        time_budget: Duration,
    },
    /// Leave this candidate out, and say why.
    Skip(Candidate, SkipReason),
    /// Nobody is left. The failure of the last candidate called, or else the last reason to pass one over.
    Exhausted(Exhausted),
}

/// Why a chain ended.
#[derive(Debug)]
pub enum Exhausted {
    /// The last candidate that was called failed so.
    Failed(Failure),
    /// Nobody was called; of those that are left alone this one is the first to be tried again.
    InCooldown(OpenCooldown),
    /// Nobody was called; the last one was passed over for this.
    Skipped(ErrorClass),
}

/// The limits of one request.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Candidates called after the primary in stored chains.
    pub max_fallbacks: usize,
    /// The body's `num_retries`, which wins over the models' own.
    pub num_retries: Option<u32>,
    /// The models that the key may use; none is all.
    pub allowed: Option<Arc<HashSet<String>>>,
}

/// The course of one request.
#[derive(Debug)]
pub struct Plan {
    queue: Queue,
    /// The candidate of the last step, and how often it was called again.
    current: Option<(Candidate, u32)>,
    failure: Option<Failure>,
    /// Of those passed over for their cooldown, the one whose cooldown ends first.
    cooldown: Option<OpenCooldown>,
    skipped: Option<ErrorClass>,
    /// Whether somebody else is trying the one whose cooldown ends first.
    probe_taken: bool,
}

impl Plan {
    /// A plan of just these candidates, in this order.
    #[must_use]
    pub fn of_list(models: Vec<Arc<ModelEntry>>, limits: Limits) -> Self {
        Self::new(Queue::of_list(models, limits))
    }

    /// A plan that starts with `requested` and goes on with what is stored.
    #[must_use]
    pub fn of_stored(
        organization: Arc<OrganizationSnapshot>,
        requested: Arc<ModelEntry>,
        limits: Limits,
    ) -> Self {
        Self::new(Queue::of_stored(organization, requested, limits))
    }

    fn new(queue: Queue) -> Self {
        Self { queue, current: None, failure: None, cooldown: None, skipped: None, probe_taken: false }
    }

    /// What to do next, given how the last attempt failed.
    #[must_use]
    pub fn next(&mut self, failure: Option<Failure>, input: DecisionInput<'_>) -> Step {
        if let Some(failure) = failure {
            let delay = self.retry_delay(&failure, input);
            self.queue.failed(failure.class);
            if let (Some(after), Some((candidate, times))) = (delay, &mut self.current) {
                *times += 1;
                let candidate = candidate.clone();
                self.failure = Some(failure);
                let time_budget = self.time_budget(input.left.saturating_sub(after));
                return Step::Try { candidate, after, time_budget };
            }
            if let Some((candidate, _)) = self.current.take() {
                self.queue.enqueue_fallbacks(&candidate.model, failure.class);
            }
            self.failure = Some(failure);
        }
        self.advance(input)
    }

    fn advance(&mut self, input: DecisionInput<'_>) -> Step {
        let Some(candidate) = self.queue.pop() else { return Step::Exhausted(self.end()) };
        let short = (input.left < LEAST).then_some(ErrorClass::Deadline);
        let fact = self.queue.hard_skip_class(&candidate.model).or(short).map(SkipReason::fact);
        let over_budget = || input.facts.reserve(&candidate.model).map(SkipReason::over_budget);
        let fact = fact.or_else(over_budget);
        if let Some(skip_reason) = fact.or_else(|| self.skip_reason(&candidate, input.facts)) {
            self.queue.skipped(&candidate.model, skip_reason.cause());
            self.skipped = Some(skip_reason.class);
            let ends_sooner = |cooldown: &&OpenCooldown| {
                self.cooldown.as_ref().is_none_or(|known| cooldown.remaining < known.remaining)
            };
            if let Some(cooldown) = skip_reason.cooldown_cause().filter(ends_sooner) {
                self.cooldown = Some(cooldown.clone());
            }
            return Step::Skip(candidate, skip_reason);
        }
        self.queue.mark_called(&candidate);
        self.current = Some((candidate.clone(), 0));
        let time_budget = self.time_budget(input.left);
        Step::Try { candidate, after: Duration::ZERO, time_budget }
    }

    /// What speaks against calling it and does not yield to there being nobody else.
    fn skip_reason(&mut self, candidate: &Candidate, facts: &dyn CandidateFacts) -> Option<SkipReason> {
        let model = &*candidate.model;
        let skip_reason = match SkipReason::to(model, facts) {
            Some(skip_reason) => skip_reason,
            None if facts.claim_probe(model) => return None,
            // Somebody else was quicker.
            None => SkipReason::in_cooldown(facts.cooldown_state(model))?,
        };
        let last_resort = choose_last_resort(candidate, &skip_reason, &self.queue, facts);
        let called = match last_resort {
            LastResort::Probe => !self.probe_taken && facts.claim_probe(model),
            LastResort::LargestWindow => skip_reason.cooldown.is_none() || facts.claim_probe(model),
            LastResort::NotThisOne => false,
            LastResort::Wait => {
                self.probe_taken = true;
                false
            }
        };
        (!called).then_some(skip_reason)
    }

    fn end(&mut self) -> Exhausted {
        match (self.failure.take(), self.cooldown.take(), self.skipped) {
            (Some(failure), ..) => Exhausted::Failed(failure),
            (None, Some(cooldown), _) => Exhausted::InCooldown(cooldown),
            (None, None, reason) => Exhausted::Skipped(reason.unwrap_or(ErrorClass::Disabled)),
        }
    }

    /// How long the current candidate may take.
    fn time_budget(&self, left: Duration) -> Duration {
        // What is kept back is for those who would follow if it takes all of this.
        if self.is_last_candidate(ErrorClass::Timeout) {
            return left;
        }
        // A short deadline still leaves each attempt a second.
        left.saturating_sub(KEPT_BACK).max(left.min(LEAST))
    }

    /// Whether to call the same candidate again, and after how long.
    fn retry_delay(&self, failure: &Failure, input: DecisionInput<'_>) -> Option<Duration> {
        let (candidate, times) = self.current.as_ref()?;
        let after = match failure.class.policy().same_model {
            SameModel::Never => return None,
            SameModel::Retries => {
                let jittered = Duration::from_millis(25).mul_f64(1.0 + 9.0 * input.jitter.clamp(0.0, 1.0));
                (*times < self.queue.retries_of(&candidate.model)).then_some(jittered)?
            }
            // A request that is larger than the limit is so again.
            SameModel::IfLast if failure.scope == FailureScope::Request => return None,
            SameModel::IfLast => {
                let wait = failure.retry_after.filter(|wait| *wait <= SHORT_RATE_LIMIT)?;
                (*times < 1 && self.is_last_candidate(failure.class)).then_some(wait)?
            }
        };
        (input.left >= after + LEAST).then_some(after)
    }

    /// Whether nobody would be called if the current candidate failed so.
    fn is_last_candidate(&self, class: ErrorClass) -> bool {
        let current = self.current.as_ref();
        current.is_none_or(|(candidate, _)| self.queue.has_no_successor(&candidate.model, class))
    }
}
