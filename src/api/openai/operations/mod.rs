//! OpenAI's endpoints other than chats: one form, and models of one kind, for each. They take the same steps as chats.

pub mod completions;
pub mod embeddings;
pub mod images;
pub mod moderations;
pub mod rerank;
pub mod speech;
mod stream_error;
pub mod transcriptions;

use actix_web::{HttpRequest, HttpResponse, web};

use super::chat::deployment;
use crate::api::inference::call::{Admitted, Parts};
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::dialects::Endpoint;
use crate::domain::error::Result;
use crate::domain::operation::Operation;
use stream_error::writer;

/// Answers a request with the first model of its chain that succeeds.
async fn answer(
    operation: Operation,
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    let named = deployment(&request)?;
    let admitted = Admitted::read(caller, Endpoint::of(operation), named, &request, payload, &parts).await?;
    admitted.respond(writer(operation), request.headers(), parts).await
}
