//! `/v1/model-router/requests`: the request log. It is read-only and contains no prompts or completions.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderValue, VARY};
use entity::ids::OrganizationId;

use crate::api::management::call::{Call, found};
use crate::api::management::page::{CursorPage, PageParameters, Size, requested};
use crate::api::management::query::QueryParameters;
use crate::auth::api::api_caller::RouterRead;
use crate::dialects::Endpoint;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::Result;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::http::listings::export::{Format, Listed as _, export};
use crate::http::listings::requests::RequestResponse;
use crate::store::RequestFilter;

/// The name of the resource in messages.
const WHAT: &str = "request";

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
        ("endpoint" = Option<Endpoint>, Query, description = "The endpoint that was called"),
        ("outcome" = Option<Outcome>, Query, description = "How the request ended; `running` while its stream goes on"),
        ("api_key_id" = Option<uuid::Uuid>, Query, description = "The API key of the request"),
        ("session_id" = Option<String>, Query, description = "The session: a UUID, or the text that the caller sent"),
        ("origin" = Option<Origin>, Query, description = "Where the request comes from"),
        ("since" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "From this time on (RFC 3339)"),
        ("until" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "Before this time (RFC 3339)")),
    responses((status = 200, content(
        (CursorPage<RequestResponse> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub async fn list(call: Call<RouterRead>) -> Result<HttpResponse> {
    let mut query = call.query();
    let filter = filter(&mut query, call.data.organization_id());
    if let Some(format) = Format::preferred(call.request()) {
        let span = requested(query, &call.data, RequestResponse::NAME, Size::EXPORT)?;
        let read = async move |after, limit| call.data.request_batch(&filter, after, limit).await;
        return export::<_, RequestResponse, _>(format, (span.cursor, span.limit), read).await;
    }
    let page = call.page_request(query, RequestResponse::NAME)?;
    let mut page = call.page(
        RequestResponse::NAME,
        call.data.request_list(&filter, &page).await?.map(RequestResponse::from),
    );
    page.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    Ok(page)
}

fn filter(query: &mut QueryParameters, organization_id: OrganizationId) -> RequestFilter {
    let (since, until) = query.span();
    RequestFilter {
        requested_model: query.model_name("requested_model"),
        served_model: query.model_name("served_model"),
        endpoint: query.one_of("endpoint", Endpoint::VALUES).map(Endpoint::path),
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
pub async fn read(call: Call<RouterRead>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.request_find(id).await?)?;
    Ok(HttpResponse::Ok().json(RequestResponse::from(row)))
}
