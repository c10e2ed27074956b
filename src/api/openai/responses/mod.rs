//! `POST /v1/responses`: parse, run, respond.

pub mod schema;
pub mod stream_error;
pub mod upgrade;

use actix_web::{HttpRequest, HttpResponse, web};

use self::schema::{ResponseObject, ResponseRequest};
use self::stream_error::{WRITER, in_place_of_status};
use crate::api::inference::call::{Admitted, Parts};
use crate::api::inference::call_headers::CallHeaders;
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::dialects::Endpoint;
use crate::dialects::responses::error::is_about_size;
use crate::domain::error::{Error, Result};

/// Answers a request for a response with the first model of its chain that succeeds.
///
/// Bytes pass through to OpenAI and Azure. For models of other providers the request is translated, and their answers are
/// translated back; they store nothing, so send the whole conversation as `input` instead of `previous_response_id`. The id of a
/// stored response names its provider, and a request with it reaches no other; if that one does not have it, the error has the code
/// `previous_response_not_found`.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`. A stream with a
/// prompt that does not fit has the status 200 and ends with `response.failed`, on which Codex shortens its prompt. So does
/// one that breaks after content.
///
/// A WebSocket at this path is refused with 426.
///
/// # Errors
/// Errors have OpenAI's shape: see [`super::error`].
#[utoipa::path(post, path = "", operation_id = "createResponse", request_body = ResponseRequest,
    params(CallHeaders),
    responses(
        (status = 200, description = "A response, or a stream of events", content((ResponseObject = "application/json"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    let endpoint = Endpoint::chat(WRITER.dialect);
    let admitted = Admitted::read(caller, endpoint, None, &request, payload, &parts).await?;
    let stream = admitted.stream(&parts.gateway);
    match (admitted.respond(WRITER, request.headers(), parts).await, stream) {
        (Err(Error::Chain(chain)), Some(waiting)) if is_about_size(chain.failure.class) => {
            Ok(in_place_of_status(&Error::Chain(chain), &waiting))
        }
        (response, _) => response,
    }
}
