//! The event filters: in the URL, in the form, and as a store query.

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, RequestId};

use crate::console::components::status_badge::label;
use crate::console::components::time_range::Choice;
use crate::console::http::query::Query;
use crate::console::http::record_filter::{RecordFilter, RecordFilterForm, models};
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, EventRollupFilter};

/// The filters, parsed and validated.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    pub(crate) record: RecordFilter,
    pub(crate) failed_model: Option<String>,
    pub(crate) next_model: Option<String>,
    pub(crate) error_class: Option<ErrorClass>,
    pub(crate) request_id: Option<RequestId>,
}

impl Filters {
    /// Parses the filters. The default is `live` events of the last seven days.
    pub(crate) fn read(query: &mut Query, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        Self {
            record: RecordFilter::read(query, organization_id, now),
            failed_model: query.text("model"),
            next_model: query.text("next"),
            error_class: query.one_of("class", "Reason", ErrorClass::VALUES),
            request_id: query.id("request", "Request"),
        }
    }

    /// Whether a filter other than time and origin is set.
    pub(crate) fn is_narrow(&self) -> bool {
        let texts = [&self.failed_model, &self.next_model, &self.record.session];
        texts.iter().any(|text| text.is_some()) || self.error_class.is_some() || self.request_id.is_some()
    }

    /// The same filters for the roll-ups; `None` if they are too fine for them, or for drills, which are not counted.
    pub(crate) fn counted(&self) -> Option<EventRollupFilter> {
        let fine = self.record.session_id.is_some()
            || self.request_id.is_some()
            || self.record.origin == Origin::Drill;
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
            session_id: self.record.session_id,
            request_id: self.request_id,
            router_config_id: None,
            origin: Some(self.record.origin),
            since: Some(self.record.span.since),
            until: self.record.span.until,
        }
    }
}

/// The options and values of the filter form.
#[derive(Debug, Clone)]
pub(crate) struct FilterForm {
    /// The fields that both lists have.
    pub record: RecordFilterForm,
    /// Options for the failed model.
    pub models: Vec<Choice>,
    /// Options for the next model.
    pub next_models: Vec<Choice>,
    /// Options for the reason.
    pub classes: Vec<Choice>,
    /// The selected failed model.
    pub model: String,
    /// The selected next model.
    pub next: String,
    /// The selected failure reason.
    pub class: String,
    /// Request id as typed.
    pub request: String,
    /// Whether one of the less common filters is set.
    pub more: bool,
}

impl FilterForm {
    pub(crate) fn of(filters: &Filters, organization: &OrganizationSnapshot) -> Self {
        let classes = ErrorClass::ALL.iter().map(|class| Choice::new(class.as_str(), label(*class)));
        let record = RecordFilterForm::of(&filters.record);
        Self {
            models: models(organization, filters.failed_model.as_deref()),
            next_models: models(organization, filters.next_model.as_deref()),
            classes: [Choice::new("", "Any")].into_iter().chain(classes).collect(),
            model: filters.failed_model.clone().unwrap_or_default(),
            next: filters.next_model.clone().unwrap_or_default(),
            class: filters.error_class.map_or("", ErrorClass::as_str).to_owned(),
            request: filters.request_id.map(|id| id.0.to_string()).unwrap_or_default(),
            more: record.more || filters.request_id.is_some(),
            record,
        }
    }
}
