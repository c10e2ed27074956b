//! A dry run of a request: which candidates would be called or skipped and why, how long it could take, and what it
//! could cost.
//!
//! It runs the plan of a real request and assumes that every call fails.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::dialects::change::Verb;
use crate::domain::attempt_report::DeploymentReason;
use crate::domain::error::Result;
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::gateway::call::adapt::adapt;
use crate::gateway::request::intent::{Intent, RoutingContext, StateView};
use crate::gateway::routing::deployments::{Seeker, session};
use crate::gateway::routing::plan::{Candidate, DecisionInput, Plan, Step};
use crate::store::snapshot::ModelEntry;

/// The class with which every call is assumed to fail, unless a drill says otherwise.
const IMAGINED: ErrorClass = ErrorClass::Unavailable;

/// The result of a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The model that the request names.
    pub requested: String,
    /// The candidates in order, assuming that every call fails.
    pub candidates: Vec<Explained>,
    /// Milliseconds until the caller gets the error, if every call takes as long as it may.
    pub worst_case_ms: u64,
    /// The possible cost of the answer; null if no price is known.
    #[schema(required)]
    pub cost: Option<CostRange>,
}

/// One candidate of a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// Catalog name of the model.
    pub model: String,
    /// Catalog name of its provider.
    pub provider: String,
    /// Why it would not be called; null if it would be.
    #[schema(required)]
    pub passed_over: Option<ErrorClass>,
    /// The class with which it is assumed to fail, which decides on the next candidate; null if it would not be
    /// called.
    #[schema(required)]
    pub fails_with: Option<ErrorClass>,
    /// The stored configuration that added it; null for the primary and for a request's own list.
    #[schema(required)]
    pub router_config_id: Option<Uuid>,
    /// The revision of that configuration.
    #[schema(required)]
    pub router_config_revision: Option<i64>,
    /// The most calls it would get.
    pub calls: u32,
    /// The most milliseconds that one call may take until content arrives.
    pub timeout_ms: u64,
    /// The changes that would be made to the request, named as in an attempt's `adapted`. Includes parameters that
    /// this process has seen the provider refuse.
    #[schema(value_type = Vec<AdaptedChange>)]
    pub adapted: Vec<String>,
    /// The possible cost of its answer; null if its price is unknown.
    #[schema(required)]
    pub cost: Option<CostRange>,
    /// The credentials that it may be sent with, if its provider has several. Only the cooldowns of this process are known.
    pub credentials: Vec<ExplainedCredential>,
}

/// One of several credentials of a candidate's provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedCredential {
    /// The name of the credential.
    pub name: String,
    /// Its share of the calls beside those of the same tier.
    pub weight: u32,
    /// The tier: a later one is used while the earlier ones are away.
    pub tier: u32,
    /// The class of the failure for which it is in cooldown with this model; null if it is not.
    #[schema(required)]
    pub in_cooldown: Option<ErrorClass>,
    /// Why the request would be sent with it; null if it would not be, or if chance decides by the weights.
    #[schema(required)]
    pub chosen: Option<DeploymentReason>,
}

/// A change to a request for one candidate, for the API description: a verb of the closed vocabulary, and what it is said of.
#[derive(Debug)]
pub struct AdaptedChange;

impl PartialSchema for AdaptedChange {
    fn schema() -> RefOr<Schema> {
        let verbs: Vec<String> = Verb::ALL.iter().map(Verb::to_string).collect();
        let pattern = format!("^({}):[A-Za-z0-9_]+$", verbs.join("|"));
        let example = format!("{}:max_tokens", Verb::Clamped);
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples([example]).into()
    }
}

impl ToSchema for AdaptedChange {}

/// A range of costs in nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct CostRange {
    /// The cost of the prompt alone.
    pub lowest_nano_dollars: i64,
    /// The cost with the longest answer that the request and the model allow, as budgets reserve it; null if that is unknown.
    #[schema(required)]
    pub highest_nano_dollars: Option<i64>,
}

/// Runs a request without calls. `session` is the id of its session.
///
/// # Errors
/// The request names unknown or forbidden models.
pub fn explain(intent: &Intent, session: Option<Uuid>, state: StateView<'_>) -> Result<Explanation> {
    let (candidates, spent) = DryRun::new(intent, session, state)?.run();
    let cost = candidates.iter().filter_map(|candidate| candidate.cost).reduce(CostRange::joined);
    Ok(Explanation {
        requested: intent.request.wanted.primary().to_owned(),
        candidates,
        worst_case_ms: millis(spent),
        cost,
    })
}

struct DryRun<'a> {
    intent: &'a Intent,
    session: Option<Uuid>,
    context: RoutingContext<'a>,
    plan: Plan,
    state: StateView<'a>,
    spent: Duration,
    candidates: Vec<Explained>,
}

impl<'a> DryRun<'a> {
    fn new(intent: &'a Intent, session: Option<Uuid>, state: StateView<'a>) -> Result<Self> {
        Ok(Self {
            intent,
            session,
            context: RoutingContext::dry_run(intent, state),
            plan: intent.plan()?,
            state,
            spent: Duration::ZERO,
            candidates: Vec::new(),
        })
    }

    fn run(mut self) -> (Vec<Explained>, Duration) {
        let mut failure = None;
        loop {
            let left = self.intent.deadline().saturating_sub(self.spent);
            let input = DecisionInput { left, jitter: 1.0, facts: &self.context };
            match self.plan.next(failure.take(), input) {
                // A dry run takes nothing, so it lacks nothing.
                Step::Fetch => {}
                Step::Exhausted(_) => return (self.candidates, self.spent),
                Step::Skip(candidate, skip_reason) => {
                    let explained = self.explained(&candidate);
                    self.candidates.push(Explained {
                        passed_over: Some(skip_reason.class),
                        cost: None,
                        ..explained
                    });
                }
                Step::Try { candidate, after, time_budget } => {
                    let class = self.intent.drills.class_of(&candidate.model.name).unwrap_or(IMAGINED);
                    self.call(&candidate, class, after, time_budget);
                    failure = Some(imagined_failure(class));
                }
            }
        }
    }

    fn call(&mut self, candidate: &Candidate, class: ErrorClass, after: Duration, time_budget: Duration) {
        let timeout = self.timeout(&candidate.model).min(time_budget);
        self.spent += after + timeout;
        let previous = self.candidates.last_mut().filter(|last| *last.model == *candidate.model.name);
        if let Some(last) = previous {
            last.calls += 1;
            return;
        }
        let explained = self.explained(candidate);
        self.candidates.push(Explained {
            fails_with: Some(class),
            calls: 1,
            timeout_ms: millis(timeout),
            adapted: self.adapted(candidate),
            ..explained
        });
    }

    /// The changes that would be made, including parameters that this process has seen the provider refuse.
    fn adapted(&self, candidate: &Candidate) -> Vec<String> {
        let model = &candidate.model;
        let refused = self.state.refusals.map(|refusals| refusals.of(model, self.intent.caller()));
        let refused = refused.unwrap_or_default();
        let spoken = self.intent.request.spoken_to(model);
        spoken.map(|request| adapt(request, model, candidate.primary, refused).changes).unwrap_or_default()
    }

    fn timeout(&self, model: &ModelEntry) -> Duration {
        if self.intent.request.stream { model.first_frame_timeout() } else { model.answer_timeout() }
    }

    fn explained(&self, candidate: &Candidate) -> Explained {
        let model = &candidate.model;
        let chain = candidate.chain.as_ref();
        Explained {
            model: model.name.to_string(),
            provider: model.provider.name.to_string(),
            passed_over: None,
            fails_with: None,
            router_config_id: chain.map(|chain| chain.config_id),
            router_config_revision: chain.map(|chain| chain.revision),
            calls: 0,
            timeout_ms: millis(self.timeout(model)),
            adapted: Vec::new(),
            cost: self.cost(model),
            credentials: model.deployments.as_deref().map(|all| self.credentials(all)).unwrap_or_default(),
        }
    }

    fn credentials(&self, deployments: &[Arc<ModelEntry>]) -> Vec<ExplainedCredential> {
        let (cooldowns, caller) = (self.state.cooldowns, self.intent.caller());
        let session = session(self.session, &self.intent.request);
        let seeker = Seeker { cooldowns, caller, session, tried: &[], takes_probes: false };
        let chosen = seeker.foresee(deployments);
        let explained = |one: &Arc<ModelEntry>| {
            let credential = &one.provider.credential_entry;
            let cooldown = cooldowns.state_for(one, caller).into_cooldown();
            ExplainedCredential {
                name: credential.name.to_string(),
                weight: credential.weight,
                tier: credential.tier,
                in_cooldown: cooldown.map(|cooldown| cooldown.failure.class),
                chosen: chosen.filter(|(id, _)| *id == one.cooldown_id()).map(|(_, reason)| reason),
            }
        };
        deployments.iter().map(explained).collect()
    }

    fn cost(&self, model: &ModelEntry) -> Option<CostRange> {
        let (lowest_nano_dollars, highest_nano_dollars) = self.context.cost_range(model)?;
        Some(CostRange { lowest_nano_dollars, highest_nano_dollars })
    }
}

impl CostRange {
    fn joined(self, other: Self) -> Self {
        let highest = self.highest_nano_dollars.zip(other.highest_nano_dollars);
        Self {
            lowest_nano_dollars: self.lowest_nano_dollars.min(other.lowest_nano_dollars),
            highest_nano_dollars: highest.map(|(one, other)| one.max(other)),
        }
    }
}

fn imagined_failure(class: ErrorClass) -> Failure {
    Failure::ours(class, "explain", "")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
