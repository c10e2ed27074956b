//! Diagram of a chain from left to right: a configured chain, a recorded request, or a dry run.
//!
//! Data only; `templates/components/chain_diagram.html` renders it.

use crate::console::components::attempt_summary::{Attempt, attempts};
use crate::console::components::format::duration;
use crate::console::components::status_badge::StatusBadge;
use crate::domain::closed_set::Stored;
use crate::domain::outcome::Outcome;
use crate::gateway::request::drills;
use crate::store::{FallbackEventRow, RequestRow};

/// Shown instead of a duration when a drill caused the failure.
const ON_PURPOSE: &str = "on purpose (drill)";

/// A chain as the diagram shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainDiagram {
    /// Accessible name of the diagram.
    pub label: String,
    /// The steps, from left to right.
    pub steps: Vec<ChainStep>,
}

/// One step: a model, the request at the start, or the end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainStep {
    /// State of the step.
    pub kind: ChainStepKind,
    /// Model name, or a label for the start or end.
    pub name: String,
    /// Link target of the name.
    pub path: Option<String>,
    /// Short reason; empty if there is none.
    pub reason: String,
    /// Further facts: duration, provider.
    pub facts: Vec<String>,
    /// Whether the page is about this step.
    pub here: bool,
}

/// State of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainStepKind {
    /// The incoming request itself.
    Asked,
    /// The model was called and failed.
    Failed,
    /// The model was called and answered.
    Answered,
    /// The model started to answer and was interrupted.
    Interrupted,
    /// The model was skipped without a call.
    PassedOver,
    /// The model comes later in the chain.
    Waiting,
    /// No model was left.
    Nobody,
}

impl ChainStepKind {
    /// CSS class of the state.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Failed => "failed",
            Self::Answered => "answered",
            Self::Interrupted => "interrupted",
            Self::PassedOver => "passed",
            Self::Waiting => "waiting",
            Self::Nobody => "nobody",
        }
    }

    /// State as a word, for screen readers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "Request",
            Self::Failed => "Failed",
            Self::Answered => "Answered",
            Self::Interrupted => "Interrupted",
            Self::PassedOver => "Skipped",
            Self::Waiting => "Next",
            Self::Nobody => "End",
        }
    }
}

impl ChainStep {
    /// A step without reason or facts.
    #[must_use]
    pub fn new(kind: ChainStepKind, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { kind, name, path: None, reason: String::new(), facts: Vec::new(), here: false }
    }
}

impl ChainDiagram {
    /// The diagram of a recorded request.
    #[must_use]
    pub fn of_request(request: &RequestRow) -> Self {
        let attempts = attempts(request);
        let mut steps = vec![asked(&request.requested_model, request.streamed)];
        steps.extend(attempts.iter().map(|attempt| tried(attempt, &request.outcome)));
        if request.served_model.is_none() {
            steps.push(ChainStep {
                reason: format!("caller got {}", request.status_code),
                ..end("No model left")
            });
        }
        Self { label: "What happened to the request, in order".to_owned(), steps }
    }

    /// The diagram of a failover if its request is still running or no longer stored.
    #[must_use]
    pub fn of_event(event: &FallbackEventRow) -> Self {
        let kind = if event.attempts > 0 { ChainStepKind::Failed } else { ChainStepKind::PassedOver };
        let drill = event.matched_rule.as_deref() == Some(drills::RULE);
        let failed = ChainStep {
            reason: reason_and_status(
                event.error_class.as_str(),
                event.matched_rule.as_deref(),
                event.status_code,
            ),
            facts: vec![if drill { ON_PURPOSE.to_owned() } else { duration(event.duration_ms) }],
            here: true,
            ..ChainStep::new(kind, &event.failed_model)
        };
        let next = match &event.next_model {
            Some(next) => ChainStep::new(ChainStepKind::Waiting, next),
            None => end("No model left"),
        };
        Self { label: "The failover".to_owned(), steps: vec![failed, next] }
    }

    /// Highlights the step of this event.
    #[must_use]
    pub fn at(mut self, event: &FallbackEventRow) -> Self {
        let mut candidates = 0;
        for step in &mut self.steps {
            candidates += i32::from(step.kind != ChainStepKind::Asked);
            step.here = candidates == event.hop && step.name == event.failed_model;
        }
        self
    }
}

fn asked(model: &str, streamed: bool) -> ChainStep {
    let facts = vec![if streamed { "streamed".to_owned() } else { "not streamed".to_owned() }];
    ChainStep { reason: format!("for {model}"), facts, ..ChainStep::new(ChainStepKind::Asked, "Request") }
}

fn tried(attempt: &Attempt, outcome: &Stored<Outcome>) -> ChainStep {
    let kind = match &attempt.error_class {
        Some(_) if attempt.passed_over => ChainStepKind::PassedOver,
        Some(_) if attempt.broke_off() => ChainStepKind::Interrupted,
        Some(_) => ChainStepKind::Failed,
        None if *outcome == Outcome::Answered => ChainStepKind::Answered,
        None if *outcome == Outcome::Running => ChainStepKind::Waiting,
        None => ChainStepKind::Interrupted,
    };
    let reason = match &attempt.error_class {
        Some(class) => {
            reason_and_status(class.as_str(), attempt.matched_rule.as_deref(), attempt.status.map(i32::from))
        }
        None if kind == ChainStepKind::Answered => "answered".to_owned(),
        None if *outcome == Outcome::Running => "is answering".to_owned(),
        None if *outcome == Outcome::Interrupted => "the gateway stopped".to_owned(),
        None => "the caller disconnected".to_owned(),
    };
    let mut facts = Vec::new();
    if attempt.is_drill() {
        facts.push(ON_PURPOSE.to_owned());
    } else if !attempt.passed_over {
        let calls = if attempt.calls > 1 { format!(", {} calls", attempt.calls) } else { String::new() };
        facts.push(format!("{}{calls}", duration(attempt.duration_ms)));
    }
    facts.extend(Some(attempt.provider.clone()).filter(|provider| !provider.is_empty()));
    facts.extend(attempt.credential.as_ref().map(|name| format!("credential {name}")));
    ChainStep { reason, facts, ..ChainStep::new(kind, &attempt.model) }
}

fn end(name: &str) -> ChainStep {
    ChainStep::new(ChainStepKind::Nobody, name)
}

fn reason_and_status(class: &str, rule: Option<&str>, status: Option<i32>) -> String {
    let reason = StatusBadge::of_failure(class, rule).word;
    status.map_or_else(|| reason.clone(), |status| format!("{reason} · {status}"))
}
