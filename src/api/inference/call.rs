//! One call of an inference endpoint: admit, read, run, respond.

use std::future::{Ready, ready};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, VIA};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use uuid::Uuid;

use super::keepalive::Keepalive;
use super::options::intent;
use super::response::respond;
use super::run::Run;
use super::{Waiting, Writer, body};
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::auth::api::rate_limit::{Admission, Limiter};
use crate::auth::part::part;
use crate::config::Settings;
use crate::dialects::Endpoint;
use crate::domain::error::{Error, Result};
use crate::domain::session_id::identify;
use crate::gateway::record::request_context::RequestContext;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::response::options::ResponseOptions;
use crate::gateway::{Gateway, Job};
use crate::http::body_reader::BodyReader;

const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
const METADATA: HeaderName = HeaderName::from_static("x-failsoft-metadata");

/// The headers that name a session, if the body does not: ours, Claude Code's, and Codex's.
static SESSIONS: [HeaderName; 3] = [
    HeaderName::from_static("x-session-id"),
    HeaderName::from_static("x-claude-code-session-id"),
    HeaderName::from_static("thread-id"),
];

/// What an endpoint needs of the application.
pub struct Parts {
    /// The gateway that runs the request.
    pub gateway: web::Data<Gateway>,
    /// The limits of keys and organizations.
    pub limiter: web::Data<Limiter>,
    /// The reader of the body.
    pub reader: web::Data<BodyReader>,
    /// The settings of the installation.
    pub settings: web::Data<Settings>,
}

/// A request that was admitted, with its body.
pub(in crate::api) struct Admitted {
    caller: ApiCaller<Inference>,
    chat: ChatRequest,
    admission: Admission,
    started: Instant,
}

impl FromRequest for Parts {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Parts {
    fn of(request: &HttpRequest) -> Result<Self> {
        Ok(Self {
            gateway: part::<Gateway>(request)?.clone(),
            limiter: part::<Limiter>(request)?.clone(),
            reader: part::<BodyReader>(request)?.clone(),
            settings: part::<Settings>(request)?.clone(),
        })
    }
}

impl Admitted {
    /// Admits a request and reads its body. `named` is the model in the path.
    ///
    /// # Errors
    /// The request comes from this gateway itself, a limit is reached, or the body or a header is not valid.
    pub(in crate::api) async fn read(
        caller: ApiCaller<Inference>,
        endpoint: Endpoint,
        named: Option<String>,
        request: &HttpRequest,
        payload: web::Payload,
        parts: &Parts,
    ) -> Result<Self> {
        let started = Instant::now();
        let Parts { gateway, limiter, reader, .. } = parts;
        refuse_loop(request.headers(), gateway)?;
        let admission = limiter.admit(&caller.organization, &caller.key).await?;
        if let Some(requests) = admission.requests {
            request.extensions_mut().insert(requests);
        }
        let share = gateway.shares.of(caller.organization.id);
        let bytes = reader.read_chat(&share, request, payload).await?.bytes;
        let chat = body::read(endpoint, &share, named, request.headers(), bytes).await?;
        Ok(Self { caller, chat, admission, started })
    }

    /// The request of a stream without an answer so far; `None` if a whole answer is asked for.
    pub(in crate::api) fn stream(&self, gateway: &Gateway) -> Option<Waiting> {
        self.chat.stream.then(|| Waiting {
            id: self.caller.request_id,
            created: gateway.clock.now().timestamp(),
            model: self.chat.wanted.primary().to_owned(),
        })
    }

    /// Runs the request and builds the response, which may begin before there is an answer.
    ///
    /// # Errors
    /// As [`Gateway::run`].
    pub(in crate::api) async fn respond(
        self,
        writer: Writer,
        headers: &HeaderMap,
        parts: Parts,
    ) -> Result<HttpResponse> {
        let Parts { gateway, settings, .. } = parts;
        let (job, admission) = self.job(writer, headers, &gateway, &settings)?;
        let keepalive = Keepalive::of(&job, &settings, writer);
        let run = Run::start(gateway, job);
        match keepalive {
            Some(keepalive) => keepalive.respond(run, admission).await,
            None => Ok(respond(run.await?, admission)),
        }
    }

    /// The job of the gateway, boxed because it is moved a few times.
    ///
    /// # Errors
    /// A header, or the session in the body, is not valid.
    pub(in crate::api) fn job(
        self,
        writer: Writer,
        headers: &HeaderMap,
        gateway: &Gateway,
        settings: &Settings,
    ) -> Result<(Box<Job>, Admission)> {
        let Self { caller, chat, admission, started } = self;
        let (session_id, session_ref) = session(&caller, headers, &chat)?;
        let context = RequestContext {
            request_id: caller.request_id,
            organization_id: caller.organization.id,
            key: Some(caller.key.clone()),
            dialect: writer.dialect,
            operation: chat.operation,
            requested: chat.wanted.primary().to_owned(),
            streamed: chat.stream,
            session_id,
            session_ref,
            client_retry_count: text(headers, &RETRY_COUNT).and_then(|count| count.parse().ok()),
            created_at: gateway.clock.now(),
            started,
        };
        let options = ResponseOptions {
            dialect: chat.dialect,
            metadata: text(headers, &METADATA).is_some_and(|value| value.eq_ignore_ascii_case("enabled")),
            idle: Duration::from_secs(settings.gateway.stream_idle_seconds),
            total: Duration::from_secs(settings.gateway.stream_total_seconds),
            keepalive: caller
                .organization
                .settings
                .keepalive_after()
                .map(|_| Duration::from_millis(settings.gateway.keepalive_interval_ms)),
            broken: writer.broken,
        };
        let intent = intent(&caller, headers, chat)?;
        intent.drills.check_scope(&caller.key)?;
        Ok((Box::new(Job { intent, context, options }), admission))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
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

/// The session from the body or from a header.
///
/// # Errors
/// It is not 1 to 256 characters long.
pub fn session<S>(
    caller: &ApiCaller<S>,
    headers: &HeaderMap,
    chat: &ChatRequest,
) -> Result<(Option<Uuid>, Option<String>)> {
    let named =
        |name: &'static HeaderName| text(headers, name).map(str::trim).filter(|session| !session.is_empty());
    let header = || SESSIONS.iter().find_map(named);
    let Some(named) = chat.session.as_deref().or_else(header) else { return Ok((None, None)) };
    let session = identify(caller.organization.id, named)?;
    Ok((Some(session.id), session.reference))
}
