//! The rail: a chain as stations from left to right, for the editor, for what happened, and for what would happen.
//!
//! Data only; `templates/parts/rail.html` draws it.

use crate::console::components::attempt_summary::{Attempt, attempts};
use crate::console::components::format::duration;
use crate::console::components::status_badge::reason;
use crate::gateway::request::drills;
use crate::store::{EventRow, RequestRow};

/// What stands at a failure that a drill made, in the place of its time.
const ON_PURPOSE: &str = "on purpose (drill)";

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rail {
    /// What it shows, for those who do not see it.
    pub label: String,
    /// In order.
    pub stations: Vec<Station>,
}

/// One model of it, or its beginning or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// What became of it.
    pub kind: StationKind,
    /// The model's name, or what stands for it.
    pub name: String,
    /// Where its name leads.
    pub path: Option<String>,
    /// Why, in a few words; empty if there is nothing to say.
    pub reason: String,
    /// What else is known: milliseconds, provider.
    pub facts: Vec<String>,
    /// Whether the page is about this one.
    pub here: bool,
}

/// What became of a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StationKind {
    /// The request itself.
    Asked,
    /// It failed.
    Failed,
    /// It answered.
    Answered,
    /// It began to answer, and broke off.
    Interrupted,
    /// It was not called.
    PassedOver,
    /// It stands behind the others.
    Waiting,
    /// There was nobody left.
    Nobody,
}

impl StationKind {
    /// Its class in the stylesheet.
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

    /// Its word, for those who do not see it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "Request",
            Self::Failed => "Failed",
            Self::Answered => "Answered",
            Self::Interrupted => "Broke off",
            Self::PassedOver => "Passed over",
            Self::Waiting => "Next",
            Self::Nobody => "End",
        }
    }
}

impl Station {
    /// A station with nothing said about it.
    #[must_use]
    pub fn new(kind: StationKind, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { kind, name, path: None, reason: String::new(), facts: Vec::new(), here: false }
    }
}

impl Rail {
    /// What happened to a request.
    #[must_use]
    pub fn of_request(request: &RequestRow) -> Self {
        let attempts = attempts(request);
        let mut stations = vec![asked(&request.requested_model, request.streamed)];
        stations.extend(attempts.iter().map(|attempt| tried(attempt, &request.outcome)));
        if request.served_model.is_none() {
            stations.push(Station {
                reason: format!("caller got {}", request.status_code),
                ..end("Nobody left")
            });
        }
        Self { label: "What happened to the request, in order".to_owned(), stations }
    }

    /// What is known of a failover whose request has not ended, or is not kept any more.
    #[must_use]
    pub fn of_event(event: &EventRow) -> Self {
        let kind = if event.attempts > 0 { StationKind::Failed } else { StationKind::PassedOver };
        let drill = event.matched_rule.as_deref() == Some(drills::RULE);
        let failed = Station {
            reason: reason_and_status(&event.error_class, event.status_code),
            facts: vec![if drill { ON_PURPOSE.to_owned() } else { duration(event.duration_ms) }],
            here: true,
            ..Station::new(kind, &event.failed_model)
        };
        let next = match &event.next_model {
            Some(next) => Station::new(StationKind::Waiting, next),
            None => end("Nobody left"),
        };
        Self { label: "The failover".to_owned(), stations: vec![failed, next] }
    }

    /// Marks the place that a failover has in the request.
    #[must_use]
    pub fn at(mut self, event: &EventRow) -> Self {
        let mut candidates = 0;
        for station in &mut self.stations {
            candidates += i32::from(station.kind != StationKind::Asked);
            station.here = candidates == event.hop && station.name == event.failed_model;
        }
        self
    }
}

fn asked(model: &str, streamed: bool) -> Station {
    let facts = vec![if streamed { "as a stream".to_owned() } else { "in one piece".to_owned() }];
    Station { reason: format!("for {model}"), facts, ..Station::new(StationKind::Asked, "Request") }
}

fn tried(attempt: &Attempt, outcome: &str) -> Station {
    let kind = match &attempt.error_class {
        Some(_) if attempt.passed_over => StationKind::PassedOver,
        Some(_) if attempt.broke_off() => StationKind::Interrupted,
        Some(_) => StationKind::Failed,
        None if outcome == "answered" => StationKind::Answered,
        None if outcome == "running" => StationKind::Waiting,
        None => StationKind::Interrupted,
    };
    let reason = match &attempt.error_class {
        Some(class) => reason_and_status(class, attempt.status.map(i32::from)),
        None if kind == StationKind::Answered => "answered".to_owned(),
        None if outcome == "running" => "is answering".to_owned(),
        None if outcome == "interrupted" => "the gateway stopped".to_owned(),
        None => "the caller left".to_owned(),
    };
    let mut facts = Vec::new();
    if attempt.is_drill() {
        facts.push(ON_PURPOSE.to_owned());
    } else if !attempt.passed_over {
        let calls = if attempt.calls > 1 { format!(", {} calls", attempt.calls) } else { String::new() };
        facts.push(format!("{}{calls}", duration(attempt.duration_ms)));
    }
    facts.extend(Some(attempt.provider.clone()).filter(|provider| !provider.is_empty()));
    Station { reason, facts, ..Station::new(kind, &attempt.model) }
}

fn end(name: &str) -> Station {
    Station::new(StationKind::Nobody, name)
}

fn reason_and_status(class: &str, status: Option<i32>) -> String {
    let reason = reason(class);
    status.map_or_else(|| reason.clone(), |status| format!("{reason} · {status}"))
}
