//! Who is called although something speaks against everybody: a look ahead at all who are left.
//!
//! A cooldown and an opinion about the prompt's size or needs yield where they would leave nobody to call. Pure but for
//! a probe that is claimed.

use super::queue::{Cause, Queue};
use super::{Candidate, CandidateFacts};
use crate::domain::error_class::ErrorClass;
use crate::gateway::routing::budget::OverBudget;
use crate::gateway::routing::cooldown::{CooldownState, OpenCooldown};
use crate::store::snapshot::ModelEntry;

/// What speaks against calling a model.
#[derive(Debug, Clone)]
pub struct SkipReason {
    /// The reason to pass it over.
    pub class: ErrorClass,
    /// The cooldown that it is in, whatever the reason is.
    pub cooldown: Option<OpenCooldown>,
    /// The budget into which it does not fit, if that is the reason.
    pub over_budget: Option<OverBudget>,
}

impl SkipReason {
    /// A fact, which never yields.
    pub(super) fn fact(class: ErrorClass) -> Self {
        Self { class, cooldown: None, over_budget: None }
    }

    /// A budget that is used up: a fact as well.
    pub(super) fn over_budget(over_budget: OverBudget) -> Self {
        Self { over_budget: Some(over_budget), ..Self::fact(ErrorClass::OverBudget) }
    }

    /// What may yield; none for a model that is called like any other.
    pub(super) fn to(model: &ModelEntry, facts: &dyn CandidateFacts) -> Option<Self> {
        let cooldown = match facts.cooldown_state(model) {
            CooldownState::Closed => None,
            CooldownState::Open(cooldown) => Some(cooldown),
        };
        if let Some(class) = facts.unfit(model) {
            return Some(Self { class, cooldown, over_budget: None });
        }
        // Its time is over: whoever claims the probe calls it like any other.
        let due = cooldown.as_ref().is_none_or(is_due);
        (!due).then_some(Self { class: ErrorClass::Cooldown, cooldown, over_budget: None })
    }

    /// A model whose probe somebody else has.
    pub(super) fn in_cooldown(cooldown_state: CooldownState) -> Option<Self> {
        match cooldown_state {
            CooldownState::Closed => None,
            CooldownState::Open(cooldown) => {
                Some(Self { cooldown: Some(cooldown), ..Self::fact(ErrorClass::Cooldown) })
            }
        }
    }

    /// The cooldown, if it is the reason.
    pub(super) fn cooldown_cause(&self) -> Option<&OpenCooldown> {
        self.cooldown.as_ref().filter(|_| self.class == ErrorClass::Cooldown)
    }

    pub(super) fn cause(&self) -> Cause {
        Cause { class: self.class, opened_by: self.cooldown_cause().map(|cooldown| cooldown.failure.class) }
    }

    /// Only an opinion about the request speaks against it.
    fn is_opinion(&self) -> bool {
        self.class != ErrorClass::Cooldown && self.cooldown.as_ref().is_none_or(is_due)
    }
}

/// The time is over, and nobody has been sent to find out.
fn is_due(cooldown: &OpenCooldown) -> bool {
    cooldown.remaining.is_zero() && cooldown.probe_free
}

/// Who is to be called of those that something speaks against.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LastResort {
    /// Somebody is left against whom nothing speaks, or somebody else of the others has the better claim.
    NotThisOne,
    /// This one: its cooldown ends first, and its probe was free.
    Probe,
    /// This one: the prompt might fit after all.
    LargestWindow,
    /// Nobody: the one whose cooldown ends first is being tried already.
    Wait,
}

/// Looks at `candidate` and at everybody who would follow it.
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
        if let Some(class) = queue.hard_skip_class(&next.model).or_else(over_budget) {
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
    // Of equal windows the first in the chain: `max_by_key` takes the last.
    let largest = unfit.rev().max_by_key(|(candidate, _)| candidate.model.context_window);
    match (largest, first) {
        (Some((largest, _)), _) if is_this(largest) => LastResort::LargestWindow,
        (None, Some(_)) => LastResort::Wait,
        (Some(_), _) | (None, None) => LastResort::NotThisOne,
    }
}
