//! The event that ends a stream with an error: `response.failed`. Codex ignores any other, and would repeat the request.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use bytes::Bytes;
use serde_json::json;

use crate::api::inference::{Waiting, Writer, error_headers};
use crate::api::openai::error;
use crate::dialects::CallerDialect;
use crate::dialects::need::Need;
use crate::dialects::responses::error::{Failed, code, message};
use crate::domain::error::Error;
use crate::gateway::request::json_object::quoted;
use crate::gateway::response::broken_stream::BrokenStream;

/// How responses are answered.
pub const WRITER: Writer =
    Writer { dialect: CallerDialect::Responses, broken: event, failed: instead_of_an_answer };

/// Writes the last event of an interrupted stream.
fn event(broken: &BrokenStream<'_>) -> Bytes {
    let failure = broken.failure;
    let text = format!("The stream broke: {}", failure.message);
    let details = json!({"code": "stream_interrupted", "request_id": broken.request_id});
    let failed = Failed {
        id: &broken.identity.id,
        created: &broken.identity.created,
        model: broken.model,
        code: code(failure.class),
        message: &message(failure.class, &text, failure.retry_after),
        details: &details.to_string(),
    };
    failed.event_after(broken.identity.next).into()
}

/// Writes the events of a stream that no model answered.
fn instead_of_an_answer(error: &Error, waiting: &Waiting) -> Bytes {
    let (code, text) = match error {
        Error::Chain(chain) => {
            let failure = &chain.failure;
            // By this code, clients send the whole conversation.
            let gone =
                Some(Need::PreviousResponse.code()).filter(|gone| failure.code.as_deref() == Some(*gone));
            let code = gone.unwrap_or_else(|| code(failure.class));
            (code, message(failure.class, &failure.message, chain.retry_after))
        }
        _ => (code_of(error), error::message(error, waiting.id)),
    };
    let details = error::in_stream(error, waiting.id);
    let failed = Failed {
        id: &quoted(&format!("resp_{}", waiting.id.simple())),
        created: &waiting.created.to_string(),
        model: &quoted(&waiting.model),
        code,
        message: &text,
        details: &details.to_string(),
    };
    failed.stream().into()
}

/// The code of an error that is not about models. A limit can be waited for, a fault of ours can pass, and what is left is
/// wrong with the request.
fn code_of(error: &Error) -> &'static str {
    match error::status(error) {
        429 => "rate_limit_exceeded",
        500.. => "server_error",
        _ => "invalid_prompt",
    }
}

/// A stream that says what the status would, because clients act on it only there.
pub(super) fn in_place_of_status(error: &Error, waiting: &Waiting) -> HttpResponse {
    let mut response = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(instead_of_an_answer(error, waiting));
    error_headers::describe(error, 200, response.headers_mut());
    response
}
