//! The event filters: in the URL, in the form, and as a store query.

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, RequestId};
use uuid::Uuid;

use crate::console::components::status_badge::label;
use crate::console::components::time_range::{Choice, TimeRange};
use crate::console::http::query::Query;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error_class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::session_id::identify;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, EventRollupFilter};

/// The filters, parsed and validated.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    pub(crate) span: TimeRange,
    pub(crate) failed_model: Option<String>,
    pub(crate) next_model: Option<String>,
    pub(crate) error_class: Option<ErrorClass>,
    pub(crate) origin: Origin,
    /// The session as typed.
    pub(crate) session: Option<String>,
    session_id: Option<Uuid>,
    pub(crate) request_id: Option<RequestId>,
}

impl Filters {
    /// Parses the filters. The default is `live` events of the last seven days.
    pub(crate) fn read(query: &mut Query, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        let session = query.parsed("session", "Session", |text| {
            identify(organization_id, text).ok().map(|session| (text.to_owned(), session.id))
        });
        let (session, session_id) = session.unzip();
        Self {
            span: TimeRange::read(query, now, "7d"),
            failed_model: query.text("model"),
            next_model: query.text("next"),
            error_class: query.one_of("class", "Reason", ErrorClass::VALUES),
            origin: query.one_of("origin", "Origin", Origin::VALUES).unwrap_or_default(),
            session,
            session_id,
            request_id: query.id("request", "Request"),
        }
    }

    /// Whether a filter other than time and origin is set.
    pub(crate) fn is_narrow(&self) -> bool {
        let texts = [&self.failed_model, &self.next_model, &self.session];
        texts.iter().any(|text| text.is_some()) || self.error_class.is_some() || self.request_id.is_some()
    }

    /// The same filters for the roll-ups; `None` if they are too fine for them, or for drills, which are not counted.
    pub(crate) fn counted(&self) -> Option<EventRollupFilter> {
        let fine = self.session_id.is_some() || self.request_id.is_some() || self.origin == Origin::Drill;
        (!fine).then(|| EventRollupFilter {
            failed_model: self.failed_model.clone(),
            next_model: self.next_model.clone(),
            error_class: self.error_class,
        })
    }

    /// The filters as a store query.
    pub(crate) fn rows(&self) -> EventFilter {
        EventFilter {
            failed_model: self.failed_model.clone(),
            next_model: self.next_model.clone(),
            error_class: self.error_class,
            session_id: self.session_id,
            request_id: self.request_id,
            router_config_id: None,
            origin: Some(self.origin),
            since: Some(self.span.since),
            until: self.span.until,
        }
    }
}

/// The options and values of the filter form.
#[derive(Debug, Clone)]
pub(crate) struct FilterForm {
    /// Options for the failed model.
    pub models: Vec<Choice>,
    /// Options for the next model.
    pub next_models: Vec<Choice>,
    /// Options for the reason.
    pub classes: Vec<Choice>,
    /// Options for the origin.
    pub origins: Vec<Choice>,
    /// Options for the time range.
    pub ranges: Vec<Choice>,
    /// The selected failed model.
    pub model: String,
    /// The selected next model.
    pub next: String,
    /// The selected failure reason.
    pub class: String,
    /// The selected record origin.
    pub origin: String,
    /// The selected time range.
    pub range: String,
    /// The session as typed.
    pub session: String,
    /// Request id as typed.
    pub request: String,
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
        let classes = ErrorClass::ALL.iter().map(|class| Choice::new(class.as_str(), label(*class)));
        Self {
            models: models(organization, filters.failed_model.as_deref()),
            next_models: models(organization, filters.next_model.as_deref()),
            classes: [Choice::new("", "Any")].into_iter().chain(classes).collect(),
            origins: origins(&Origin::ALL),
            ranges: span.choices(),
            model: filters.failed_model.clone().unwrap_or_default(),
            next: filters.next_model.clone().unwrap_or_default(),
            class: filters.error_class.map_or("", ErrorClass::as_str).to_owned(),
            origin: filters.origin.as_str().to_owned(),
            range: span.range.clone(),
            session: filters.session.clone().unwrap_or_default(),
            request: filters.request_id.map(|id| id.0.to_string()).unwrap_or_default(),
            since: if own { form(span.since) } else { String::new() },
            until: span.until.map(form).unwrap_or_default(),
            more: own || filters.session.is_some() || filters.request_id.is_some(),
        }
    }
}

/// The choices of a field for origins.
pub(crate) fn origins(values: &[Origin]) -> Vec<Choice> {
    let label = |origin: &Origin| match origin {
        Origin::Live => "Live",
        Origin::Drill => "Drills",
        Origin::Demo => "Demo data",
    };
    values.iter().map(|origin| Choice::new(origin.as_str(), label(origin))).collect()
}

/// The catalog's models by name, plus the selected one if it no longer exists.
pub(crate) fn models(organization: &OrganizationSnapshot, chosen: Option<&str>) -> Vec<Choice> {
    let mut names: Vec<&str> = organization.models.keys().map(String::as_str).chain(chosen).collect();
    names.sort_unstable();
    names.dedup();
    [Choice::new("", "Any")]
        .into_iter()
        .chain(names.into_iter().map(|name| Choice::new(name, name)))
        .collect()
}
