//! `POST /v1/model-router/explain`: a dry run of a request.

use actix_web::{HttpRequest, HttpResponse, web};

use super::checks::ViolationReason;
use super::query::QueryParameters;
use crate::api::inference::endpoint::Endpoint;
use crate::api::inference::options::intent;
use crate::api::openai::schema::ChatCompletionRequest;
use crate::auth::api::api_caller::{ApiCaller, RouterRead};
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
        ("endpoint" = Option<String>, Query, description = "The path of the endpoint that the body is for, such as `/v1/messages`. By default `/v1/chat/completions`, or that of the kind of the first model"),
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
    let endpoint = endpoint(request.query_string())?;
    let share = gateway.shares.of(caller.organization.id);
    let body = reader.read_chat(&share, &request, payload).await?.bytes;
    let headers = request.headers();
    let read = match endpoint {
        Some(endpoint) => endpoint.read(&share, None, headers, body).await?,
        None => Endpoint::read_by_model(caller.organization.clone(), &share, headers, body).await?,
    };
    let intent = intent(&caller, headers, read)?;
    intent.translate_early(&share).await;
    let state = StateView { refusals: Some(&gateway.refusals), ..StateView::from(&*gateway.shared_state) };
    Ok(HttpResponse::Ok().json(explain::explain(&intent, state)?))
}

/// The endpoint that the query names, if it does.
fn endpoint(query: &str) -> Result<Option<Endpoint>> {
    let mut query = QueryParameters::parse(query);
    let endpoint = query.parsed("endpoint", |path| {
        Endpoint::at(path).ok_or_else(|| {
            let paths: Vec<&str> = Endpoint::ALL.into_iter().map(Endpoint::path).collect();
            ViolationReason::new("literal_error", format!("must be one of {}", paths.join(", ")))
        })
    });
    query.finish()?;
    Ok(endpoint)
}
