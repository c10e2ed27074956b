//! Who is called although something speaks against everybody: a look ahead at all who are left.
//!
//! A cooldown and an opinion about the prompt's size or needs yield where they would leave nobody to call. Pure but for
//! a probe that is claimed.

use super::queue::{Cause, Queue};
use super::{Candidate, Outlook};
use crate::domain::error_class::ErrorClass;
use crate::gateway::routing::budget::OverBudget;
use crate::gateway::routing::cooldown::{Cooling, Heat};
use crate::store::snapshot::ModelEntry;

/// What speaks against calling a model.
#[derive(Debug, Clone)]
pub struct Objection {
    /// The reason to pass it over.
    pub reason: ErrorClass,
    /// The cooldown that it is in, whatever the reason is.
    pub cooling: Option<Cooling>,
    /// The budget into which it does not fit, if that is the reason.
    pub over: Option<OverBudget>,
}

impl Objection {
    /// A fact, which never yields.
    pub(super) fn fact(reason: ErrorClass) -> Self {
        Self { reason, cooling: None, over: None }
    }

    /// A budget that is used up: a fact as well.
    pub(super) fn unpaid(over: OverBudget) -> Self {
        Self { over: Some(over), ..Self::fact(ErrorClass::OverBudget) }
    }

    /// What may yield; none for a model that is called like any other.
    pub(super) fn to(model: &ModelEntry, outlook: &dyn Outlook) -> Option<Self> {
        let cooling = match outlook.heat(model) {
            Heat::Cool => None,
            Heat::Cooling(cooling) => Some(cooling),
        };
        if let Some(reason) = outlook.unfit(model) {
            return Some(Self { reason, cooling, over: None });
        }
        // Its time is over: whoever claims the probe calls it like any other.
        let due = cooling.as_ref().is_none_or(is_due);
        (!due).then_some(Self { reason: ErrorClass::Cooldown, cooling, over: None })
    }

    /// A model whose probe somebody else has.
    pub(super) fn hot(heat: Heat) -> Option<Self> {
        match heat {
            Heat::Cool => None,
            Heat::Cooling(cooling) => {
                Some(Self { cooling: Some(cooling), ..Self::fact(ErrorClass::Cooldown) })
            }
        }
    }

    /// The cooldown, if it is the reason.
    pub(super) fn cooldown(&self) -> Option<&Cooling> {
        self.cooling.as_ref().filter(|_| self.reason == ErrorClass::Cooldown)
    }

    pub(super) fn cause(&self) -> Cause {
        Cause { class: self.reason, opened_by: self.cooldown().map(|cooling| cooling.failure.class) }
    }

    /// Only an opinion about the request speaks against it.
    fn is_opinion(&self) -> bool {
        self.reason != ErrorClass::Cooldown && self.cooling.as_ref().is_none_or(is_due)
    }
}

/// The time is over, and nobody has been sent to find out.
fn is_due(cooling: &Cooling) -> bool {
    cooling.left.is_zero() && cooling.probe_free
}

/// Who is to be called of those that something speaks against.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
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
pub(super) fn survey(
    candidate: &Candidate,
    objection: &Objection,
    queue: &Queue,
    outlook: &dyn Outlook,
) -> Verdict {
    let mut queue = queue.clone();
    let mut left = vec![(candidate.clone(), objection.clone())];
    queue.passed_over(&candidate.model, objection.cause());
    while let Some(next) = queue.pop() {
        let unpaid = || outlook.over_budget(&next.model).map(|_| ErrorClass::OverBudget);
        if let Some(class) = queue.fact_against(&next.model).or_else(unpaid) {
            queue.passed_over(&next.model, Objection::fact(class).cause());
            continue;
        }
        let Some(objection) = Objection::to(&next.model, outlook) else { return Verdict::NotThisOne };
        queue.passed_over(&next.model, objection.cause());
        left.push((next, objection));
    }
    designate(candidate, &left)
}

fn designate(candidate: &Candidate, left: &[(Candidate, Objection)]) -> Verdict {
    let is_this = |chosen: &Candidate| chosen.model.id == candidate.model.id;
    let hot = left.iter().filter_map(|(candidate, objection)| Some((candidate, objection.cooldown()?)));
    let first = hot.min_by_key(|(_, cooling)| cooling.left);
    if let Some((first, cooling)) = first
        && cooling.probe_free
    {
        return if is_this(first) { Verdict::Probe } else { Verdict::NotThisOne };
    }
    let unfit = left.iter().filter(|(_, objection)| objection.is_opinion());
    // Of equal windows the first in the chain: `max_by_key` takes the last.
    let largest = unfit.rev().max_by_key(|(candidate, _)| candidate.model.context_window);
    match (largest, first) {
        (Some((largest, _)), _) if is_this(largest) => Verdict::LargestWindow,
        (None, Some(_)) => Verdict::Wait,
        (Some(_), _) | (None, None) => Verdict::NotThisOne,
    }
}
