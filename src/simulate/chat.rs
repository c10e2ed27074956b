//! The calls of models: parses the request in its dialect and acts out the behavior of the model that it names.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;

use super::behavior::{self, Behavior, Failure, Pace};
use super::completion::Answer;
use super::form::{Fixed, Form, converse, framed, gemini, messages, responses};
use super::history;
use super::refusal::Refusal;
use super::request::{self, ChatRequest};
use super::stream::{self, Delivery};

/// Slightly above the gateway's limit, so that the gateway refuses a body that is too large.
const MOST_BODY_MEBIBYTES: usize = 33;

/// The timeout for reading the whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Welcome to the network</h1></body></html>\n";

/// State that all workers of a server share.
#[derive(Debug)]
pub(super) struct State {
    chunk_gap: Option<Duration>,
    answers: AtomicU64,
    /// Calls of `flaky-NN`, one counter per NN, so that two of them can be used at once.
    flaky_calls: [AtomicU64; 101],
}

impl State {
    pub(super) fn new(chunk_gap: Option<Duration>) -> Self {
        Self {
            chunk_gap,
            answers: AtomicU64::new(0),
            flaky_calls: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Whether the next call of `flaky-<percent>` fails: exactly `percent` of every 100 do, evenly spread.
    fn flaky_fails(&self, percent: u32) -> bool {
        let calls = usize::try_from(percent).ok().and_then(|index| self.flaky_calls.get(index));
        let call = calls.map_or(0, |calls| calls.fetch_add(1, Ordering::Relaxed)) % 100;
        let failures_before = |call: u64| call * u64::from(percent) / 100;
        failures_before(call + 1) > failures_before(call)
    }

    fn next_id(&self, created: u64) -> String {
        format!("chatcmpl-{}", self.next_number(created))
    }

    /// A number for the id of an answer, in letters and digits.
    pub(super) fn next_number(&self, created: u64) -> String {
        format!("{created:x}{:08x}", self.answers.fetch_add(1, Ordering::Relaxed))
    }

    /// The pause before every content chunk but the first.
    pub(super) fn gap(&self, pace: Pace) -> Option<Duration> {
        pace.gap.or(self.chunk_gap)
    }
}

/// Answers a chat completion.
pub(super) async fn create(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    answered(&request, payload, &state, Form::Completion, request::read).await
}

/// Answers a chat completion of the deployment in the path, as on Azure.
pub(super) async fn create_at_deployment(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    let (model, _) = named(&request);
    answered(&request, payload, &state, Form::Completion, |body| request::at_deployment(body, &model)).await
}

/// Answers a message of Anthropic's dialect.
pub(super) async fn create_message(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    answered(&request, payload, &state, Form::Message, request::read).await
}

/// Answers a request for a response.
pub(super) async fn create_response(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    answered(&request, payload, &state, Form::Response, responses::request).await
}

/// Answers a request of Gemini, whole or streamed as the method in the path says.
pub(super) async fn generate(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    let (model, method) = named(&request);
    let stream = match (&*method, request.query_string()) {
        ("countTokens", _) => return gemini::count(&request, payload, &model).await,
        ("generateContent", _) => false,
        ("streamGenerateContent", query) if query.split('&').any(|pair| pair == "alt=sse") => true,
        // Without it, a stream is one JSON array, which no client of ours asks for.
        _ => return Refusal::unknown_path("POST", request.path()).response(Form::Gemini),
    };
    answered(&request, payload, &state, Form::Gemini, |body| gemini::request(body, &model, stream)).await
}

/// Answers a request of Converse, whole or streamed as the end of the path says.
pub(super) async fn converse(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    let (model, method) = named(&request);
    let stream = method == "converse-stream";
    answered(&request, payload, &state, Form::Converse, |body| converse::request(body, &model, stream)).await
}

/// The model and the method in a path. The name may have escaped slashes.
pub(super) fn named(request: &HttpRequest) -> (String, String) {
    let part = |name: &str| request.match_info().get(name).unwrap_or_default().to_owned();
    (part("model").replace("%2F", "/").replace("%2f", "/"), part("method"))
}

async fn answered(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    form: Form,
    parse: impl for<'a> FnOnce(&'a [u8]) -> Result<ChatRequest<'a>, Refusal>,
) -> HttpResponse {
    let answer = async {
        let body = read(request, payload).await?;
        act(&body, &parse(&body)?, state, form).await
    };
    answer.await.unwrap_or_else(|refusal: Refusal| refusal.response(form))
}

async fn act(
    body: &Bytes,
    chat: &ChatRequest<'_>,
    state: &State,
    form: Form,
) -> Result<HttpResponse, Refusal> {
    let Fixed { broken_json, broken_event, error, error_event } = Fixed::of(form);
    let (behavior, pace) = behavior::find(&chat.model).ok_or_else(|| Refusal::unknown_model(&chat.model))?;
    match behavior {
        Behavior::BadSignature => history::check(body, form)?,
        Behavior::BrokenJson => return Ok(fixed_body(chat, form, broken_json, broken_event)),
        Behavior::Empty => return Ok(fixed_body(chat, form, Bytes::new(), Bytes::new())),
        Behavior::ErrorInside => return Ok(fixed_body(chat, form, error, error_event)),
        // These vendors have no error for it.
        Behavior::Refuse(Failure::ContentFilter) if form == Form::Gemini => {
            let (blocked, event) = gemini::blocked();
            return Ok(fixed_body(chat, form, blocked, event));
        }
        Behavior::Refuse(Failure::ContentFilter) if form == Form::Converse => {
            return Ok(answer(chat, Behavior::FilteredFinish, pace, state, form));
        }
        _ => {}
    }
    match begun(behavior, state, &chat.model, form).await? {
        Some(response) => Ok(response),
        None => Ok(answer(chat, behavior, pace, state, form)),
    }
}

/// Acts out what is the same at every endpoint: waits, says nothing, answers with a page, or refuses. `None` leaves the answer to
/// the endpoint.
pub(super) async fn begun(
    behavior: Behavior,
    state: &State,
    model: &str,
    form: Form,
) -> Result<Option<HttpResponse>, Refusal> {
    match behavior {
        Behavior::AnswerAfter(silence) => tokio::time::sleep(silence).await,
        Behavior::Flaky(percent) if state.flaky_fails(percent) => {
            return Err(Refusal::simulated(Failure::Status(503), model, form));
        }
        Behavior::Hang => std::future::pending().await,
        Behavior::Html => return Ok(Some(page("text/html; charset=utf-8"))),
        Behavior::Refuse(failure) => return Err(Refusal::simulated(failure, model, form)),
        Behavior::Answer
        | Behavior::Flaky(_)
        | Behavior::Cut
        | Behavior::FilteredFinish
        | Behavior::BadSignature
        | Behavior::StopWithTools
        | Behavior::LateThinking
        | Behavior::BadChecksum
        | Behavior::MissingIndex
        | Behavior::WrongDimension
        | Behavior::HtmlAsAudio
        | Behavior::BrokenJson
        | Behavior::Empty
        | Behavior::ErrorInside => {}
    }
    Ok(None)
}

/// An HTML page with this content type.
pub(super) fn page(content_type: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(content_type).body(HTML)
}

pub(super) async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Refusal> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Refusal::encoded());
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(MOST_BODY_MEBIBYTES << 20)).await;
    body.map_err(|_| Refusal::stalled())?
        .map_err(|_| Refusal::too_large(MOST_BODY_MEBIBYTES))?
        .map_err(|error| Refusal::bad_request(None, None, format!("The body could not be read: {error}.")))
}

fn answer(chat: &ChatRequest<'_>, behavior: Behavior, pace: Pace, state: &State, form: Form) -> HttpResponse {
    let created = unix_seconds();
    let id = state.next_id(created);
    let answer = match behavior {
        Behavior::FilteredFinish => Answer::filtered(chat, id, created),
        Behavior::StopWithTools => Answer::to(chat, pace, id, created).contradicting(),
        Behavior::LateThinking => Answer::to(chat, pace, id, created).thinking_late(),
        Behavior::BadChecksum => Answer::to(chat, pace, id, created).corrupted(),
        _ => Answer::to(chat, pace, id, created),
    };
    let thinks = chat.thinks() || answer.thinks_late();
    let cut = behavior == Behavior::Cut;
    if chat.streams() {
        let delivery = Delivery { include_usage: chat.includes_usage(), gap: state.gap(pace), cut };
        let mut response = event_stream(form);
        return match form {
            Form::Completion => response.streaming(stream::events(answer, delivery)),
            Form::Message => response.streaming(framed(messages::frames(answer, thinks), delivery)),
            Form::Response => response.streaming(framed(responses::frames(answer, thinks), delivery)),
            Form::Gemini => response.streaming(framed(gemini::frames(answer, thinks), delivery)),
            Form::Converse => response.streaming(framed(converse::frames(answer, thinks), delivery)),
        };
    }
    let body = match form {
        Form::Completion => answer.whole(),
        Form::Message => messages::whole(&answer, thinks),
        Form::Response => responses::whole(&answer, thinks),
        Form::Gemini => gemini::whole(&answer, thinks),
        Form::Converse => converse::whole(&answer, thinks),
    };
    if cut {
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        return json().body(SizedStream::new(length, stream::first_half(&body)));
    }
    json().body(body)
}

#[expect(clippy::disallowed_methods, reason = "simulates a remote machine, which has its own clock")]
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A 200 with a fixed body: `whole` if the request is not streamed, else `events`.
fn fixed_body(chat: &ChatRequest<'_>, form: Form, whole: Bytes, events: Bytes) -> HttpResponse {
    if chat.streams() { event_stream(form).body(events) } else { json().body(whole) }
}

fn json() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    response
}

fn event_stream(form: Form) -> HttpResponseBuilder {
    let kind = match form {
        Form::Completion | Form::Message | Form::Response => "text/event-stream; charset=utf-8",
        Form::Gemini => "text/event-stream",
        Form::Converse => "application/vnd.amazon.eventstream",
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(kind)));
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_named_share_of_calls_fails_and_evenly() {
        for percent in 0..=100 {
            let state = State::new(None);
            let fails: Vec<bool> = (0..300).map(|_| state.flaky_fails(percent)).collect();
            for hundred in fails.chunks(100) {
                assert_eq!(hundred.iter().filter(|fails| **fails).count(), percent as usize);
            }
            for ten in fails.chunks(10) {
                let failed = ten.iter().filter(|fails| **fails).count() * 10;
                assert!(failed.abs_diff(percent as usize) < 10, "{percent}: {failed} in a row of ten");
            }
        }
    }

    #[test]
    fn each_share_counts_its_own_calls() {
        let state = State::new(None);
        let fails: Vec<bool> = (0..4).map(|_| state.flaky_fails(50) && !state.flaky_fails(0)).collect();
        assert_eq!(fails, [false, true, false, true]);
    }
}
