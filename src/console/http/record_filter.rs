//! The filters that the lists of events and of requests share: the time, the origin and the session.

use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use uuid::Uuid;

use crate::console::components::time_range::{Choice, TimeRange};
use crate::console::http::query::Query;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::origin::Origin;
use crate::domain::session_id::identify;
use crate::store::snapshot::OrganizationSnapshot;

/// The shared filters, parsed and validated.
#[derive(Debug, Clone)]
pub(crate) struct RecordFilter {
    pub(crate) span: TimeRange,
    pub(crate) origin: Origin,
    /// The session as typed.
    pub(crate) session: Option<String>,
    pub(crate) session_id: Option<Uuid>,
}

impl RecordFilter {
    /// Parses the filters. The default is `live` records of the last seven days.
    pub(crate) fn read(query: &mut Query, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        let session = query.parsed("session", "Session", |text| {
            identify(organization_id, text).ok().map(|session| (text.to_owned(), session.id))
        });
        let (session, session_id) = session.unzip();
        Self {
            span: TimeRange::read(query, now, "7d"),
            origin: query.one_of("origin", "Origin", Origin::VALUES).unwrap_or_default(),
            session,
            session_id,
        }
    }
}

/// The options and values of the shared fields.
#[derive(Debug, Clone)]
pub(crate) struct RecordFilterForm {
    /// Options for the origin.
    pub origins: Vec<Choice>,
    /// Options for the time range.
    pub ranges: Vec<Choice>,
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

impl RecordFilterForm {
    pub(crate) fn of(filter: &RecordFilter) -> Self {
        let span = &filter.span;
        let own = span.range.is_empty();
        let form = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M").to_string();
        Self {
            origins: origins(&Origin::ALL),
            ranges: span.choices(),
            origin: filter.origin.as_str().to_owned(),
            range: span.range.clone(),
            session: filter.session.clone().unwrap_or_default(),
            since: if own { form(span.since) } else { String::new() },
            until: span.until.map(form).unwrap_or_default(),
            more: own || filter.session.is_some(),
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
