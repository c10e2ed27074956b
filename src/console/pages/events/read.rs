//! `GET /events/{id}`: why it happened, and how it went on.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::FallbackEventId;

use super::line::EventLine;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::attempt_summary::{attempts, on_purpose, sentence};
use crate::console::components::chain_diagram::Rail;
use crate::console::components::format::duration;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::timestamp::Moment;
use crate::console::components::timing_bar::Strip;
use crate::console::http::path::id;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result};
use crate::gateway::request::drills;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventRow, RequestRow, Store};

#[derive(Template)]
#[template(path = "events/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) line: EventLine,
    /// What happened, in one sentence.
    pub(crate) story: String,
    pub(crate) rail: Rail,
    pub(crate) strip: Option<Strip>,
    /// Whose words the message is.
    pub(crate) said_by: String,
    /// Where the list that led on is changed.
    pub(crate) adjust: Option<String>,
    pub(crate) request_id: String,
    /// Whether the request's own row is there.
    pub(crate) has_request: bool,
    pub(crate) matched_rule: Option<String>,
    pub(crate) calls: i32,
    /// Whether it failed on purpose, and nobody was called.
    pub(crate) drill: bool,
    pub(crate) hop: i32,
    /// The fallback list in force at that time.
    pub(crate) configuration: Option<Configuration>,
    /// The session in its caller's words, or its id.
    pub(crate) session: Option<String>,
    pub(crate) streamed: bool,
    pub(crate) recorded: Moment,
}

/// A fallback list in force.
pub(crate) struct Configuration {
    /// The revision at that time.
    pub(crate) revision: i64,
    /// Its id.
    pub(crate) id: String,
    /// The revision of now, if it is another one.
    pub(crate) newer: Option<i64>,
}

/// The page.
///
/// # Errors
/// The organization has no event of that id.
pub async fn read(
    visitor: Visitor<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id: FallbackEventId = id("fallback event", &path)?;
    let data = store.organization(&visitor.tenant);
    let event = data.event_find(id).await?.ok_or_else(|| Error::absent("fallback event", id))?;
    let request = data.request_find(event.request_id).await?;
    let frame = Frame::of(&visitor, "Fallback event", Lit::Events);
    page(&Page::of(frame, &event, request.as_ref(), &visitor.organization))
}

impl Page {
    pub(crate) fn of(
        frame: Frame,
        event: &EventRow,
        request: Option<&RequestRow>,
        organization: &OrganizationSnapshot,
    ) -> Self {
        let rail =
            request.map_or_else(|| Rail::of_event(event), |request| Rail::of_request(request).at(event));
        Self {
            frame,
            line: EventLine::from(event),
            story: request.map_or_else(|| unfinished(event), |request| sentence(request, &attempts(request))),
            rail,
            strip: request.and_then(Strip::of_request),
            said_by: said_by(event).to_owned(),
            adjust: adjust(event, request, organization),
            request_id: event.request_id.0.to_string(),
            has_request: request.is_some(),
            matched_rule: event.matched_rule.clone(),
            calls: event.attempts,
            drill: is_drill(event),
            hop: event.hop,
            configuration: configuration(event, organization),
            session: event.session_ref.clone().or_else(|| event.session_id.map(|id| id.to_string())),
            streamed: event.invocation_type.ends_with("_stream"),
            recorded: Moment::from(event.recorded_at),
        }
    }
}

fn is_drill(event: &EventRow) -> bool {
    event.matched_rule.as_deref() == Some(drills::RULE)
}

fn said_by(event: &EventRow) -> &'static str {
    match event.attempts {
        _ if is_drill(event) => "Why it failed",
        0 => "Why it was passed over",
        _ => "What its provider said",
    }
}

/// The sentence of an event whose request has not ended yet, or is not kept any more.
fn unfinished(event: &EventRow) -> String {
    let on_purpose_class = event.error_class.parse().ok().filter(|_| is_drill(event));
    let status = event.status_code.map_or_else(|| "failed".to_owned(), |status| format!("answered {status}"));
    let failed = match (on_purpose_class, event.attempts) {
        (Some(class), _) => on_purpose(&event.failed_model, class),
        (None, 0) => format!("{} was passed over", event.failed_model),
        (None, _) => format!("{} {status} after {}", event.failed_model, duration(event.duration_ms)),
    };
    match &event.next_model {
        Some(next) => format!("{failed}; {next} was asked next."),
        None => format!("{failed}; nobody was left."),
    }
}

/// The page of the model whose list it was: the one that gave the next candidate, or else of the model asked for.
fn adjust(
    event: &EventRow,
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

fn configuration(event: &EventRow, organization: &OrganizationSnapshot) -> Option<Configuration> {
    let (id, revision) = event.router_config_id.zip(event.router_config_revision)?;
    let lists = organization.chains.values();
    let mut chains =
        lists.flat_map(|lists| [&lists.general, &lists.context_window, &lists.content_policy]).flatten();
    let now = chains.find(|chain| chain.config_id == id).map(|chain| chain.revision);
    Some(Configuration { revision, id: id.to_string(), newer: now.filter(|now| *now != revision) })
}
