//! The facts about candidates that the plan of one request needs.

mod estimate;

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use entity::ids::ModelId;

use super::Intent;
use crate::dialects::need::Need;
use crate::domain::failure::class::ErrorClass;
use crate::domain::operation::Operation;
use crate::gateway::call::refused_parameters::Refusals;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::drills::Drills;
use crate::gateway::request::requirements::Requirements;
use crate::gateway::routing::budget::{BudgetReservation, Estimate, OverBudget, Spending};
use crate::gateway::routing::call_feedback::SharedState;
use crate::gateway::routing::cooldown::{CooldownState, Cooldowns};
use crate::gateway::routing::deployments::claim_probe;
use crate::gateway::routing::headroom::{CallHeadroom, CallLimits, NoHeadroom, Room, TokenNeed};
use crate::gateway::routing::plan::CandidateFacts;
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::gateway::usage::calibration::TokenCalibrations;
use crate::limits::leases::Lacking;
use crate::store::UnpricedModels;
use crate::store::snapshot::ModelEntry;

/// A view of the shared state, for requests and dry runs.
#[derive(Debug, Clone, Copy)]
pub struct StateView<'a> {
    /// The models in cooldown.
    pub cooldowns: &'a Cooldowns,
    /// The token calibrations; `None` if estimates are not needed.
    pub calibrations: Option<&'a TokenCalibrations>,
    /// The spending; `None` if budgets do not apply.
    pub spending: Option<&'a Spending>,
    /// The limits of calls; `None` if they do not apply.
    pub call_limits: Option<&'a Arc<CallLimits>>,
    /// The parameters that providers were seen to refuse; `None` if they do not matter.
    pub refusals: Option<&'a Refusals>,
}

impl<'a> From<&'a SharedState> for StateView<'a> {
    fn from(shared_state: &'a SharedState) -> Self {
        Self {
            cooldowns: &shared_state.cooldowns,
            calibrations: Some(&shared_state.calibrations),
            spending: Some(&shared_state.spending),
            call_limits: Some(&shared_state.call_limits),
            refusals: None,
        }
    }
}

/// The facts about candidates for one request.
#[derive(Debug)]
pub struct RoutingContext<'a> {
    state: StateView<'a>,
    drills: &'a Drills,
    requirements: Requirements<'a>,
    request: &'a ChatRequest,
    /// The requested model, if it is known.
    primary: Option<&'a ModelEntry>,
    /// A hash of the API key.
    caller: u64,
    limit: OnceCell<AnswerLimit>,
    /// The budget reservation; `None` without budgets.
    reservation: Option<Arc<BudgetReservation>>,
    /// The limits of its calls; `None` without any.
    headroom: Option<Arc<CallHeadroom>>,
    /// The estimate for a model without a price.
    unpriced: Estimate,
    /// Whether probes are really taken; false for drills and dry runs.
    takes_probes: bool,
    /// Whether money and headroom are really taken; false for dry runs.
    reserves: bool,
    /// The deployment of which a probe was taken last, for the call that it allows.
    claimed: Cell<Option<ModelId>>,
}

impl<'a> RoutingContext<'a> {
    /// Creates the context of a request. A drill takes no probe, because it must not affect cooldowns. Its budgets are
    /// checked, because the models that it does not name are really called.
    #[must_use]
    pub fn new(intent: &'a Intent, state: StateView<'a>) -> Self {
        let (drills, primary) = (&intent.drills, intent.primary());
        let key = intent.key.as_ref().map(|key| key.id);
        let unpriced = match intent.organization.settings.unpriced_models {
            UnpricedModels::Refuse => Estimate::Unpriced,
            UnpricedModels::Allow => Estimate::Unknown,
        };
        let reservation = state.spending.and_then(|spending| spending.reservation(&intent.organization, key));
        let headroom = state.call_limits.and_then(|limits| {
            CallHeadroom::of(limits, &intent.organization, intent.key.as_ref(), reservation.is_some())
        });
        Self {
            state,
            drills,
            requirements: intent.requirements_of(primary),
            request: &intent.request,
            primary,
            caller: intent.caller(),
            limit: OnceCell::new(),
            reservation,
            headroom,
            unpriced,
            takes_probes: drills.is_empty(),
            reserves: true,
            claimed: Cell::new(None),
        }
    }

    /// Creates the context of a dry run.
    #[must_use]
    pub fn dry_run(intent: &'a Intent, state: StateView<'a>) -> Self {
        Self { takes_probes: false, reserves: false, ..Self::new(intent, state) }
    }

    /// The budget reservation, which the recorder settles.
    #[must_use]
    pub fn reservation(&self) -> Option<Arc<BudgetReservation>> {
        self.reservation.clone()
    }

    /// The deployment of which the plan has taken the probe for the next call, if it has.
    #[must_use]
    pub fn take_claimed(&self) -> Option<ModelId> {
        self.claimed.take()
    }

    /// The headroom of the calls, which the recorder settles.
    #[must_use]
    pub fn headroom(&self) -> Option<Arc<CallHeadroom>> {
        self.headroom.clone()
    }

    /// What is to be fetched before the plan goes on.
    #[must_use]
    pub fn lacking(&self) -> Option<Lacking> {
        self.headroom.as_ref()?.lacking()
    }

    /// Estimates the tokens of a call. An answer without a stated limit is as long as the model's answers usually are.
    fn token_need(&self, model: &ModelEntry) -> TokenNeed {
        let size = self.request.as_sent_to(model).size();
        let limit = self.limit();
        let usual = || self.state.call_limits.map_or(0, |limits| limits.usual_answer(model.id));
        let answer = limit.stated(model).unwrap_or_else(|| usual().min(limit.most(model)));
        TokenNeed { prompt: self.calibration(model).prompt(size).max(size.least_tokens()), answer }
    }

    /// Why the model does not answer such requests, whatever else they ask for.
    fn unlike(&self, model: &ModelEntry) -> Option<Need> {
        let operation = self.request.operation;
        if model.settings.kind != operation.kind() {
            return Some(Need::Kind(operation.kind()));
        }
        let primary = self.primary.filter(|_| operation == Operation::Embeddings)?;
        (primary.vector_space() != model.vector_space()).then_some(Need::VectorSpace)
    }

    /// Whether nothing but its budget or its own settings keeps a model from being called.
    pub(super) fn may_call(&self, model: &ModelEntry) -> bool {
        matches!(self.cooldown_state(model), CooldownState::Closed) && self.unfit(model).is_none()
    }

    /// Whether the model is drilled. It is not called, so cooldown and requirements do not matter.
    fn is_drilled(&self, model: &ModelEntry) -> bool {
        self.drills.class_of(&model.name).is_some()
    }
}

impl CandidateFacts for RoutingContext<'_> {
    fn cooldown_state(&self, model: &ModelEntry) -> CooldownState {
        if self.is_drilled(model) {
            CooldownState::Closed
        } else {
            self.state.cooldowns.state_for(model, self.caller)
        }
    }

    fn claim_probe(&self, model: &ModelEntry) -> bool {
        if !self.takes_probes {
            return true;
        }
        let cooldowns = self.state.cooldowns;
        match &model.deployments {
            None => cooldowns.claim_probe(model, self.caller),
            Some(deployments) => claim_probe(cooldowns, deployments, self.caller, &self.claimed),
        }
    }

    fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass> {
        if self.is_drilled(model) { None } else { self.requirements.unfit(model) }
    }

    fn lacking(&self, model: &ModelEntry) -> Option<Need> {
        // A drill shows what would happen, so it calls no model that could not answer.
        let lacking = || if self.is_drilled(model) { None } else { self.requirements.lacking(model) };
        self.unlike(model).or_else(lacking)
    }

    fn over_budget(&self, model: &ModelEntry) -> Option<OverBudget> {
        self.reservation.as_ref()?.exceeded_by(self.estimate(model))
    }

    fn reserve(&self, model: &ModelEntry) -> Option<OverBudget> {
        let reservation = self.reservation.as_ref()?;
        let estimate = self.estimate(model);
        if self.reserves { reservation.reserve(estimate) } else { reservation.exceeded_by(estimate) }
    }

    fn no_headroom(&self, model: &ModelEntry) -> Option<NoHeadroom> {
        // A drilled model is not called.
        let headroom = self.headroom.as_ref().filter(|_| !self.is_drilled(model))?;
        headroom.hindrance(model, || self.token_need(model))
    }

    fn take_headroom(&self, model: &ModelEntry) -> Room {
        let headroom = self.headroom.as_ref().filter(|_| self.reserves && !self.is_drilled(model));
        match headroom {
            Some(headroom) => {
                let reserved = self.reservation.as_deref();
                headroom.take(model, || self.token_need(model), reserved).with_budget(reserved)
            }
            None => self.no_headroom(model).map_or(Room::Taken, Room::None),
        }
    }

    fn give_headroom_back(&self) {
        if let Some(headroom) = self.headroom.as_ref().filter(|_| self.reserves) {
            headroom.give_back();
        }
    }

    fn has_headroom_again(&self, model: &ModelEntry) -> bool {
        let headroom = self.headroom.as_ref().filter(|_| self.reserves && !self.is_drilled(model));
        headroom.is_none_or(|headroom| headroom.again(model, self.reservation.as_deref()))
    }
}
