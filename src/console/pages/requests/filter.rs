//! The request filters: in the URL, in the form, and as a store query.

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, OrganizationId};

use crate::console::components::time_range::Choice;
use crate::console::http::query::Query;
use crate::console::http::record_filter::{RecordFilter, RecordFilterForm, models};
use crate::dialects::Endpoint;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::outcome::Outcome;
use crate::store::RequestFilter;
use crate::store::snapshot::OrganizationSnapshot;

/// Possible outcomes and their labels.
fn label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "Answered",
        Outcome::Failed => "Failed",
        Outcome::Interrupted => "Interrupted",
        Outcome::ClientClosed => "Caller disconnected",
        Outcome::Running => "In progress",
    }
}

/// The filters, parsed and validated.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    pub(crate) record: RecordFilter,
    requested_model: Option<String>,
    served_model: Option<String>,
    endpoint: Option<Endpoint>,
    outcome: Option<Outcome>,
    key: Option<ApiKeyId>,
}

impl Filters {
    /// Parses the filters. The default is `live` requests of the last seven days.
    pub(crate) fn read(query: &mut Query, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        Self {
            record: RecordFilter::read(query, organization_id, now),
            requested_model: query.text("model"),
            served_model: query.text("served"),
            endpoint: query.one_of("endpoint", "Endpoint", Endpoint::VALUES),
            outcome: query.one_of("outcome", "Outcome", Outcome::VALUES),
            key: query.id("key", "Key"),
        }
    }

    /// Whether a filter other than time and origin is set.
    pub(crate) fn is_narrow(&self) -> bool {
        let texts = [&self.requested_model, &self.served_model, &self.record.session];
        let others = [self.endpoint.is_some(), self.outcome.is_some(), self.key.is_some()];
        texts.iter().any(|text| text.is_some()) || others.contains(&true)
    }

    /// The filters as a store query.
    pub(crate) fn rows(&self) -> RequestFilter {
        RequestFilter {
            requested_model: self.requested_model.clone(),
            served_model: self.served_model.clone(),
            endpoint: self.endpoint.map(Endpoint::path),
            outcome: self.outcome,
            api_key_id: self.key,
            session_id: self.record.session_id,
            since: Some(self.record.span.since),
            until: self.record.span.until,
            origin: Some(self.record.origin),
        }
    }
}

/// The options and values of the filter form.
#[derive(Debug, Clone)]
pub(crate) struct FilterForm {
    /// The fields that both lists have.
    pub record: RecordFilterForm,
    /// Options for the requested model.
    pub models: Vec<Choice>,
    /// Options for the model that answered.
    pub served_models: Vec<Choice>,
    /// Options for the endpoint.
    pub endpoints: Vec<Choice>,
    /// Options for the outcome.
    pub outcomes: Vec<Choice>,
    /// Options for the key.
    pub keys: Vec<Choice>,
    /// The selected requested model.
    pub model: String,
    /// The selected answering model.
    pub served: String,
    /// The selected endpoint, by its path.
    pub endpoint: String,
    /// The selected request outcome.
    pub outcome: String,
    /// The selected API key.
    pub key: String,
    /// Whether one of the less common filters is set.
    pub more: bool,
}

impl FilterForm {
    pub(crate) fn of(filters: &Filters, organization: &OrganizationSnapshot) -> Self {
        let outcomes = Outcome::ALL.iter().map(|outcome| Choice::new(outcome.as_str(), label(*outcome)));
        let endpoints = Endpoint::ALL.map(|endpoint| Choice::new(endpoint.path(), endpoint.path()));
        let record = RecordFilterForm::of(&filters.record);
        Self {
            models: models(organization, filters.requested_model.as_deref()),
            served_models: models(organization, filters.served_model.as_deref()),
            endpoints: [Choice::new("", "Any")].into_iter().chain(endpoints).collect(),
            outcomes: [Choice::new("", "Any")].into_iter().chain(outcomes).collect(),
            keys: keys(organization, filters.key),
            model: filters.requested_model.clone().unwrap_or_default(),
            served: filters.served_model.clone().unwrap_or_default(),
            endpoint: filters.endpoint.map_or("", Endpoint::path).to_owned(),
            outcome: filters.outcome.map_or("", Outcome::as_str).to_owned(),
            key: filters.key.map(|id| id.0.to_string()).unwrap_or_default(),
            more: record.more || filters.served_model.is_some() || filters.endpoint.is_some(),
            record,
        }
    }
}

/// The active keys by name, plus the selected one if it is no longer active.
fn keys(organization: &OrganizationSnapshot, chosen: Option<ApiKeyId>) -> Vec<Choice> {
    let living = organization.keys.values();
    let mut keys: Vec<_> = living.map(|key| (key.name.to_string(), key.id.0)).collect();
    keys.sort();
    let gone = chosen.filter(|chosen| keys.iter().all(|(_, id)| *id != chosen.0));
    keys.extend(gone.map(|gone| (format!("gone: {}", gone.0), gone.0)));
    let choices = keys.into_iter().map(|(name, id)| Choice { value: id.to_string(), label: name });
    [Choice::new("", "Any")].into_iter().chain(choices).collect()
}
