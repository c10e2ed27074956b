//! The plan of one request: decides which candidate is called next. Pure.
//!
//! Candidates wait in one queue that starts with the primary. A failure may add more; no model is called twice,
//! except for retries. What changes over time comes in as [`DecisionInput`].

pub(crate) mod last_resort;
mod queue;
#[cfg(test)]
mod tests;

use crate::domain::failure::class_policy::SameModel;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::budget::OverBudget;
use super::cooldown::{CooldownState, OpenCooldown};
use super::headroom::{NoHeadroom, Room};
use crate::dialects::need::Need;
use crate::domain::attempt_report::DeploymentReason;
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::store::snapshot::{Chain, ModelEntry, OrganizationSnapshot};
pub use last_resort::SkipReason;

use last_resort::{LastResort, choose_last_resort};
use queue::Queue;

/// The time that an attempt leaves for the candidates after it.
const KEPT_BACK: Duration = Duration::from_secs(10);
/// The least time that is left when an attempt starts.
pub const LEAST: Duration = Duration::from_secs(1);
/// The longest rate limit that is waited for if no other candidate is left.
const SHORT_RATE_LIMIT: Duration = Duration::from_secs(2);

/// A model that may serve the request.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The model of the catalog.
    pub model: Arc<ModelEntry>,
    /// The stored fallback list that added it; `None` for the primary and for a request's own list.
    pub chain: Option<Arc<Chain>>,
    /// Whether the request was written for this model.
    pub primary: bool,
    /// The choice of one of several deployments, which is the model then. Made after the plan, for each call.
    pub chosen: Option<Chosen>,
}

/// The choice of one of a model's deployments.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The model with all of its deployments.
    pub of: Arc<ModelEntry>,
    /// Why this one was chosen.
    pub reason: DeploymentReason,
}

/// The facts about candidates that the plan asks for.
pub trait CandidateFacts {
    /// The cooldown state of the model.
    fn cooldown_state(&self, model: &ModelEntry) -> CooldownState;
    /// Takes the probe of the model's cooldown. Returns false if another request has it.
    fn claim_probe(&self, model: &ModelEntry) -> bool;
    /// Why the request probably does not fit the model: `too_large` or `lacks_capability`.
    fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass>;
    /// What the request needs and the model cannot do, which is a hard reason not to call it.
    fn lacking(&self, _model: &ModelEntry) -> Option<Need> {
        None
    }
    /// The budget that a call would exceed, if any. Reserves nothing.
    fn over_budget(&self, _model: &ModelEntry) -> Option<OverBudget> {
        None
    }
    /// Reserves the cost of a call in place of the earlier reservation, or returns the budget that it would exceed.
    fn reserve(&self, _model: &ModelEntry) -> Option<OverBudget> {
        None
    }
    /// The limit that leaves no room for a call, as far as that is known. Takes nothing.
    fn no_headroom(&self, _model: &ModelEntry) -> Option<NoHeadroom> {
        None
    }
    /// Takes the headroom of a call in place of the earlier one.
    fn take_headroom(&self, _model: &ModelEntry) -> Room {
        Room::Taken
    }
    /// Gives back the headroom that was taken last, because the candidate is not called.
    fn give_headroom_back(&self) {}
    /// Counts a repeated call of the same candidate. Returns false if its provider has no room for it.
    fn has_headroom_again(&self, _model: &ModelEntry) -> bool {
        true
    }
}

/// The input of one decision.
#[derive(Clone, Copy)]
pub struct DecisionInput<'a> {
    /// The time left until the request's deadline.
    pub left: Duration,
    /// A random number from 0 to 1 that spreads retries.
    pub jitter: f64,
    /// The facts about candidates.
    pub facts: &'a dyn CandidateFacts,
}

/// The next step of a request.
#[derive(Debug)]
pub enum Step {
    /// Call this candidate next.
    Try {
        /// The candidate to call.
        candidate: Candidate,
        /// How long to wait before the call.
        after: Duration,
        /// The longest time until content arrives.
        time_budget: Duration,
    },
    /// Skip this candidate for this reason.
    Skip(Candidate, SkipReason),
    /// Fetch what is lacking of the limits of the next candidate, and ask again.
    Fetch,
    /// No candidate is left.
    Exhausted(Exhausted),
}

/// Why a chain ended.
#[derive(Debug)]
pub enum Exhausted {
    /// The failure of the last candidate that was called.
    Failed(Failure),
    /// No candidate was called, and some are in cooldown. This cooldown ends first.
    InCooldown(OpenCooldown),
    /// No candidate was called. The class for which the last one was skipped.
    Skipped(ErrorClass),
}

/// The limits of one request.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// The most candidates of stored chains that are called after the primary.
    pub max_fallbacks: usize,
    /// The body's `num_retries`, which overrides the models' own.
    pub num_retries: Option<u32>,
    /// The models that the key may use; `None` allows all.
    pub allowed: Option<Arc<HashSet<String>>>,
}

/// The plan of one request.
#[derive(Debug)]
pub struct Plan {
    queue: Queue,
    /// The candidate that was called last, and the number of its retries.
    current: Option<(Candidate, u32)>,
    /// Whether that candidate is called once more, which is none of its retries.
    again: bool,
    failure: Option<Failure>,
    /// The cooldown that ends first, of the candidates skipped for one.
    cooldown: Option<OpenCooldown>,
    skipped: Option<ErrorClass>,
    /// Whether another request is probing the candidate with the shortest cooldown.
    probe_taken: bool,
}

impl Plan {
    /// Creates a plan of these candidates in this order.
    #[must_use]
    pub fn of_list(models: Vec<Arc<ModelEntry>>, limits: Limits) -> Self {
        Self::new(Queue::of_list(models, limits))
    }

    /// Creates a plan that starts with `requested` and continues with stored fallbacks.
    #[must_use]
    pub fn of_stored(
        organization: Arc<OrganizationSnapshot>,
        requested: Arc<ModelEntry>,
        limits: Limits,
    ) -> Self {
        Self::new(Queue::of_stored(organization, requested, limits))
    }

    fn new(queue: Queue) -> Self {
        Self {
            queue,
            current: None,
            again: false,
            failure: None,
            cooldown: None,
            skipped: None,
            probe_taken: false,
        }
    }

    /// The candidate that was called last is called once more, with another body.
    pub fn call_again(&mut self) {
        self.again = true;
    }

    /// Decides the next step. `failure` is the failure of the last attempt, if there was one.
    #[must_use]
    pub fn next(&mut self, failure: Option<Failure>, input: DecisionInput<'_>) -> Step {
        if let Some(failure) = failure {
            let again = std::mem::take(&mut self.again) && input.left >= LEAST;
            let delay = if again { Some(Duration::ZERO) } else { self.retry_delay(&failure, input) };
            self.queue.failed(failure.class);
            if let (Some(after), Some((candidate, times))) = (delay, &mut self.current)
                && input.facts.reserve(&candidate.model).is_none()
                && input.facts.has_headroom_again(&candidate.model)
            {
                *times += u32::from(!again);
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
        let lacking = || input.facts.lacking(&candidate.model).map(SkipReason::lacking);
        let fact = fact.or_else(lacking).or_else(over_budget);
        let room = if fact.is_none() { input.facts.take_headroom(&candidate.model) } else { Room::Taken };
        let fact = match room {
            Room::Taken => fact,
            Room::None(no_headroom) => Some(SkipReason::no_headroom(no_headroom)),
            Room::OverBudget(over_budget) => Some(SkipReason::over_budget(over_budget)),
            Room::Lacking => {
                self.queue.put_back(candidate);
                return Step::Fetch;
            }
        };
        let soft = || {
            let skip_reason = self.skip_reason(&candidate, input.facts)?;
            input.facts.give_headroom_back();
            Some(skip_reason)
        };
        if let Some(skip_reason) = fact.or_else(soft) {
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

    /// The soft reason to skip a candidate, unless it is the last resort.
    fn skip_reason(&mut self, candidate: &Candidate, facts: &dyn CandidateFacts) -> Option<SkipReason> {
        let model = &*candidate.model;
        let skip_reason = match SkipReason::to(model, facts) {
            Some(skip_reason) => skip_reason,
            None if facts.claim_probe(model) => return None,
            // Another request took the probe first.
            None => SkipReason::in_cooldown(facts.cooldown_state(model))?,
        };
        let last_resort = choose_last_resort(candidate, &skip_reason, &self.queue, facts);
        let called = match last_resort {
            LastResort::Probe => !self.probe_taken && facts.claim_probe(model),
            LastResort::LargestWindow => {
                skip_reason.cooldown_state == CooldownState::Closed || facts.claim_probe(model)
            }
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

    /// The longest time that the current candidate may take.
    fn time_budget(&self, left: Duration) -> Duration {
        // Time is kept back only if another candidate would follow a timeout.
        if self.is_last_candidate(ErrorClass::Timeout) {
            return left;
        }
        // Even with a short deadline, each attempt gets a second.
        left.saturating_sub(KEPT_BACK).max(left.min(LEAST))
    }

    /// How long to wait before the same candidate is called again; `None` if it is not.
    fn retry_delay(&self, failure: &Failure, input: DecisionInput<'_>) -> Option<Duration> {
        let (candidate, times) = self.current.as_ref()?;
        let after = match failure.class.policy().same_model {
            SameModel::Never => return None,
            SameModel::Retries => {
                let jittered = Duration::from_millis(25).mul_f64(1.0 + 9.0 * input.jitter.clamp(0.0, 1.0));
                (*times < self.queue.retries_of(&candidate.model)).then_some(jittered)?
            }
            // A request that is larger than the limit would fail again.
            SameModel::IfLast if failure.scope == FailureScope::Request => return None,
            SameModel::IfLast => {
                let wait = failure.retry_after.filter(|wait| *wait <= SHORT_RATE_LIMIT)?;
                (*times < 1 && self.is_last_candidate(failure.class)).then_some(wait)?
            }
        };
        (input.left >= after + LEAST).then_some(after)
    }

    /// Whether no other candidate would be called if the current one failed with `class`.
    fn is_last_candidate(&self, class: ErrorClass) -> bool {
        let current = self.current.as_ref();
        current.is_none_or(|(candidate, _)| self.queue.has_no_successor(&candidate.model, class))
    }
}
