//! What a caller wants, before anybody is called: whose catalogue, which candidates, how much time, who is to fail on
//! purpose. And what is known of models at that moment.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::error::{Error, Result};
use crate::domain::error_class::ErrorClass;
use crate::gateway::call::refused_parameters::Refusals;
use crate::gateway::request::chat_request::{ChatRequest, Wanted};
use crate::gateway::request::drills::Drills;
use crate::gateway::request::requirements::Requirements;
use crate::gateway::routing::budget::{BudgetReservation, Estimate, OverBudget, Spending};
use crate::gateway::routing::call_feedback::SharedState;
use crate::gateway::routing::cooldown::{CooldownState, Cooldowns};
use crate::gateway::routing::plan::{CandidateFacts, Limits, Plan};
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::gateway::usage::calibration::TokenCalibrations;
use crate::gateway::usage::pricing::Usage;
use crate::store::snapshot::{ApiKeyEntry, ModelEntry, OrganizationSnapshot};

/// What a caller wants.
#[derive(Debug)]
pub struct Intent {
    /// Whose catalogue, as of now.
    pub organization: Arc<OrganizationSnapshot>,
    /// With which key; none for a person at a page.
    pub key: Option<Arc<ApiKeyEntry>>,
    /// What it asks for.
    pub request: ChatRequest,
    /// The caller's own deadline, which may lower the organization's.
    pub deadline: Option<Duration>,
    /// Who fails on purpose.
    pub drills: Drills,
}

impl Intent {
    /// The candidates, as far as they are known at the start. Names are checked before anybody is called.
    ///
    /// # Errors
    /// A model that is not in the catalogue, or that the key may not use.
    pub fn plan(&self) -> Result<Plan> {
        let organization = &self.organization;
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

    /// A model of the catalogue that the key may use. An unknown primary is a 404, an unknown entry of a list a 400.
    fn model(&self, name: &str, primary: bool) -> Result<Arc<ModelEntry>> {
        let Some(model) = self.organization.models.get(name) else {
            if primary {
                return Err(Error::ModelUnknown { model: name.to_owned(), available: Vec::new() });
            }
            let message = format!(
                "The list names the model '{name}', which does not exist in this organization's catalogue. Add it, or take it out of the list."
            );
            return Err(Error::refused(Some("models"), "model_not_found", message));
        };
        if self.key.as_ref().is_some_and(|key| !key.allows_model(name)) {
            return Err(Error::ModelForbidden { model: name.to_owned() });
        }
        Ok(model.clone())
    }

    /// How long all attempts may take together, until content has been sent.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let own = self.organization.settings.deadline();
        self.deadline.map_or(own, |wanted| wanted.min(own))
    }
}

/// What is known when a request comes in.
#[derive(Debug, Clone, Copy)]
pub struct StateView<'a> {
    /// Which models are left alone.
    pub cooldowns: &'a Cooldowns,
    /// How models count; none where nobody cares.
    pub calibrations: Option<&'a TokenCalibrations>,
    /// What budgets have spent; none where nobody pays.
    pub spending: Option<&'a Spending>,
    /// Which parameters providers were seen to refuse; none where that does not matter.
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

/// What is known of models now, as one request sees it.
#[derive(Debug)]
pub struct RoutingContext<'a> {
    state: StateView<'a>,
    drills: &'a Drills,
    requirements: Requirements<'a>,
    request: &'a ChatRequest,
    limit: OnceCell<AnswerLimit>,
    /// What limits the request; none for a drill, which is nobody's money.
    reservation: Option<Arc<BudgetReservation>>,
    /// Whether a probe that is claimed is really taken.
    takes_effect: bool,
}

impl<'a> RoutingContext<'a> {
    /// For a request that is going to be made. A drill leaves no trace, so it takes no probe from a real one.
    #[must_use]
    pub fn new(intent: &'a Intent, state: StateView<'a>) -> Self {
        let drills = &intent.drills;
        let key = intent.key.as_ref().map(|key| key.id);
        let paid = state.spending.filter(|_| drills.is_empty());
        Self {
            state,
            drills,
            requirements: Requirements::of(&intent.request),
            request: &intent.request,
            limit: OnceCell::new(),
            reservation: paid.and_then(|spending| spending.reservation(&intent.organization, key)),
            takes_effect: drills.is_empty(),
        }
    }

    /// For a request that is only thought through.
    #[must_use]
    pub fn dry_run(intent: &'a Intent, state: StateView<'a>) -> Self {
        Self { takes_effect: false, ..Self::new(intent, state) }
    }

    /// What limits the request, for whoever records what it cost.
    #[must_use]
    pub fn reservation(&self) -> Option<Arc<BudgetReservation>> {
        self.reservation.clone()
    }

    /// What a call may cost. A budget that is too strict is noticed; one that is too lax is paid for.
    fn estimate(&self, model: &ModelEntry) -> Estimate {
        let Some(price) = &model.price else { return Estimate::Unknown };
        if price.is_free() {
            return Estimate::Free;
        }
        let prompt = self.request.size();
        let calibration =
            self.state.calibrations.map(|calibrations| calibrations.of(model.id)).unwrap_or_default();
        let input = calibration.prompt(prompt).max(prompt.least_tokens());
        let input = model.context_window.map_or(input, |window| input.min(window));
        let limit = self.limit.get_or_init(|| AnswerLimit::of(self.request));
        let cost = |output: i64| Usage::estimate(input, output).cost(price);
        let least = limit.stated(model).unwrap_or(0);
        match (cost(least), cost(limit.most(model))) {
            (Some(least), Some(most)) => Estimate::Between { least, most },
            (_, _) => Estimate::Unknown,
        }
    }

    /// A model that fails on purpose is not called, so nothing speaks against it.
    fn is_drilled(&self, model: &ModelEntry) -> bool {
        self.drills.class_of(&model.name).is_some()
    }
}

impl CandidateFacts for RoutingContext<'_> {
    fn cooldown_state(&self, model: &ModelEntry) -> CooldownState {
        if self.is_drilled(model) { CooldownState::Closed } else { self.state.cooldowns.state(model) }
    }

    fn claim_probe(&self, model: &ModelEntry) -> bool {
        !self.takes_effect || self.state.cooldowns.claim_probe(model)
    }

    fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass> {
        if self.is_drilled(model) { None } else { self.requirements.unfit(model) }
    }

    fn over_budget(&self, model: &ModelEntry) -> Option<OverBudget> {
        self.reservation.as_ref()?.exceeded_by(self.estimate(model))
    }

    fn reserve(&self, model: &ModelEntry) -> Option<OverBudget> {
        let reservation = self.reservation.as_ref()?;
        let estimate = self.estimate(model);
        if self.takes_effect { reservation.reserve(estimate) } else { reservation.exceeded_by(estimate) }
    }
}
