//! The filters of the requests, as they stand in the address, in the form, and in the question to the store.

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, OrganizationId};
use uuid::Uuid;

use crate::console::components::time_range::{Choice, Span};
use crate::console::http::query::Query;
use crate::console::pages::events::filter::{ORIGINS, models};
use crate::domain::session_id::identify;
use crate::store::RequestFilter;
use crate::store::snapshot::OrganizationSnapshot;

/// How a request can end.
const OUTCOMES: &[(&str, &str)] = &[
    ("answered", "Answered"),
    ("failed", "Failed"),
    ("interrupted", "Broke off"),
    ("client_closed", "Caller left"),
    ("running", "Under way"),
];

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    pub(crate) span: Span,
    requested_model: Option<String>,
    served_model: Option<String>,
    outcome: Option<String>,
    pub(crate) origin: String,
    key: Option<ApiKeyId>,
    session: Option<String>,
    session_id: Option<Uuid>,
}

impl Filters {
    /// Reads them; what is not said is `live` requests of the last seven days.
    pub(crate) fn read(query: &mut Query, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        let outcomes: Vec<&str> = OUTCOMES.iter().map(|(word, _)| *word).collect();
        let session = query.parsed("session", "Session", |text| {
            identify(organization_id, text).ok().map(|session| (text.to_owned(), session.id))
        });
        let (session, session_id) = session.unzip();
        Self {
            span: Span::read(query, now, "7d"),
            requested_model: query.text("model"),
            served_model: query.text("served"),
            outcome: query.word("outcome", "Outcome", &outcomes),
            origin: query.word("origin", "Origin", ORIGINS).unwrap_or_else(|| "live".to_owned()),
            key: query.id("key", "Key"),
            session,
            session_id,
        }
    }

    /// Whether anything but time and origin narrows the choice.
    pub(crate) fn is_narrow(&self) -> bool {
        let texts = [&self.requested_model, &self.served_model, &self.outcome, &self.session];
        texts.iter().any(|text| text.is_some()) || self.key.is_some()
    }

    /// The question to the store.
    pub(crate) fn rows(&self) -> RequestFilter {
        RequestFilter {
            requested_model: self.requested_model.clone(),
            served_model: self.served_model.clone(),
            outcome: self.outcome.clone(),
            api_key_id: self.key,
            session_id: self.session_id,
            since: Some(self.span.since),
            until: self.span.until,
            origin: Some(self.origin.clone()),
        }
    }
}

/// The form's choices.
#[derive(Debug, Clone)]
pub(crate) struct FilterForm {
    /// Models that may have been asked for.
    pub models: Vec<Choice>,
    /// Models that may have answered.
    pub served_models: Vec<Choice>,
    /// How a request can end.
    pub outcomes: Vec<Choice>,
    /// Living keys.
    pub keys: Vec<Choice>,
    /// Where records come from.
    pub origins: Vec<Choice>,
    /// Spans of time.
    pub ranges: Vec<Choice>,
    /// What is in force.
    pub model: String,
    /// What is in force.
    pub served: String,
    /// What is in force.
    pub outcome: String,
    /// What is in force.
    pub key: String,
    /// What is in force.
    pub origin: String,
    /// What is in force.
    pub range: String,
    /// What is in force.
    pub session: String,
    /// What is in force, as a browser's field has it.
    pub since: String,
    /// What is in force, as a browser's field has it.
    pub until: String,
    /// Whether anything of the rarer ones is in force.
    pub more: bool,
}

impl FilterForm {
    pub(crate) fn of(filters: &Filters, organization: &OrganizationSnapshot) -> Self {
        let span = &filters.span;
        let own = span.range.is_empty();
        let form = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M").to_string();
        let outcomes = OUTCOMES.iter().map(|(value, label)| Choice::new(value, label));
        let origins = [("live", "Live"), ("drill", "Drills"), ("demo", "Demo data")];
        Self {
            models: models(organization, filters.requested_model.as_deref()),
            served_models: models(organization, filters.served_model.as_deref()),
            outcomes: [Choice::new("", "Any")].into_iter().chain(outcomes).collect(),
            keys: keys(organization, filters.key),
            origins: origins.map(|(value, label)| Choice::new(value, label)).into(),
            ranges: span.choices(),
            model: filters.requested_model.clone().unwrap_or_default(),
            served: filters.served_model.clone().unwrap_or_default(),
            outcome: filters.outcome.clone().unwrap_or_default(),
            key: filters.key.map(|id| id.0.to_string()).unwrap_or_default(),
            origin: filters.origin.clone(),
            range: span.range.clone(),
            session: filters.session.clone().unwrap_or_default(),
            since: if own { form(span.since) } else { String::new() },
            until: span.until.map(form).unwrap_or_default(),
            more: own || filters.session.is_some() || filters.served_model.is_some(),
        }
    }
}

/// The living keys by name, and the one in force, which may live no more.
fn keys(organization: &OrganizationSnapshot, chosen: Option<ApiKeyId>) -> Vec<Choice> {
    let living = organization.keys.values();
    let mut keys: Vec<_> = living.map(|key| (key.name.to_string(), key.id.0)).collect();
    keys.sort();
    let gone = chosen.filter(|chosen| keys.iter().all(|(_, id)| *id != chosen.0));
    keys.extend(gone.map(|gone| (format!("gone: {}", gone.0), gone.0)));
    let choices = keys.into_iter().map(|(name, id)| Choice { value: id.to_string(), label: name });
    [Choice::new("", "Any")].into_iter().chain(choices).collect()
}
