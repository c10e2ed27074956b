//! The endpoints other than chats: embeddings, completions, moderations, rerank, images, speech and recordings.

mod asked;
mod completions;
mod embeddings;
mod form_data;
mod images;
mod recordings;
mod results;
mod sound;
mod vectors;
mod written;

use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;

use self::asked::Asked;
use self::written::{EVENTS, JSON, Terms, Written};
use super::behavior::{self, Behavior, Failure};
use super::chat::{State, begun, named, page, read, unix_seconds};
use super::form::{Fixed, Form, framed};
use super::refusal::Refusal;
use super::stream::{self, Delivery};

/// JSON that ends in the middle.
const BROKEN: &str = r#"{"object":"list","da"#;

/// An endpoint other than a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Embeddings,
    Completions,
    Moderations,
    Rerank,
    Images,
    Speech,
    Transcriptions,
    Translations,
}

impl Endpoint {
    /// Every endpoint, with its path below the base URL of a provider.
    pub(super) const ALL: [(Self, &'static str); 8] = [
        (Self::Embeddings, "/embeddings"),
        (Self::Completions, "/completions"),
        (Self::Moderations, "/moderations"),
        (Self::Rerank, "/rerank"),
        (Self::Images, "/images/generations"),
        (Self::Speech, "/audio/speech"),
        (Self::Transcriptions, "/audio/transcriptions"),
        (Self::Translations, "/audio/translations"),
    ];

    fn takes_form(self) -> bool {
        matches!(self, Self::Transcriptions | Self::Translations)
    }

    /// The field with what a model may refuse.
    fn field(self) -> &'static str {
        match self {
            Self::Embeddings | Self::Moderations | Self::Speech => "input",
            Self::Completions | Self::Images => "prompt",
            Self::Rerank => "documents",
            Self::Transcriptions | Self::Translations => "file",
        }
    }

    /// The answer to a request.
    fn answer(self, asked: &Asked, terms: &Terms) -> Result<Written, Refusal> {
        match self {
            Self::Embeddings => embeddings::answer(asked, terms),
            Self::Completions => completions::answer(asked, terms),
            Self::Moderations => results::moderations(asked, terms),
            Self::Rerank => results::rerank(asked, terms),
            Self::Images => images::answer(asked, terms),
            Self::Speech => sound::answer(asked, terms),
            Self::Transcriptions => recordings::answer(asked, "transcribe", terms),
            Self::Translations => recordings::answer(asked, "translate", terms),
        }
    }
}

/// Answers a request to an endpoint.
pub(super) async fn answer(
    endpoint: Endpoint,
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
) -> HttpResponse {
    let answer = async {
        let body = read(request, payload).await?;
        let (deployment, _) = named(request);
        let asked = if endpoint.takes_form() {
            let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            Asked::of_form(kind.unwrap_or_default(), &body, deployment)?
        } else {
            Asked::of_json(&body, deployment)?
        };
        act(endpoint, &asked, state).await
    };
    answer.await.unwrap_or_else(|refusal: Refusal| refusal.response(Form::Completion))
}

async fn act(endpoint: Endpoint, asked: &Asked, state: &State) -> Result<HttpResponse, Refusal> {
    let model = asked.model();
    let (behavior, pace) = behavior::find(model).ok_or_else(|| Refusal::unknown_model(model))?;
    // Other answers have no reason for their end.
    let is_refused = behavior == Behavior::FilteredFinish && endpoint != Endpoint::Completions;
    let behavior = if is_refused { Behavior::Refuse(Failure::ContentFilter) } else { behavior };
    let created = unix_seconds();
    let terms = Terms { behavior, pace, number: state.next_number(created), created };
    let written = endpoint.answer(asked, &terms)?;
    let begun = begun(behavior, state, model, Form::Completion).await;
    if let Some(response) = begun.map_err(|refusal| refusal.about(endpoint.field()))? {
        return Ok(response);
    }
    let delivery = Delivery { include_usage: false, gap: state.gap(pace), cut: behavior == Behavior::Cut };
    Ok(sent(endpoint, written, behavior, delivery))
}

/// Sends an answer, or a body with the fault that the name of the model asks for.
fn sent(endpoint: Endpoint, written: Written, behavior: Behavior, delivery: Delivery) -> HttpResponse {
    let kind = written.kind();
    let faulty = |whole: Bytes, events: Bytes| {
        if kind == EVENTS { response(EVENTS).body(events) } else { response(JSON).body(whole) }
    };
    match behavior {
        Behavior::BrokenJson => return faulty(BROKEN.into(), format!("data: {BROKEN}\n\n").into()),
        Behavior::Empty => return response(kind).body(Bytes::new()),
        Behavior::ErrorInside => {
            let Fixed { error, error_event, .. } = Fixed::of(Form::Completion);
            return faulty(error, error_event);
        }
        Behavior::HtmlAsAudio if endpoint == Endpoint::Speech => return page(kind),
        _ => {}
    }
    match written {
        Written::Whole { body, .. } if delivery.cut => {
            let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
            response(kind).body(SizedStream::new(length, stream::first_half(&body)))
        }
        Written::Whole { body, .. } => response(kind).body(body),
        Written::Stream { pieces, .. } => response(kind).streaming(framed(pieces, delivery)),
    }
}

fn response(kind: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(kind)));
    if kind == EVENTS {
        response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    }
    response
}
