//! `POST /v1/model-router/explain`: a dry run of a request.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::api::inference::options::intent;
use crate::api::openai::schema::ChatCompletionRequest;
use crate::auth::api::api_caller::{ApiCaller, RouterRead};
use crate::dialects::Dialect;
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::gateway::preview::explain;
use crate::gateway::preview::explain::Explanation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::intent::StateView;
use crate::http::body_reader::BodyReader;

/// Explain a request
///
/// Which models would be tried for this request, in which order if every call failed, which would be skipped
/// and why, how long it could take and what it could cost. No model is called and nothing is recorded. A request for a model
/// of another kind than `chat` is explained as one to the endpoint of that kind.
///
/// # Errors
/// The errors that refuse the chat completion itself.
#[utoipa::path(post, path = "",
    operation_id = "explainChatCompletion",
    request_body = ChatCompletionRequest,
    params(
        ("x-failsoft-deadline-ms" = Option<u64>, Header, description = "As for the chat completion"),
        ("x-failsoft-drill" = Option<String>, Header, description = "`MODEL=CLASS, ...`: the assumed failures of these models; the others fail with `unavailable`")),
    responses((status = 200, description = "What would happen", body = Explanation), (status = 400), (status = 404)))]
pub async fn explain(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    payload: web::Payload,
    reader: web::Data<BodyReader>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let share = gateway.shares.of(caller.organization.id);
    let body = reader.read_chat(&share, &request, payload).await?;
    let mut chat = ChatRequest::read(&share, Dialect::ChatCompletions, body.bytes).await?;
    let model = caller.organization.models.get(chat.wanted.primary());
    // A request for a model of another kind is one to the endpoint of that kind.
    chat.operation = model.map_or(chat.operation, |model| model.settings.kind.operation());
    let intent = intent(&caller, request.headers(), chat)?;
    intent.translate_early(&share).await;
    let state = StateView { refusals: Some(&gateway.refusals), ..StateView::from(&*gateway.shared_state) };
    Ok(HttpResponse::Ok().json(explain::explain(&intent, state)?))
}
