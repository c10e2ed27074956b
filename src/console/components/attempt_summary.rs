//! The attempts of a request, read from its row and summarized in one sentence.

use serde::Deserialize;

use crate::console::components::format::duration;
use crate::console::components::status_badge::{happening, label, opened_by};
use crate::dialects::Dialect;
use crate::domain::attempt_report::DeploymentReason;
use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;
use crate::domain::outcome::Outcome;
use crate::gateway::request::drills;
use crate::store::RequestRow;

/// One call, several consecutive calls of the same model, or a skipped model.
#[derive(Debug, Clone, Deserialize)]
pub struct Attempt {
    /// Model name in the catalog.
    pub model: String,
    /// Provider name in the catalog.
    #[serde(default)]
    pub provider: String,
    /// HTTP status from the provider, if it sent one.
    #[serde(default)]
    pub status: Option<u16>,
    /// Error class; `None` for the attempt that answered.
    #[serde(default)]
    pub error_class: Option<Stored<ErrorClass>>,
    /// Name of the classification rule that matched.
    #[serde(default)]
    pub matched_rule: Option<String>,
    /// Duration of the attempt, in milliseconds.
    #[serde(default)]
    pub duration_ms: i64,
    /// Whether the model was skipped without a call.
    #[serde(default)]
    pub passed_over: bool,
    /// Changes made to the request for this model.
    #[serde(default)]
    pub adapted: Vec<String>,
    /// The dialect that the request was translated into, if it was.
    #[serde(default)]
    pub translated_to: Option<String>,
    /// Name of the credential that it was sent with, if its provider has several.
    #[serde(default)]
    pub credential: Option<String>,
    /// Why it was sent with that credential.
    #[serde(default)]
    pub chosen: Option<Stored<DeploymentReason>>,
    /// Number of calls that this entry represents.
    #[serde(skip)]
    pub calls: usize,
}

impl Attempt {
    fn class(&self) -> Option<ErrorClass> {
        self.error_class.as_ref()?.known()
    }

    /// Whether the attempt failed after content had been sent to the caller.
    #[must_use]
    pub fn broke_off(&self) -> bool {
        self.class() == Some(ErrorClass::StreamInterrupted)
    }

    /// Whether a drill made it fail without a call.
    #[must_use]
    pub fn is_drill(&self) -> bool {
        self.matched_rule.as_deref() == Some(drills::RULE)
    }

    /// `gpt-4o answered 429 after 412 ms`.
    fn describe(&self, request: &RequestRow) -> String {
        let (model, took) = (&self.model, duration(self.duration_ms));
        if let Some(class) = self.class().filter(|_| self.is_drill()) {
            return on_purpose(model, class);
        }
        let times = if self.calls > 1 { format!(" ({} calls)", self.calls) } else { String::new() };
        match (self.class(), self.status) {
            (None, _) if self.error_class.is_none() && request.outcome == Outcome::ClientClosed => {
                format!("the caller disconnected while {model} was answering")
            }
            (None, _) if self.error_class.is_none() && request.outcome == Outcome::Running => {
                format!("{model} is answering")
            }
            (None, _) if self.error_class.is_none() && request.outcome == Outcome::Interrupted => {
                format!("the gateway stopped while {model} was answering")
            }
            (None, _) if self.error_class.is_none() => format!("{model} answered in {took}{times}"),
            (Some(ErrorClass::Timeout), _) => format!("{model} gave no answer within {took}{times}"),
            (Some(class), Some(status)) if !self.passed_over => {
                format!("{model} answered {status} after {took}{times}: it {}", happening(class))
            }
            (Some(class), _) if self.passed_over => match opened_by(self.matched_rule.as_deref()) {
                Some(cause) => format!("{model} was cooling down, because it {}", happening(cause)),
                None => format!("{model} {}", happening(class)),
            },
            (Some(class), _) => format!("{model} {} after {took}{times}", happening(class)),
            (None, _) => format!("{model} failed after {took}{times}"),
        }
    }
}

/// `gpt-4o failed on purpose (a drill: timed out)`.
#[must_use]
pub fn on_purpose(model: &str, class: ErrorClass) -> String {
    format!("{model} failed on purpose (a drill: {})", label(class).to_lowercase())
}

/// The attempts of a request, in order. Consecutive calls of one model are merged.
#[must_use]
pub fn attempts(request: &RequestRow) -> Vec<Attempt> {
    let read = read(request);
    let mut merged: Vec<Attempt> = Vec::with_capacity(read.len());
    for attempt in read {
        let attempt = Attempt { calls: usize::from(!attempt.passed_over), ..attempt };
        match merged.last_mut() {
            Some(last) if last.model == attempt.model && !last.passed_over && !attempt.passed_over => {
                let (calls, took) = (last.calls + 1, last.duration_ms + attempt.duration_ms);
                *last = Attempt { calls, duration_ms: took, ..attempt };
            }
            _ => merged.push(attempt),
        }
    }
    merged
}

/// Every attempt, as it is stored.
fn read(request: &RequestRow) -> Vec<Attempt> {
    serde_json::from_value(request.attempts.clone().into_value()).unwrap_or_default()
}

/// The calls with one of several credentials, in order: the name of the model, and which credential was used, why, and how
/// that ended.
#[must_use]
pub fn credentials(request: &RequestRow) -> Vec<(String, String)> {
    let call = |attempt: Attempt| {
        let credential = attempt.credential.as_ref()?;
        let why = attempt.chosen.as_ref().map(why).unwrap_or_default();
        let end = match (&attempt.error_class, attempt.status) {
            (None, _) => "answered".to_owned(),
            (Some(class), Some(status)) => format!("{} ({status})", class.as_str()),
            (Some(class), None) => class.as_str().to_owned(),
        };
        Some((attempt.model, format!("{credential}{why}: {end}")))
    };
    read(request).into_iter().filter_map(call).collect()
}

/// `, as another one failed`.
fn why(reason: &Stored<DeploymentReason>) -> String {
    let Some(reason) = reason.known() else { return format!(", {reason}") };
    let why = match reason {
        DeploymentReason::Weight => "by weight",
        DeploymentReason::Session => "as for the rest of the session",
        DeploymentReason::SessionMoved => "in place of that of the session",
        DeploymentReason::Spill => "as the earlier tiers are away",
        DeploymentReason::Failover => "as another one failed",
        DeploymentReason::Probe => "to find out whether it works again",
        DeploymentReason::Retry => "as no other one is left",
    };
    format!(", {why}")
}

/// The names of the called models that got another request than the caller's, and what was changed for them.
#[must_use]
pub fn adaptations(attempts: &[Attempt]) -> Vec<(String, String)> {
    attempts.iter().filter_map(adaptation).collect()
}

fn adaptation(attempt: &Attempt) -> Option<(String, String)> {
    let title = |name: &str| {
        let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.name() == name);
        dialect.map_or_else(|| name.to_owned(), |dialect| dialect.title().to_owned())
    };
    let translated = attempt.translated_to.as_deref().map(|name| format!("translated to {}", title(name)));
    let changes: Vec<String> = translated.into_iter().chain(attempt.adapted.iter().cloned()).collect();
    (!changes.is_empty()).then(|| (attempt.model.clone(), changes.join(", ")))
}

/// What happened to a request, as one sentence.
#[must_use]
pub fn sentence(request: &RequestRow, attempts: &[Attempt]) -> String {
    let mut parts: Vec<String> = attempts.iter().map(|attempt| attempt.describe(request)).collect();
    if request.served_model.is_none() {
        parts.push(if request.outcome == Outcome::ClientClosed {
            "the caller disconnected".to_owned()
        } else {
            format!("no model was left, and the caller got {}", request.status_code)
        });
    }
    let mut text = parts.join("; ");
    text.push('.');
    text
}
