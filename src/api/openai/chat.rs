//! `POST /v1/chat/completions`: parse, run, respond.

use actix_web::{HttpRequest, HttpResponse, web};

use super::schema::{ChatCompletion, ChatCompletionRequest};
use super::stream_error::WRITER;
use crate::api::inference::call::{Admitted, Parts};
use crate::api::inference::call_headers::CallHeaders;
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::dialects::Endpoint;
use crate::domain::error::{Error, Result};

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
    params(CallHeaders),
    responses(
        (status = 200, description = "A chat completion, or a stream of chunks", content((ChatCompletion = "application/json"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    let named = deployment(&request)?;
    let endpoint = Endpoint::chat(WRITER.dialect);
    let admitted = Admitted::read(caller, endpoint, named, &request, payload, &parts).await?;
    admitted.respond(WRITER, request.headers(), parts).await
}

/// The model in the path, as Azure's clients send it.
pub(super) fn deployment(request: &HttpRequest) -> Result<Option<String>> {
    if request.match_info().is_empty() {
        return Ok(None);
    }
    request.match_info().load().map(Some).map_err(|_| Error::RouteUnknown)
}
