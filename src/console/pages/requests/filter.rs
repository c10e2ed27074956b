//! The request filters: in the URL, in the form, and as a store query.

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, OrganizationId};
use uuid::Uuid;

use crate::console::components::time_range::{Choice, TimeRange};
use crate::console::http::query::Query;
use crate::console::pages::events::filter::{models, origins};
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::domain::session_id::identify;
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
    pub(crate) span: TimeRange,
    requested_model: Option<String>,
    served_model: Option<String>,
    outcome: Option<Outcome>,
    pub(crate) origin: Origin,
    key: Option<ApiKeyId>,
    session: Option<String>,
    session_id: Option<Uuid>,
}

impl Filters {
    /// Parses the filters. The default is `live` requests of the last seven days.
    pub(crate) fn read(query: &mut Query, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        let session = query.parsed("session", "Session", |text| {
            identify(organization_id, text).ok().map(|session| (text.to_owned(), session.id))
        });
        let (session, session_id) = session.unzip();
        Self {
            span: TimeRange::read(query, now, "7d"),
            requested_model: query.text("model"),
            served_model: query.text("served"),
            outcome: query.one_of("outcome", "Outcome", Outcome::VALUES),
            origin: query.one_of("origin", "Origin", Origin::VALUES).unwrap_or_default(),
            key: query.id("key", "Key"),
            session,
            session_id,
        }
    }

    /// Whether a filter other than time and origin is set.
    pub(crate) fn is_narrow(&self) -> bool {
        let texts = [&self.requested_model, &self.served_model, &self.session];
        texts.iter().any(|text| text.is_some()) || self.outcome.is_some() || self.key.is_some()
    }

    /// The filters as a store query.
    pub(crate) fn rows(&self) -> RequestFilter {
        RequestFilter {
            requested_model: self.requested_model.clone(),
            served_model: self.served_model.clone(),
            outcome: self.outcome,
            api_key_id: self.key,
            session_id: self.session_id,
            since: Some(self.span.since),
            until: self.span.until,
            origin: Some(self.origin),
        }
    }
}

/// The options and values of the filter form.
#[derive(Debug, Clone)]
pub(crate) struct FilterForm {
    /// Options for the requested model.
    pub models: Vec<Choice>,
    /// Options for the model that answered.
    pub served_models: Vec<Choice>,
    /// Options for the outcome.
    pub outcomes: Vec<Choice>,
    /// Options for the key.
    pub keys: Vec<Choice>,
    /// Options for the origin.
    pub origins: Vec<Choice>,
    /// Options for the time range.
    pub ranges: Vec<Choice>,
    /// The selected requested model.
    pub model: String,
    /// The selected answering model.
    pub served: String,
    /// The selected request outcome.
    pub outcome: String,
    /// The selected API key.
    pub key: String,
    /// The selected record origin.
    pub origin: String,
    /// The selected time range.
    pub range: String,
    /// The session as typed.
    pub session: String,
    /// Start, as the value of a `datetime-local` input.
    pub since: String,
    /// End, as the value of a `datetime-local` input.
    pub until: String,
    /// Whether one of the less common filters is set.
    pub more: bool,
}

impl FilterForm {
    pub(crate) fn of(filters: &Filters, organization: &OrganizationSnapshot) -> Self {
        let span = &filters.span;
        let own = span.range.is_empty();
        let form = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M").to_string();
        let outcomes = Outcome::ALL.iter().map(|outcome| Choice::new(outcome.as_str(), label(*outcome)));
        Self {
            models: models(organization, filters.requested_model.as_deref()),
            served_models: models(organization, filters.served_model.as_deref()),
            outcomes: [Choice::new("", "Any")].into_iter().chain(outcomes).collect(),
            keys: keys(organization, filters.key),
            origins: origins(&Origin::ALL),
            ranges: span.choices(),
            model: filters.requested_model.clone().unwrap_or_default(),
            served: filters.served_model.clone().unwrap_or_default(),
            outcome: filters.outcome.map_or("", Outcome::as_str).to_owned(),
            key: filters.key.map(|id| id.0.to_string()).unwrap_or_default(),
            origin: filters.origin.as_str().to_owned(),
            range: span.range.clone(),
            session: filters.session.clone().unwrap_or_default(),
            since: if own { form(span.since) } else { String::new() },
            until: span.until.map(form).unwrap_or_default(),
            more: own || filters.session.is_some() || filters.served_model.is_some(),
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
