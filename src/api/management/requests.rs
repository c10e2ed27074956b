//! `/v1/model-router/requests`: the request log. It is read-only and contains no prompts or completions.

use actix_web::http::header::VARY;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::ids::OrganizationId;

use crate::api::management::checks::path_id;
use crate::api::management::page::{CursorPage, PageParameters, Size, requested};
use crate::api::management::query::QueryParameters;
use crate::auth::api::api_caller::{ApiCaller, RouterRead};
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::{Error, Result};
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::http::listings::export::{Format, Listed as _, export};
use crate::http::listings::requests::RequestResponse;
use crate::store::{RequestFilter, Store};

/// List requests
///
/// The organization's requests, newest first.
///
/// With `Accept: text/csv` or `application/x-ndjson` all matching rows are streamed, at most 100,000.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "",
    params(PageParameters,
        ("requested_model" = Option<String>, Query, description = "The model that was requested"),
        ("served_model" = Option<String>, Query, description = "The model that answered"),
        ("outcome" = Option<Outcome>, Query, description = "How the request ended; `running` while its stream goes on"),
        ("api_key_id" = Option<uuid::Uuid>, Query, description = "The API key of the request"),
        ("session_id" = Option<String>, Query, description = "The session: a UUID, or the text that the caller sent"),
        ("origin" = Option<Origin>, Query, description = "Where the request comes from"),
        ("since" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "From this time on (RFC 3339)"),
        ("until" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "Before this time (RFC 3339)")),
    responses((status = 200, content(
        (CursorPage<RequestResponse> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub async fn list(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let mut query = QueryParameters::parse(request.query_string());
    let filter = filter(&mut query, data.organization_id());
    if let Some(format) = Format::preferred(&request) {
        let span = requested(query, &data, RequestResponse::NAME, Size::EXPORT)?;
        let read = async move |after, limit| data.request_batch(&filter, after, limit).await;
        return export::<_, RequestResponse, _>(format, (span.cursor, span.limit), read).await;
    }
    let page = requested(query, &data, RequestResponse::NAME, Size::PAGE)?;
    let page = data.request_list(&filter, &page).await?.map(RequestResponse::from);
    let page = CursorPage::new(&data, RequestResponse::NAME, page);
    Ok(HttpResponse::Ok().insert_header((VARY, "Accept")).json(page))
}

fn filter(query: &mut QueryParameters, organization_id: OrganizationId) -> RequestFilter {
    let (since, until) = query.span();
    RequestFilter {
        requested_model: query.model_name("requested_model"),
        served_model: query.model_name("served_model"),
        outcome: query.one_of("outcome", Outcome::VALUES),
        api_key_id: query.id("api_key_id"),
        session_id: query.session("session_id", organization_id),
        since,
        until,
        origin: query.one_of("origin", Origin::VALUES),
    }
}

/// Read a request
///
/// One request, by the id from the header `x-request-id`.
///
/// # Errors
/// The organization has no request with this id.
#[utoipa::path(get, path = "", responses((status = 200, body = RequestResponse)))]
pub async fn read(
    caller: ApiCaller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id("request", &path)?;
    let request = store.organization(&caller.tenant).request_find(id).await?;
    let request = request.ok_or_else(|| Error::absent("request", id))?;
    Ok(HttpResponse::Ok().json(RequestResponse::from(request)))
}
