//! `POST /v1/model-router/explain`: a dry run of a request.

use actix_web::{HttpRequest, HttpResponse, web};

use super::query::QueryParameters;
use crate::api::inference::body;
use crate::api::inference::call::session;
use crate::api::inference::options::intent;
use crate::api::openai::schema::ChatCompletionRequest;
use crate::auth::api::api_caller::{ApiCaller, RouterRead};
use crate::dialects::Endpoint;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::gateway::preview::explain;
use crate::gateway::preview::explain::Explanation;
use crate::gateway::request::intent::StateView;
use crate::http::body_reader::BodyReader;

/// Explain a request
///
/// Which models would be tried for this request, in which order if every call failed, which would be skipped
/// and why, how long it could take and what it could cost. No model is called and nothing is recorded. The body is that of a chat
/// completion, or of the endpoint for the kind of its first model (a form for recordings), or of `endpoint`; it is read as there.
///
/// # Errors
/// The errors that refuse the request itself.
#[utoipa::path(post, path = "",
    operation_id = "explainChatCompletion",
    request_body = ChatCompletionRequest,
    params(
        ("endpoint" = Option<Endpoint>, Query, description = "The endpoint that the body is for. By default `/v1/chat/completions`, or that of the kind of the first model"),
        ("x-failsoft-deadline-ms" = Option<u64>, Header, description = "As for the chat completion"),
        ("x-failsoft-drill" = Option<String>, Header, description = "`MODEL=CLASS, ...`: the assumed failures of these models; the others fail with `unavailable`")),
    responses((status = 200, description = "What would happen", body = Explanation), (status = 400), (status = 404), (status = 422)))]
pub async fn explain(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    payload: web::Payload,
    reader: web::Data<BodyReader>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let mut query = QueryParameters::parse(request.query_string());
    let endpoint = query.one_of("endpoint", Endpoint::VALUES);
    query.finish()?;
    let share = gateway.shares.of(caller.organization.id);
    let bytes = reader.read_chat(&share, &request, payload).await?.bytes;
    let headers = request.headers();
    let read = match endpoint {
        Some(endpoint) => body::read(endpoint, &share, None, headers, bytes).await?,
        None => body::read_by_model(caller.organization.clone(), &share, headers, bytes).await?,
    };
    let (session_id, _) = session(&caller, headers, &read)?;
    let intent = intent(&caller, headers, read)?;
    intent.translate_early(&share).await;
    let state = StateView { refusals: Some(&gateway.refusals), ..StateView::from(&*gateway.shared_state) };
    Ok(HttpResponse::Ok().json(explain::explain(&intent, session_id, state)?))
}
