//! `POST /v1/messages`: parse, run, respond.

use actix_web::{HttpRequest, HttpResponse, web};

use super::schema::{Message, MessageRequest};
use super::stream_error::WRITER;
use crate::api::inference::call::{Admitted, Parts};
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::domain::error::Result;

/// Answers a message with the first model of its chain that succeeds.
///
/// Bytes pass through to providers that speak Anthropic's Messages, with all headers that begin with `anthropic-` and
/// all fields that are not known here. For models of other providers the message is translated, and their answers are
/// translated back.
///
/// When every model fails, the response is the last model's error, with all attempts in `failsoft`. A stream that takes
/// long to begin is kept open with `ping` events. One that breaks after content ends with an `error` event.
///
/// # Errors
/// Errors have Anthropic's shape: see [`super::error`].
#[utoipa::path(post, path = "", operation_id = "createMessage", request_body = MessageRequest,
    params(
        ("anthropic-version" = Option<String>, Header, description = "The version of Anthropic's API, passed on. Without it, `2023-06-01`"),
        ("anthropic-beta" = Option<String>, Header, description = "Anthropic's beta features, passed on like every header that begins with `anthropic-`"),
        ("x-session-id" = Option<String>, Header, description = "The session in the request log, if the body names none. Claude Code's `x-claude-code-session-id` is accepted as well"),
        ("x-failsoft-deadline-ms" = Option<u64>, Header, description = "Lowers the total time limit of all attempts"),
        ("x-failsoft-drill" = Option<String>, Header, description = "`MODEL=CLASS, ...` simulates failures of models without calling them, as for chat completions"),
        ("x-failsoft-metadata" = Option<String>, Header, description = "`enabled` adds a `failsoft` object; in a stream, it is an event of that name before `message_stop`")),
    responses(
        (status = 200, description = "A message, or a stream of events", content((Message = "application/json"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    let admitted = Admitted::read(caller, WRITER.dialect, None, &request, payload, &parts).await?;
    admitted.respond(WRITER, request.headers(), parts).await
}
