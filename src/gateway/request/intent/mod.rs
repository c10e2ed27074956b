//! What a caller asks for, and the facts about candidates that the plan needs for it.

mod kinds;
mod purpose;
mod routing_context;
mod stored;

use std::sync::Arc;
use std::time::Duration;

pub use purpose::Purpose;
pub use routing_context::{RoutingContext, StateView};

use crate::dialects::Dialect;
use crate::domain::error::{Error, Result};
use crate::gateway::call::classify::Fault;
use crate::gateway::call::outcome::AttemptOutcome;
use crate::gateway::request::chat_request::{ChatRequest, Wanted};
use crate::gateway::request::drills::Drills;
use crate::gateway::request::requirements::Requirements;
use crate::gateway::routing::plan::{Limits, Plan};
use crate::limits::shares::Share;
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

#[cfg(test)]
mod tests;
