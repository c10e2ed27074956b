//! What a caller asks for, and the facts about candidates that the plan needs for it.

mod estimate;
mod kinds;
mod purpose;
mod stored;

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::time::Duration;

use entity::ids::ModelId;
pub use purpose::Purpose;

use crate::dialects::Dialect;
use crate::dialects::need::Need;
use crate::domain::error::{Error, Result};
use crate::domain::failure::class::ErrorClass;
use crate::domain::operation::Operation;
use crate::gateway::call::classify::Fault;
use crate::gateway::call::outcome::AttemptOutcome;
use crate::gateway::call::refused_parameters::Refusals;
use crate::gateway::request::chat_request::{ChatRequest, Wanted};
use crate::gateway::request::drills::Drills;
use crate::gateway::request::requirements::Requirements;
use crate::gateway::routing::budget::{BudgetReservation, Estimate, OverBudget, Spending};
use crate::gateway::routing::call_feedback::SharedState;
use crate::gateway::routing::cooldown::{CooldownState, Cooldowns};
use crate::gateway::routing::deployments::claim_probe;
use crate::gateway::routing::plan::{CandidateFacts, Limits, Plan};
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::gateway::usage::calibration::TokenCalibrations;
use crate::limits::shares::Share;
use crate::store::UnpricedModels;
use crate::store::snapshot::{ApiKeyEntry, ModelEntry, OrganizationSnapshot};

/// What a caller asks for.
#[derive(Debug)]
pub struct Intent {
    /// The organization's catalog at this moment.
    pub organization: Arc<OrganizationSnapshot>,
    /// The API key; `None` for a console user.
    pub key: Option<Arc<ApiKeyEntry>>,
    /// The request that was sent.
    pub request: ChatRequest,
    /// The caller's deadline, which can only lower the organization's.
    pub deadline: Option<Duration>,
    /// The models that fail on purpose.
    pub drills: Drills,
}

impl Intent {
    /// Creates the plan. All names are checked before any candidate is called.
    ///
    /// # Errors
    /// A model is not in the catalog, or the key may not use it.
    pub fn plan(&self) -> Result<Plan> {
        self.plan_for(Purpose::Answer)
    }

    /// Creates the plan for an answer, or for the count of a prompt.
    ///
    /// # Errors
    /// As [`Intent::plan`].
    pub fn plan_for(&self, purpose: Purpose) -> Result<Plan> {
        let organization = &self.organization;
        self.check_kinds()?;
        self.check_needs(purpose)?;
        let limit = organization.settings.max_fallbacks;
        let limits = Limits {
            max_fallbacks: self.request.max_fallbacks.map_or(limit, |wanted| wanted.min(limit)) as usize,
            num_retries: self.request.num_retries,
            allowed: self.key.as_ref().and_then(|key| key.models.clone()),
        };
        match &self.request.wanted {
            Wanted::Stored(name) => {
                Ok(Plan::of_stored(organization.clone(), self.model(name, true)?, limits))
            }
            Wanted::Alone(name) => Ok(Plan::of_list(vec![self.model(name, true)?], limits)),
            Wanted::List(names) => {
                let primary = names.first().map(String::as_str);
                let models = names.iter().map(|name| self.model(name, Some(name.as_str()) == primary));
                Ok(Plan::of_list(models.collect::<Result<_>>()?, limits))
            }
        }
    }

    /// Refuses a request that no model in its reach can answer, because it needs what the dialects of their providers lack.
    fn check_needs(&self, purpose: Purpose) -> Result<()> {
        let model = self.primary();
        let requirements = self.requirements_of(model);
        // An unknown model is refused as such.
        let lacking = |name: &str, model: Option<&ModelEntry>| {
            requirements.lacking(model?).filter(|_| self.drills.class_of(name).is_none())
        };
        // Nearly always the primary lacks nothing.
        let primary = self.request.wanted.primary();
        let Some(need) = lacking(primary, model) else { return Ok(()) };
        let models = &self.organization.models;
        if self.reachable().any(|name| lacking(name, models.get(name).map(AsRef::as_ref)).is_none()) {
            return Ok(());
        }
        Err(Error::refused(
            Some(need.param()),
            need.code(),
            purpose.without(primary, need, self.request.dialect),
        ))
    }

    /// The requested model, or the first one of a list, if it is known.
    fn primary(&self) -> Option<&ModelEntry> {
        self.organization.models.get(self.request.wanted.primary()).map(AsRef::as_ref)
    }

    fn requirements(&self) -> Requirements<'_> {
        self.requirements_of(self.primary())
    }

    /// The requirements with this first model.
    fn requirements_of(&self, primary: Option<&ModelEntry>) -> Requirements<'_> {
        Requirements::of(&self.request)
            .with_primary(primary.map(|primary| self.first_keeper(primary)))
            .with_only_keeper(self.only_keeper())
    }

    /// The names of the models that may answer.
    fn reachable(&self) -> impl Iterator<Item = &str> {
        let wanted = &self.request.wanted;
        let names = self.organization.reachable(wanted.names(), matches!(wanted, Wanted::Stored(_)));
        let allowed = move |name: &&str| self.key.as_ref().is_none_or(|key| key.allows_model(name));
        names.into_iter().filter(allowed)
    }

    /// Whether the first step of the plan may need a translation that is slow to make. As long as the primary can be called, it
    /// looks at no other model.
    #[must_use]
    pub fn begins_with_translation(&self, context: &RoutingContext<'_>) -> bool {
        if self.slow_translations().next().is_none() {
            return false;
        }
        let primary = self.organization.models.get(self.request.wanted.primary());
        !primary.is_some_and(|model| self.request.is_spoken_by(model) && context.may_call(model))
    }

    /// Translates a request that is slow to translate off the event loop, for the models that may answer and do not speak its
    /// dialect.
    pub async fn translate_early(&self, share: &Share) {
        let next = || self.slow_translations().next();
        while let Some(target) = next() {
            let request = self.request.clone();
            let translate = move || {
                let translation = request.translated(target);
                if let Ok(request) = &translation {
                    request.size();
                }
                translation
            };
            match share.read_large(translate).await {
                Ok(translation) => self.request.keep(target, translation),
                // Without room for it now, it is translated when it is needed.
                Err(_) => return,
            }
        }
    }

    /// The dialects into which a request that is slow to translate has still to be translated.
    fn slow_translations(&self) -> impl Iterator<Item = Dialect> {
        let names = if self.request.may_be_slow_to_translate() { Some(self.reachable()) } else { None };
        let models = names.into_iter().flatten().filter_map(move |name| self.organization.models.get(name));
        models
            .filter(move |model| self.request.is_slow_to_translate(model))
            .filter_map(move |model| self.request.target(model))
    }

    /// Finds a model that the key may use. An unknown primary is a 404, an unknown entry of a list a 400.
    fn model(&self, name: &str, primary: bool) -> Result<Arc<ModelEntry>> {
        let Some(model) = self.organization.models.get(name) else {
            if primary {
                return Err(Error::ModelUnknown {
                    model: name.to_owned(),
                    fallbacks: Vec::new(),
                    available: Vec::new(),
                });
            }
            let message = format!(
                "The list names the model '{name}', which does not exist in this organization's catalog. Add it, or take it out of the list."
            );
            return Err(Error::refused(Some("models"), "model_not_found", message));
        };
        if self.key.as_ref().is_some_and(|key| !key.allows_model(name)) {
            return Err(Error::ModelForbidden { model: name.to_owned() });
        }
        Ok(model.clone())
    }

    /// Whether the caller's own deadline ended a call, before any limit of the organization did.
    #[must_use]
    pub fn ended_by_caller(&self, outcome: &AttemptOutcome) -> bool {
        let own = self.deadline.is_some_and(|own| own < self.organization.settings.deadline());
        let fault = match outcome {
            AttemptOutcome::Failed(fault) | AttemptOutcome::Unusable(fault, _) => Some(fault),
            AttemptOutcome::Ready(_) | AttemptOutcome::Filtered(..) => None,
        };
        own && matches!(fault, Some(Fault::TimeBudget(_)))
    }

    /// The time for all attempts together, until content is sent.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let own = self.organization.settings.deadline();
        self.deadline.map_or(own, |wanted| wanted.min(own))
    }
}

/// A view of the shared state, for requests and dry runs.
#[derive(Debug, Clone, Copy)]
pub struct StateView<'a> {
    /// The models in cooldown.
    pub cooldowns: &'a Cooldowns,
    /// The token calibrations; `None` if estimates are not needed.
    pub calibrations: Option<&'a TokenCalibrations>,
    /// The spending; `None` if budgets do not apply.
    pub spending: Option<&'a Spending>,
    /// The parameters that providers were seen to refuse; `None` if they do not matter.
    pub refusals: Option<&'a Refusals>,
}

impl<'a> From<&'a SharedState> for StateView<'a> {
    fn from(shared_state: &'a SharedState) -> Self {
        Self {
            cooldowns: &shared_state.cooldowns,
            calibrations: Some(&shared_state.calibrations),
            spending: Some(&shared_state.spending),
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
    /// The estimate for a model without a price.
    unpriced: Estimate,
    /// Whether probes are really taken; false for drills and dry runs.
    takes_probes: bool,
    /// Whether money is really reserved; false for dry runs.
    reserves: bool,
    /// The deployment whose probe was taken last, for the call that it allows.
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
        Self {
            state,
            drills,
            requirements: intent.requirements_of(primary),
            request: &intent.request,
            primary,
            caller: intent.caller(),
            limit: OnceCell::new(),
            reservation: state.spending.and_then(|spending| spending.reservation(&intent.organization, key)),
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

    /// The deployment whose probe the plan has taken for the next call, if it has.
    #[must_use]
    pub fn take_claimed(&self) -> Option<ModelId> {
        self.claimed.take()
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
    fn may_call(&self, model: &ModelEntry) -> bool {
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
}

#[cfg(test)]
mod tests;
