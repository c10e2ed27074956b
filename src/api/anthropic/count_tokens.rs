//! `POST /v1/messages/count_tokens`: the size of a prompt, as a provider counts it.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};

use super::schema::{CountRequest, TokenCount};
use super::stream_error::WRITER;
use crate::api::inference::call::{Admitted, Parts};
use crate::api::inference::routing_headers;
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::dialects::Endpoint;
use crate::domain::error::Result;

/// Counts the tokens of a message's prompt.
///
/// The count is that of the first model of the chain that a provider of Anthropic's Messages serves and counts. It is free:
/// nothing is billed, and no request is recorded. It counts in the key's requests per minute.
///
/// # Errors
/// Errors have Anthropic's shape: see [`super::error`].
#[utoipa::path(post, path = "", operation_id = "countMessageTokens", request_body = CountRequest,
    responses(
        (status = 200, description = "The tokens of the prompt", body = TokenCount),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn count(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    let endpoint = Endpoint::chat(WRITER.dialect);
    let admitted = Admitted::read(caller, endpoint, None, &request, payload, &parts).await?;
    let (job, _admission) = admitted.job(WRITER, request.headers(), &parts.gateway, &parts.settings)?;
    let counted = parts.gateway.count_tokens(*job).await?;
    let mut response = HttpResponse::build(StatusCode::from_u16(counted.status).unwrap_or(StatusCode::OK));
    let mut response = response.insert_header((CONTENT_TYPE, "application/json")).body(counted.body);
    routing_headers::describe(&counted.routing, response.headers_mut());
    Ok(response)
}
