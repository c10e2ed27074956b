//! `GET /requests/{id}`: one request with all its attempts.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::RequestId;

use super::line::RequestLine;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::attempt_summary::{Attempt, adaptations, attempts, credentials, sentence};
use crate::console::components::diagrams::chain_diagram::ChainDiagram;
use crate::console::components::diagrams::timing_bar::TimingBar;
use crate::console::components::format::{count, duration, money};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::status_badge::StatusBadge;
use crate::console::http::path::id;
use crate::console::http::responses::page;
use crate::console::pages::events::line::EventLine;
use crate::domain::error::{Error, Result};
use crate::domain::outcome::Outcome;
use crate::store::pagination::PageRequest;
use crate::store::{EventFilter, FallbackEventRow, RequestRow, Store};

/// Maximum number of events shown.
const MOST_EVENTS: u64 = 64;

#[derive(Template)]
#[template(path = "requests/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) line: RequestLine,
    /// What happened, in one sentence.
    pub(crate) story: String,
    pub(crate) diagram: ChainDiagram,
    pub(crate) timing_bar: Option<TimingBar>,
    pub(crate) events: Vec<EventLine>,
    /// Names and values, in display order.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The caller's session name, or its id.
    pub(crate) session: Option<String>,
    /// Names and values, in display order.
    pub(crate) usage: Vec<(&'static str, String)>,
    /// Attempts and their costs, except attempts without any.
    pub(crate) costs: Vec<(String, String)>,
    /// Calls with one of several credentials: the model, and which one, why and how that ended.
    pub(crate) credentials: Vec<(String, String)>,
    /// Changes made to the request per model.
    pub(crate) adapted: Vec<(String, String)>,
    /// Why the request failed, if it did.
    pub(crate) reason: Option<StatusBadge>,
}

/// Renders the page.
///
/// # Errors
/// The organization has no request with this id.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id: RequestId = id("request", &path)?;
    let data = store.organization(&console_user.tenant);
    let request = data.request_find(id).await?.ok_or_else(|| Error::absent("request", id))?;
    let filter = EventFilter { request_id: Some(id), ..EventFilter::default() };
    let events = data.event_list(&filter, &PageRequest { limit: MOST_EVENTS, cursor: None }).await?;
    let frame = Frame::of(&console_user, "Request", NavigationItem::Requests);
    page(&Page::of(frame, &request, &events.items))
}

impl Page {
    pub(crate) fn of(frame: Frame, request: &RequestRow, events: &[FallbackEventRow]) -> Self {
        let attempts = attempts(request);
        Self {
            frame,
            line: RequestLine::from(request),
            story: sentence(request, &attempts),
            diagram: ChainDiagram::of_request(request),
            timing_bar: TimingBar::of_request(request),
            events: events.iter().rev().map(EventLine::from).collect(),
            facts: facts(request),
            session: request.session_ref.clone().or_else(|| request.session_id.map(|id| id.to_string())),
            usage: usage(request),
            costs: costs(request, &attempts),
            credentials: credentials(request),
            adapted: adaptations(&attempts),
            reason: request.error_class.as_ref().map(|class| StatusBadge::of_class(class.as_str())),
        }
    }
}

fn facts(request: &RequestRow) -> Vec<(&'static str, String)> {
    let rows = [
        ("Status", Some(request.status_code.to_string())),
        ("First token", request.first_frame_ms.map(duration)),
        ("Total time", Some(duration(request.total_ms))),
        ("Provider calls", Some(request.upstream_calls.to_string())),
        ("Answered by", request.served_provider.clone()),
        ("Key", request.api_key_name.clone()),
        ("Endpoint", Some(request.endpoint.clone())),
        ("Asked for", Some(if request.streamed { "a stream" } else { "one answer" }.to_owned())),
        ("Retries by the caller", request.client_retry_count.map(|number| number.to_string())),
    ];
    rows.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
}

/// The final answer is billed to the last called attempt with that model name.
fn costs(request: &RequestRow, attempts: &[Attempt]) -> Vec<(String, String)> {
    let served = request.served_model.as_deref();
    let answered =
        attempts.iter().rposition(|attempt| !attempt.passed_over && Some(&*attempt.model) == served);
    let cost = |(index, attempt): (usize, &Attempt)| {
        let cost = match request.cost_nano_dollars {
            Some(cost) if answered == Some(index) => money(cost),
            None if answered == Some(index) => "unknown".to_owned(),
            Some(_) | None => money(0),
        };
        (attempt.model.clone(), cost)
    };
    attempts.iter().enumerate().map(cost).collect()
}

/// Description of an anomaly in the provider's token count.
fn odd(flag: &str) -> &'static str {
    match flag {
        "clamped" => {
            "the provider reported an impossible count; the nearest possible number or an estimate was billed"
        }
        "contradictory" => "the provider's count contradicts itself; the larger number was billed",
        _ => "the provider's count could not be read",
    }
}

/// Why a cost is unknown.
fn unknown_cost(request: &RequestRow) -> &'static str {
    if request.outcome == Outcome::Running {
        return "unknown until the stream ends";
    }
    match request.model_price_id {
        Some(_) => "unknown: the price does not cover all of the usage, or another service tier was used",
        None => "unknown: the model has no price, or its list price does not cover all of the usage",
    }
}

/// Description of the source of a cost.
fn cost_source(source: &str) -> &'static str {
    match source {
        "provider" => "the provider's own bill",
        "own_price" => "the price that is set for the model",
        _ => "the list price of the built-in table",
    }
}

fn usage(request: &RequestRow) -> Vec<(&'static str, String)> {
    let cost = request.cost_nano_dollars.map(money);
    let rows = [
        ("Prompt tokens", request.input_tokens.map(count)),
        ("of them read from the cache", request.cached_tokens.filter(|number| *number > 0).map(count)),
        ("of them written to the cache", request.cache_write_tokens.filter(|number| *number > 0).map(count)),
        ("Answer tokens", request.output_tokens.map(count)),
        ("of them for reasoning", request.reasoning_tokens.filter(|number| *number > 0).map(count)),
        ("Cost", Some(cost.unwrap_or_else(|| unknown_cost(request).to_owned()))),
        ("Cost source", request.cost_source.as_deref().map(|source| cost_source(source).to_owned())),
        (
            "Counted by",
            request.estimated.then(|| "this server: the provider did not report everything".to_owned()),
        ),
        ("Note", request.usage_flag.as_deref().map(|flag| odd(flag).to_owned())),
    ];
    rows.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
}
