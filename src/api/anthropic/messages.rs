//! `POST /v1/messages`: parse, run, respond.

use actix_web::{HttpRequest, HttpResponse, web};

use super::schema::{Message, MessageRequest};
use super::stream_error::WRITER;
use crate::api::inference::call::{Admitted, Parts};
use crate::api::inference::call_headers::CallHeaders;
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::dialects::Endpoint;
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
        CallHeaders),
    responses(
        (status = 200, description = "A message, or a stream of events", content((Message = "application/json"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    let endpoint = Endpoint::chat(WRITER.dialect);
    let admitted = Admitted::read(caller, endpoint, None, &request, payload, &parts).await?;
    admitted.respond(WRITER, request.headers(), parts).await
}
