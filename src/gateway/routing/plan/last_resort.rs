//! The last resort: picks one candidate when every remaining one has a soft skip reason.
//!
//! A cooldown or a doubt about size or capabilities is ignored if no candidate would be called otherwise. Pure.

use super::queue::{Cause, Queue};
use super::{Candidate, CandidateFacts};
use crate::dialects::need::Need;
use crate::domain::failure::class::ErrorClass;
use crate::gateway::routing::budget::OverBudget;
use crate::gateway::routing::cooldown::{CooldownState, OpenCooldown};
use crate::gateway::routing::headroom::NoHeadroom;
use crate::store::snapshot::ModelEntry;

/// Why a candidate is not called.
#[derive(Debug, Clone)]
pub struct SkipReason {
    /// The class of the reason.
    pub class: ErrorClass,
    /// The candidate's cooldown, also if it is not the reason.
    pub cooldown_state: CooldownState,
    /// The budget that the call would exceed, if that is the reason.
    pub over_budget: Option<OverBudget>,
    /// The limit that leaves no room for the call, if that is the reason.
    pub no_headroom: Option<NoHeadroom>,
    /// What the request needs and the candidate cannot do, if that is the reason.
    pub need: Option<Need>,
}

/// The rule of a skip for a cooldown that a failure of this class has opened.
const fn opened_by(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::RateLimited => "cooldown:rate_limited",
        ErrorClass::QuotaExhausted => "cooldown:quota_exhausted",
        ErrorClass::Overloaded => "cooldown:overloaded",
        ErrorClass::Unavailable => "cooldown:unavailable",
        ErrorClass::Timeout => "cooldown:timeout",
        ErrorClass::ContextWindowExceeded => "cooldown:context_window_exceeded",
        ErrorClass::ContentPolicy => "cooldown:content_policy",
        ErrorClass::Authentication => "cooldown:authentication",
        ErrorClass::ModelNotFound => "cooldown:model_not_found",
        ErrorClass::InvalidRequest => "cooldown:invalid_request",
        ErrorClass::InvalidResponse => "cooldown:invalid_response",
        ErrorClass::StreamInterrupted => "cooldown:stream_interrupted",
        // Without a call there is no failure to open one.
        ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::NoHeadroom
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => "cooldown",
    }
}

impl SkipReason {
    /// A hard reason, which always applies.
    #[must_use]
    pub fn fact(class: ErrorClass) -> Self {
        Self {
            class,
            cooldown_state: CooldownState::Closed,
            over_budget: None,
            no_headroom: None,
            need: None,
        }
    }

    /// A budget that the call would exceed, which is a hard reason.
    pub(super) fn over_budget(over_budget: OverBudget) -> Self {
        Self { over_budget: Some(over_budget), ..Self::fact(ErrorClass::OverBudget) }
    }

    /// A limit that leaves no room for the call, which is a hard reason.
    pub(super) fn no_headroom(no_headroom: NoHeadroom) -> Self {
        Self { no_headroom: Some(no_headroom), ..Self::fact(ErrorClass::NoHeadroom) }
    }

    /// Something that the candidate cannot do, which is a hard reason.
    pub(super) fn lacking(need: Need) -> Self {
        Self { need: Some(need), ..Self::fact(ErrorClass::LacksCapability) }
    }

    /// The soft reason to skip a model, if there is one.
    pub(super) fn to(model: &ModelEntry, facts: &dyn CandidateFacts) -> Option<Self> {
        let cooldown_state = facts.cooldown_state(model);
        let class = match (facts.unfit(model), &cooldown_state) {
            (Some(class), _) => class,
            (None, CooldownState::Open(_)) => ErrorClass::Cooldown,
            // The request that takes the probe of a half-open cooldown calls the model.
            (None, CooldownState::Closed | CooldownState::HalfOpen(_)) => return None,
        };
        Some(Self { cooldown_state, ..Self::fact(class) })
    }

    /// A model in cooldown that another request is probing.
    pub(super) fn in_cooldown(cooldown_state: CooldownState) -> Option<Self> {
        cooldown_state.cooldown()?;
        Some(Self { cooldown_state, ..Self::fact(ErrorClass::Cooldown) })
    }

    /// The cooldown, if it is the reason.
    #[must_use]
    pub fn cooldown_cause(&self) -> Option<&OpenCooldown> {
        self.cooldown_state.cooldown().filter(|_| self.class == ErrorClass::Cooldown)
    }

    /// The rule in events and attempts: what the candidate cannot do, or the failure that opened its cooldown.
    #[must_use]
    pub fn rule(&self) -> Option<&'static str> {
        let opened = || self.cooldown_cause().map(|cooldown| opened_by(cooldown.failure.class));
        self.need.map(Need::rule).or_else(opened)
    }

    pub(super) fn cause(&self) -> Cause {
        let opened_by = self.cooldown_cause().map(|cooldown| cooldown.failure.class);
        // A list for rate limits is also for a limit that keeps the gateway from asking in vain.
        let limited = (self.class == ErrorClass::NoHeadroom).then_some(ErrorClass::RateLimited);
        Cause { class: self.class, opened_by: opened_by.or(limited) }
    }

    /// Whether the only reason is a doubt about the request.
    fn is_opinion(&self) -> bool {
        self.class != ErrorClass::Cooldown && !matches!(self.cooldown_state, CooldownState::Open(_))
    }
}

/// Which of the candidates with soft reasons to call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LastResort {
    /// Another candidate is called.
    NotThisOne,
    /// This candidate: its cooldown ends first, and its probe is free.
    Probe,
    /// This candidate: the prompt might fit into its context window.
    LargestWindow,
    /// None: another request is probing the candidate with the shortest cooldown.
    Wait,
}

/// Looks at `candidate` and at all candidates that would follow it.
pub(super) fn choose_last_resort(
    candidate: &Candidate,
    skip_reason: &SkipReason,
    queue: &Queue,
    facts: &dyn CandidateFacts,
) -> LastResort {
    let mut queue = queue.clone();
    let mut candidates = vec![(candidate.clone(), skip_reason.clone())];
    queue.skipped(&candidate.model, skip_reason.cause());
    while let Some(next) = queue.pop() {
        let over_budget = || facts.over_budget(&next.model).map(|_| ErrorClass::OverBudget);
        let lacking = || facts.lacking(&next.model).map(|_| ErrorClass::LacksCapability);
        let no_headroom = || facts.no_headroom(&next.model).map(|_| ErrorClass::NoHeadroom);
        let hard = queue.hard_skip_class(&next.model).or_else(lacking).or_else(over_budget);
        if let Some(class) = hard.or_else(no_headroom) {
            queue.skipped(&next.model, SkipReason::fact(class).cause());
            continue;
        }
        let Some(skip_reason) = SkipReason::to(&next.model, facts) else { return LastResort::NotThisOne };
        queue.skipped(&next.model, skip_reason.cause());
        candidates.push((next, skip_reason));
    }
    choose_among(candidate, &candidates)
}

fn choose_among(candidate: &Candidate, candidates: &[(Candidate, SkipReason)]) -> LastResort {
    let is_this = |chosen: &Candidate| chosen.model.id == candidate.model.id;
    let in_cooldown = candidates
        .iter()
        .filter_map(|(candidate, skip_reason)| Some((candidate, skip_reason.cooldown_cause()?)));
    let first = in_cooldown.min_by_key(|(_, cooldown)| cooldown.remaining);
    if let Some((first, cooldown)) = first
        && cooldown.probe_free
    {
        return if is_this(first) { LastResort::Probe } else { LastResort::NotThisOne };
    }
    let unfit = candidates.iter().filter(|(_, skip_reason)| skip_reason.is_opinion());
    // Of equal windows the first in the chain wins; `max_by_key` returns the last, hence the reverse.
    let largest = unfit.rev().max_by_key(|(candidate, _)| candidate.model.settings.context_window);
    match (largest, first) {
        (Some((largest, _)), _) if is_this(largest) => LastResort::LargestWindow,
        (None, Some(_)) => LastResort::Wait,
        (Some(_), _) | (None, None) => LastResort::NotThisOne,
    }
}
