//! `POST /v1/chat/completions`: parse, run, respond.

use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, VIA};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use uuid::Uuid;

use super::keepalive::Keepalive;
use super::response::respond;
use super::schema::{ChatCompletion, ChatCompletionRequest};
use super::stream_error;
use crate::api::request_options::intent;
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::auth::api::rate_limit::Limiter;
use crate::config::Settings;
use crate::domain::error::{Error, Result};
use crate::domain::session_id::identify;
use crate::gateway::record::request_context::RequestContext;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::response::relay::ResponseOptions;
use crate::gateway::{Gateway, Job};
use crate::http::body_reader::BodyReader;

const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
const METADATA: HeaderName = HeaderName::from_static("x-failsoft-metadata");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const SESSION: HeaderName = HeaderName::from_static("x-session-id");

/// Answers a chat completion with the first model of its chain that succeeds.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// If the first frame takes long (45 s; a setting of the organization), the stream starts without it: the headers
/// contain `x-failsoft-committed: keepalive` instead of the model that answered, comments keep the connection
/// alive, and other models are still tried. A `failsoft` object just before `[DONE]` then names the model that
/// answered; if none did, the last chunk contains the `error`.
///
/// # Errors
/// Errors have OpenAI's shape: see [`super::error`].
#[utoipa::path(post, path = "", operation_id = "createChatCompletion", request_body = ChatCompletionRequest,
    params(
        ("x-session-id" = Option<String>, Header, description = "The session in the request log, if the body names none"),
        ("x-failsoft-deadline-ms" = Option<u64>, Header, description = "Lowers the total time limit of all attempts"),
        ("x-failsoft-drill" = Option<String>, Header, description = "`MODEL=CLASS, ...` simulates failures of models without calling them; other models are called and count in budgets. The key needs the scope `drill`"),
        ("x-failsoft-metadata" = Option<String>, Header, description = "`enabled` adds a `failsoft` object: the models that were tried, why each failed, and the cost")),
    responses(
        (status = 200, description = "A chat completion, or a stream of chunks", content((ChatCompletion = "application/json"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
    limiter: web::Data<Limiter>,
    reader: web::Data<BodyReader>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let started = Instant::now();
    refuse_loop(request.headers(), &gateway)?;
    let admission = limiter.admit(caller.organization.id, &caller.key)?;
    if let Some(minute) = admission.minute {
        request.extensions_mut().insert(minute);
    }
    let named = deployment(&request)?;
    let body = reader.read_chat(caller.organization.id, &request, payload).await?;
    let share = gateway.shares.of(caller.organization.id);
    let chat = ChatRequest::read_for(&share, named, body.bytes).await?;
    let job = job(caller, request.headers(), chat, started, &gateway, &settings)?;
    let Some(keepalive) = Keepalive::of(&job, &settings) else {
        return Ok(respond(gateway.run(job).await?, admission));
    };
    let run = async move { gateway.run(job).await };
    keepalive.respond(run, admission).await
}

fn job(
    caller: ApiCaller<Inference>,
    headers: &HeaderMap,
    chat: ChatRequest,
    started: Instant,
    gateway: &Gateway,
    settings: &Settings,
) -> Result<Job> {
    let (session_id, session_ref) = session(&caller, headers, &chat)?;
    let context = RequestContext {
        request_id: caller.request_id,
        organization_id: caller.organization.id,
        key: Some(caller.key.clone()),
        endpoint: "/v1/chat/completions",
        requested: chat.wanted.primary().to_owned(),
        streamed: chat.stream,
        session_id,
        session_ref,
        client_retry_count: text(headers, RETRY_COUNT).and_then(|count| count.parse().ok()),
        created_at: gateway.clock.now(),
        started,
    };
    let options = ResponseOptions {
        metadata: text(headers, METADATA).is_some_and(|value| value.eq_ignore_ascii_case("enabled")),
        idle: Duration::from_secs(settings.gateway.stream_idle_seconds),
        total: Duration::from_secs(settings.gateway.stream_total_seconds),
        broken: stream_error::frames,
    };
    let intent = intent(&caller, headers, chat)?;
    intent.drills.check_scope(&caller.key)?;
    Ok(Job { intent, traceparent: traceparent(headers), context, options })
}

/// The model in the path, as Azure's clients send it.
fn deployment(request: &HttpRequest) -> Result<Option<String>> {
    if request.match_info().is_empty() {
        return Ok(None);
    }
    request.match_info().load().map(Some).map_err(|_| Error::RouteUnknown)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Refuses a request that this gateway sent itself: a provider with the gateway's own address would loop.
fn refuse_loop(headers: &HeaderMap, gateway: &Gateway) -> Result<()> {
    let own = gateway.shared_state.endpoints.via();
    let passed = headers
        .get_all(VIA)
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|hop| hop.trim() == own));
    if passed { Err(Error::LoopDetected) } else { Ok(()) }
}

/// The `traceparent` to pass on, if it is well-formed: `00-<32 hex>-<16 hex>-<2 hex>`.
fn traceparent(headers: &HeaderMap) -> Option<http::HeaderValue> {
    let value = text(headers, TRACEPARENT)?;
    let mut parts = value.split('-');
    let mut hex = |length: usize| {
        parts
            .next()
            .is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let well_formed = hex(2) && hex(32) && hex(16) && hex(2);
    if well_formed { http::HeaderValue::from_str(value).ok() } else { None }
}

/// The session from the body or from a header.
fn session(
    caller: &ApiCaller<Inference>,
    headers: &HeaderMap,
    chat: &ChatRequest,
) -> Result<(Option<Uuid>, Option<String>)> {
    let header = text(headers, SESSION).map(str::trim).filter(|session| !session.is_empty());
    let Some(named) = chat.session.as_deref().or(header) else { return Ok((None, None)) };
    let session = identify(caller.organization.id, named)?;
    Ok((Some(session.id), session.reference))
}
