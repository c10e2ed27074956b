//! Reports the outcome of one call to the shared state: cooldowns and provider health.
//!
//! Only failures of the model count. A failure that the request caused changes nothing, and a call that ends without
//! a report (its caller disconnected) gives back the probe that it may have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use entity::ids::OrganizationId;

use super::budget::Spending;
use super::cooldown::Cooldowns;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::class_policy::CooldownEffect;
use crate::domain::failure::evidence::Source;
use crate::domain::failure::scope::FailureScope;
use crate::domain::failure::{Blame, Failure, ModelFailure};
use crate::gateway::call::classify::Fault;
use crate::gateway::call::classify_and_redact::classify_and_redact;
use crate::gateway::call::endpoint::Endpoints;
use crate::gateway::call::redact::own_words::{Heard, is_unrelated_page, own_words, without_quotations};
use crate::gateway::call::redact::without_excerpts;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::provider_health::Health;
use crate::gateway::usage::calibration::{TokenCalibration, TokenCalibrations};
use crate::providers::errors::phrases::is_a_budget_without_owner;
use crate::providers::{Sentences, UpstreamError};
use crate::store::snapshot::ModelEntry;

/// The state that all requests of this process share.
#[derive(Debug)]
pub struct SharedState {
    /// The models in cooldown.
    pub cooldowns: Cooldowns,
    /// URLs and headers of providers, built once for each provider.
    pub endpoints: Endpoints,
    /// Whether providers accept their credentials.
    pub health: Health,
    /// The token calibrations of models.
    pub calibrations: TokenCalibrations,
    /// The spending of budgets.
    pub spending: Spending,
    /// The error sentences of the operator's file, with their meanings.
    pub sentences: ArcSwap<Sentences>,
}

/// The feedback of one call of a model.
#[derive(Debug)]
pub struct CallFeedback {
    shared_state: Arc<SharedState>,
    /// Whether the request is a drill, which must not change shared state.
    drill: bool,
    organization_id: OrganizationId,
    model: Arc<ModelEntry>,
    /// The fingerprint of the request, if it is remembered.
    fingerprint: u64,
    /// A hash of the caller's API key.
    caller: u64,
    called_at: Duration,
    /// Whether an earlier call of the same request failed and was counted.
    repeated: bool,
    /// Whether the outcome was reported.
    reported: AtomicBool,
}

impl CallFeedback {
    /// Creates the feedback of a call that is about to start.
    #[must_use]
    pub fn new(
        shared_state: &Arc<SharedState>,
        organization_id: OrganizationId,
        model: &Arc<ModelEntry>,
        caller: u64,
        drill: bool,
    ) -> Self {
        Self {
            shared_state: shared_state.clone(),
            drill,
            organization_id,
            model: model.clone(),
            fingerprint: 0,
            caller,
            called_at: shared_state.cooldowns.now(),
            repeated: false,
            reported: AtomicBool::new(false),
        }
    }

    /// Says whether an earlier call of the same request to this model was counted.
    #[must_use]
    pub fn repeated(mut self, repeated: bool) -> Self {
        self.repeated = repeated;
        self
    }

    /// The model of the call.
    #[must_use]
    pub fn model(&self) -> &Arc<ModelEntry> {
        &self.model
    }

    /// Remembers the fingerprint of the request, which is dropped while its stream goes on.
    #[must_use]
    pub fn remember(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Reports that the stream broke, with the remembered fingerprint.
    pub fn interrupted(&self, failure: &Failure) {
        self.failed(failure, || self.fingerprint);
    }

    /// The token calibration of the model; an empty one in a drill.
    #[must_use]
    pub fn calibration(&self) -> Arc<TokenCalibration> {
        if self.drill { Arc::default() } else { self.shared_state.calibrations.of(self.model.id) }
    }

    /// Classifies a fault of the call.
    #[must_use]
    pub fn classify(&self, fault: Fault) -> Failure {
        let now = self.shared_state.cooldowns.date();
        let SharedState { endpoints, sentences, .. } = &*self.shared_state;
        classify_and_redact(fault, &self.model.provider, endpoints, &sentences.load(), now)
    }

    /// Classifies a fault of a call of this request, and hides what an error repeats of its prompt.
    #[must_use]
    pub fn classify_of(&self, fault: Fault, request: &ChatRequest) -> Failure {
        let error = match &fault {
            Fault::Upstream(error) => Some(error.clone()),
            Fault::Connect(_)
            | Fault::Timeout(_)
            | Fault::TimeBudget(_)
            | Fault::Garbage(_)
            | Fault::Filtered(_)
            | Fault::Interrupted(_)
            | Fault::Drill(_) => None,
        };
        let mut failure = self.classify(fault);
        let Some(error) = error else { return failure };
        let unrelated = is_unrelated_page(&error, request);
        if failure.scope != FailureScope::Request && !unrelated {
            failure = self.blamed_by_own_words(failure, &error, request);
        }
        failure.message = without_excerpts(failure.message, request);
        if !unrelated {
            failure.message = without_quotations(failure.message, request);
        }
        failure
    }

    /// Only the provider's own words blame the model, not those that it repeats of the request.
    fn blamed_by_own_words(&self, failure: Failure, error: &UpstreamError, request: &ChatRequest) -> Failure {
        if is_of_own_fields(&failure, request) {
            return Failure { scope: FailureScope::Request, ..failure };
        }
        if may_be_of_own_user(&failure, error, request) {
            return Failure { scope: FailureScope::Open, ..failure };
        }
        let message = match own_words(&error.message, request) {
            Heard::All => return failure,
            Heard::Rest(message) => message,
            Heard::Unknown => String::new(),
        };
        let unknown = message.is_empty();
        let own = self.classify(Fault::Upstream(Box::new(error.with_message(message))));
        if unknown && own.class != failure.class {
            return Failure { scope: FailureScope::Open, retry_after: own.retry_after, ..failure };
        }
        Failure { message: failure.message, ..own }
    }

    /// Reports that the call failed. `request` returns the fingerprint of the request and is called only if the request
    /// may have caused the failure. Returns whether the failure counts toward a cooldown.
    pub fn failed(&self, failure: &Failure, request: impl FnOnce() -> u64) -> bool {
        let Some(shared_state) = self.report() else { return false };
        let cooldowns = &shared_state.cooldowns;
        match failure.blame() {
            Blame::Request if failure.class.policy().cooldown == CooldownEffect::None => {
                cooldowns.refused(&self.model, self.called_at);
            }
            Blame::Request => cooldowns.undecided(&self.model, self.called_at),
            Blame::Model(failure) => return self.report_model_failure(shared_state, failure),
            Blame::Open(failure) if failure.failure().class.policy().cooldown == CooldownEffect::Counts => {
                let source = Source { request: request(), caller: self.caller };
                cooldowns.failed_openly(&self.model, failure, self.called_at, self.repeated, source);
                return true;
            }
            Blame::Open(failure) => {
                let source = Source { request: request(), caller: self.caller };
                match cooldowns.suspected(&self.model, failure, source) {
                    Some(failure) => return self.report_model_failure(shared_state, failure),
                    None => cooldowns.undecided(&self.model, self.called_at),
                }
            }
        }
        false
    }

    fn report_model_failure(&self, shared_state: &SharedState, failure: ModelFailure<'_>) -> bool {
        shared_state.cooldowns.failed(&self.model, failure, self.called_at, self.repeated);
        shared_state.health.failed(self.organization_id, &self.model.provider, failure);
        failure.failure().class.policy().cooldown == CooldownEffect::Counts
    }

    /// Reports that the stream has begun.
    pub fn began(&self) {
        if let Some(shared_state) = self.report() {
            shared_state.cooldowns.began(&self.model, self.called_at, self.caller);
            shared_state.health.answered(self.organization_id, &self.model.provider);
        }
    }

    /// Reports that the answer is complete.
    pub fn answered(&self) {
        if let Some(shared_state) = self.report() {
            shared_state.cooldowns.answered(&self.model, self.called_at, self.caller);
            shared_state.health.answered(self.organization_id, &self.model.provider);
        }
    }

    /// Marks the outcome as reported. Returns the state to update; `None` in a drill.
    fn report(&self) -> Option<&Arc<SharedState>> {
        self.reported.store(true, Ordering::Relaxed);
        (!self.drill).then_some(&self.shared_state)
    }
}

/// Fields with a credential or an address of the caller's own, which proxies of providers use in place of ours.
const OWN_ACCESS: [&str; 6] =
    ["api_key", "api_base", "base_url", "authorization", "extra_headers", "headers"];

/// The value of a member of the request, unless it is null.
fn value<'a>(request: &'a ChatRequest, name: &str) -> Option<&'a [u8]> {
    let part = request.parts.iter().find(|part| part.name == name)?;
    Some(request.value(part)).filter(|value| *value != b"null")
}

/// Whether the failure is about a budget that may be the one of the user that the request names.
fn may_be_of_own_user(failure: &Failure, error: &UpstreamError, request: &ChatRequest) -> bool {
    failure.class == ErrorClass::QuotaExhausted
        && value(request, "user").is_some()
        && is_a_budget_without_owner(error)
}

/// Whether the failure is about a credential or a service tier that only this request has.
fn is_of_own_fields(failure: &Failure, request: &ChatRequest) -> bool {
    match failure.class {
        ErrorClass::Authentication => OWN_ACCESS.iter().any(|name| value(request, name).is_some()),
        ErrorClass::RateLimited | ErrorClass::Overloaded => value(request, "service_tier")
            .is_some_and(|tier| !matches!(tier, b"\"auto\"" | b"\"default\"" | b"\"standard\"")),
        ErrorClass::QuotaExhausted
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidRequest
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => false,
    }
}

/// A clone reports its own outcome.
impl Clone for CallFeedback {
    fn clone(&self) -> Self {
        Self {
            shared_state: self.shared_state.clone(),
            drill: self.drill,
            organization_id: self.organization_id,
            model: self.model.clone(),
            fingerprint: self.fingerprint,
            caller: self.caller,
            called_at: self.called_at,
            repeated: self.repeated,
            reported: AtomicBool::new(false),
        }
    }
}

impl Drop for CallFeedback {
    fn drop(&mut self) {
        if !*self.reported.get_mut() && !self.drill {
            self.shared_state.cooldowns.undecided(&self.model, self.called_at);
        }
    }
}
