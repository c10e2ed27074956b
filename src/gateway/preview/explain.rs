//! The plan of a request that nobody is called for: who would be tried in which order, who would not and why, how long
//! it could take and what it could cost.
//!
//! It asks the same plan as a real request does, and lets every call fail.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::error::Result;
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
use crate::gateway::call::adapt::adapt;
use crate::gateway::request::intent::{Intent, RoutingContext, StateView};
use crate::gateway::routing::plan::{Candidate, DecisionInput, Plan, Step};
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::gateway::usage::pricing::Usage;
use crate::gateway::usage::text_size::TextSize;
use crate::store::snapshot::ModelEntry;

/// How every call is imagined to fail where the request does not say otherwise.
const IMAGINED: ErrorClass = ErrorClass::Unavailable;

/// What would happen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The model that is asked for.
    pub requested: String,
    /// Everybody who would be looked at if every call failed, in order.
    pub candidates: Vec<Explained>,
    /// Milliseconds until the caller would know, if every call took all the time it may.
    pub worst_case_ms: u64,
    /// What the answer could cost; null where no price is known.
    #[schema(required)]
    pub cost: Option<CostRange>,
}

/// One candidate.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// Catalogue name of the model.
    pub model: String,
    /// Catalogue name of its provider.
    pub provider: String,
    /// Why it would not be called; null: it would be.
    #[schema(required)]
    pub passed_over: Option<ErrorClass>,
    /// How it is imagined to fail, which decides who comes next; null: it would not be called.
    #[schema(required)]
    pub fails_with: Option<ErrorClass>,
    /// The stored configuration that brought it in; null for the first and for a request's own list.
    #[schema(required)]
    pub router_config_id: Option<Uuid>,
    /// That configuration's revision.
    #[schema(required)]
    pub router_config_revision: Option<i64>,
    /// How often it would be called at most.
    pub calls: u32,
    /// Milliseconds that one call may take until content arrives.
    pub timeout_ms: u64,
    /// What would be changed in the request for its sake, in the words of an attempt's `adapted`; what its provider was seen
    /// to refuse included, as far as the process that answers has seen it.
    pub adapted: Vec<String>,
    /// What its answer could cost; null where its price is unknown.
    #[schema(required)]
    pub cost: Option<CostRange>,
}

/// Nano-dollars from an answer without a word to the longest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct CostRange {
    /// The prompt alone.
    pub lowest_nano_dollars: i64,
    /// With the longest answer that the request and the model allow; null where that is unknown.
    #[schema(required)]
    pub highest_nano_dollars: Option<i64>,
}

/// Thinks a request through.
///
/// # Errors
/// What would be refused: unknown or forbidden models.
pub fn explain(intent: &Intent, state: StateView<'_>) -> Result<Explanation> {
    let (candidates, spent) = DryRun::new(intent, state)?.run();
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
    context: RoutingContext<'a>,
    plan: Plan,
    prompt: TextSize,
    state: StateView<'a>,
    spent: Duration,
    candidates: Vec<Explained>,
}

impl<'a> DryRun<'a> {
    fn new(intent: &'a Intent, state: StateView<'a>) -> Result<Self> {
        Ok(Self {
            intent,
            context: RoutingContext::dry_run(intent, state),
            plan: intent.plan()?,
            prompt: *intent.request.size(),
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

    /// What would be changed, which includes what this process has seen to be refused.
    fn adapted(&self, candidate: &Candidate) -> Vec<String> {
        let model = &candidate.model;
        let refused = self.state.refusals.map(|refusals| refusals.of(model)).unwrap_or_default();
        adapt(&self.intent.request, model, candidate.primary, refused).changes
    }

    fn timeout(&self, model: &ModelEntry) -> Duration {
        if self.intent.request.stream { model.first_frame_timeout } else { model.answer_timeout }
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
        }
    }

    fn cost(&self, model: &ModelEntry) -> Option<CostRange> {
        let price = model.price.as_ref()?;
        let calibration =
            self.state.calibrations.map(|calibrations| calibrations.of(model.id)).unwrap_or_default();
        let prompt = Usage::estimate(calibration.prompt(&self.prompt), 0);
        let longest = AnswerLimit::of(&self.intent.request).known(model);
        let whole = longest.map(|output| Usage::estimate(prompt.input, output));
        Some(CostRange {
            lowest_nano_dollars: prompt.cost(price)?,
            highest_nano_dollars: whole.and_then(|usage| usage.cost(price)),
        })
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
