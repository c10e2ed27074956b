//! `GET /events/{id}`: one fallback event and its request.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;
use entity::ids::FallbackEventId;

use super::line::EventLine;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::attempt_summary::{attempts, on_purpose, sentence};
use crate::console::components::diagrams::chain_diagram::ChainDiagram;
use crate::console::components::diagrams::timing_bar::TimingBar;
use crate::console::components::format::duration;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::status_badge::opened_by;
use crate::console::components::timestamp::Timestamp;
use crate::console::http::path::id;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result};
use crate::domain::invocation_type::InvocationType;
use crate::gateway::request::drills;
use crate::store::pagination::PageRequest;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, FallbackEventRow, OrgStore, RequestRow, Store};

/// The time before a skip in which the failure that opened its cooldown is searched for.
const LONGEST_COOLDOWN: TimeDelta = TimeDelta::hours(24);

#[derive(Template)]
#[template(path = "events/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) line: EventLine,
    /// What happened, in one sentence.
    pub(crate) story: String,
    pub(crate) diagram: ChainDiagram,
    pub(crate) timing_bar: Option<TimingBar>,
    /// Source of the message.
    pub(crate) title: String,
    /// Path of the fallback list that was used, for people who may change it.
    pub(crate) adjust: Option<String>,
    pub(crate) request_id: String,
    /// Whether the request's row is stored.
    pub(crate) has_request: bool,
    pub(crate) matched_rule: Option<String>,
    /// The last failure before a skip for a cooldown, of the class that opened it.
    pub(crate) cause: Option<EventLine>,
    pub(crate) calls: i32,
    /// Whether a drill caused the failure without a call.
    pub(crate) drill: bool,
    pub(crate) hop: i32,
    /// The fallback list in effect at the time.
    pub(crate) configuration: Option<Configuration>,
    /// The caller's session name, or its id.
    pub(crate) session: Option<String>,
    pub(crate) streamed: bool,
    pub(crate) recorded: Timestamp,
}

/// A revision of a fallback list.
pub(crate) struct Configuration {
    /// The revision at the time.
    pub(crate) revision: i64,
    /// Id of the list.
    pub(crate) id: String,
    /// The current revision, if it differs.
    pub(crate) newer: Option<i64>,
}

/// Renders the page.
///
/// # Errors
/// The organization has no event with this id.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id: FallbackEventId = id("fallback event", &path)?;
    let data = store.organization(&console_user.tenant);
    let event = data.event_find(id).await?.ok_or_else(|| Error::absent("fallback event", id))?;
    let request = data.request_find(event.request_id).await?;
    let frame = Frame::of(&console_user, "Fallback event", NavigationItem::Events);
    let cause = cause(&data, &event).await?;
    page(&Page { cause, ..Page::of(frame, &event, request.as_ref(), &console_user.organization) })
}

/// The failure that led to a skip for a cooldown.
async fn cause(data: &OrgStore, event: &FallbackEventRow) -> Result<Option<EventLine>> {
    let opened_by = opened_by(event.matched_rule.as_deref());
    let Some((class, origin)) = opened_by.zip(event.origin.known()) else { return Ok(None) };
    let filter = EventFilter {
        failed_model: Some(event.failed_model.clone()),
        error_class: Some(class),
        origin: Some(origin),
        since: Some(event.created_at - LONGEST_COOLDOWN),
        until: Some(event.created_at),
        ..EventFilter::default()
    };
    let found = data.event_list(&filter, &PageRequest { limit: 1, cursor: None }).await?;
    Ok(found.items.first().map(EventLine::from))
}

impl Page {
    pub(crate) fn of(
        frame: Frame,
        event: &FallbackEventRow,
        request: Option<&RequestRow>,
        organization: &OrganizationSnapshot,
    ) -> Self {
        let diagram = request.map_or_else(
            || ChainDiagram::of_event(event),
            |request| ChainDiagram::of_request(request).at(event),
        );
        Self {
            frame,
            line: EventLine::from(event),
            story: request.map_or_else(|| unfinished(event), |request| sentence(request, &attempts(request))),
            diagram,
            timing_bar: request.and_then(TimingBar::of_request),
            title: title(event).to_owned(),
            adjust: adjust(event, request, organization),
            request_id: event.request_id.0.to_string(),
            has_request: request.is_some(),
            matched_rule: event.matched_rule.clone(),
            cause: None,
            calls: event.attempts,
            drill: is_drill(event),
            hop: event.hop,
            configuration: configuration(event, organization),
            session: event.session_ref.clone().or_else(|| event.session_id.map(|id| id.to_string())),
            streamed: event.invocation_type.known().is_some_and(InvocationType::is_stream),
            recorded: Timestamp::from(event.recorded_at),
        }
    }
}

fn is_drill(event: &FallbackEventRow) -> bool {
    event.matched_rule.as_deref() == Some(drills::RULE)
}

fn title(event: &FallbackEventRow) -> &'static str {
    match event.attempts {
        _ if is_drill(event) => "Why it failed",
        0 => "Why it was skipped",
        _ => "What the provider said",
    }
}

/// The sentence for an event if its request is still running or no longer stored.
fn unfinished(event: &FallbackEventRow) -> String {
    let on_purpose_class = event.error_class.known().filter(|_| is_drill(event));
    let status = event.status_code.map_or_else(|| "failed".to_owned(), |status| format!("answered {status}"));
    let failed = match (on_purpose_class, event.attempts) {
        (Some(class), _) => on_purpose(&event.failed_model, class),
        (None, 0) => format!("{} was skipped", event.failed_model),
        (None, _) => format!("{} {status} after {}", event.failed_model, duration(event.duration_ms)),
    };
    match &event.next_model {
        Some(next) => format!("{failed}; {next} was called next."),
        None => format!("{failed}; no model was left."),
    }
}

/// The page of the model that the used list belongs to: the list that supplied the next candidate, or the requested
/// model's.
fn adjust(
    event: &FallbackEventRow,
    request: Option<&RequestRow>,
    organization: &OrganizationSnapshot,
) -> Option<String> {
    let owner = organization.chains.iter().find(|(_, lists)| {
        let mut lists = [&lists.general, &lists.context_window, &lists.content_policy].into_iter().flatten();
        lists.any(|chain| Some(chain.config_id) == event.router_config_id)
    });
    let asked = request.map_or(&event.failed_model, |request| &request.requested_model);
    let id = owner.map(|(id, _)| *id).or_else(|| organization.models.get(asked).map(|model| model.id))?;
    Some(format!("/fallbacks/{}", id.0))
}

fn configuration(event: &FallbackEventRow, organization: &OrganizationSnapshot) -> Option<Configuration> {
    let (id, revision) = event.router_config_id.zip(event.router_config_revision)?;
    let lists = organization.chains.values();
    let mut chains =
        lists.flat_map(|lists| [&lists.general, &lists.context_window, &lists.content_policy]).flatten();
    let now = chains.find(|chain| chain.config_id == id).map(|chain| chain.revision);
    Some(Configuration { revision, id: id.to_string(), newer: now.filter(|now| *now != revision) })
}
