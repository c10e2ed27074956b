//! `/v1/model-router/fallback-events`: the log of failovers. It is read-only.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderValue, VARY};
use entity::ids::OrganizationId;

use crate::api::management::call::{Call, found};
use crate::api::management::page::{CursorPage, PageParameters, Size, requested};
use crate::api::management::query::QueryParameters;
use crate::auth::api::api_caller::RouterRead;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::Result;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::http::listings::export::{Format, Listed as _, export};
use crate::http::listings::fallback_events::FallbackEventResponse;
use crate::store::EventFilter;

/// The name of the resource in messages.
const WHAT: &str = "fallback event";

/// List fallback events
///
/// The failovers of the organization's requests, newest first.
///
/// With `Accept: text/csv` or `application/x-ndjson` all matching rows are streamed, at most 100,000.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "",
    params(PageParameters,
        ("failed_model" = Option<String>, Query, description = "The model that failed or was skipped"),
        ("next_model" = Option<String>, Query, description = "The next model of the chain"),
        ("error_class" = Option<ErrorClass>, Query, description = "The error class of the failure"),
        ("session_id" = Option<String>, Query, description = "The session: a UUID, or the text that the caller sent"),
        ("request_id" = Option<uuid::Uuid>, Query, description = "The request"),
        ("router_config_id" = Option<uuid::Uuid>, Query, description = "The stored configuration with the next candidate"),
        ("origin" = Option<Origin>, Query, description = "Where the request comes from"),
        ("since" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "From this time on (RFC 3339)"),
        ("until" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "Before this time (RFC 3339)")),
    responses((status = 200, content(
        (CursorPage<FallbackEventResponse> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub async fn list(call: Call<RouterRead>) -> Result<HttpResponse> {
    let mut query = call.query();
    let filter = filter(&mut query, call.data.organization_id());
    if let Some(format) = Format::preferred(call.request()) {
        let span = requested(query, &call.data, FallbackEventResponse::NAME, Size::EXPORT)?;
        let read = async move |after, limit| call.data.event_batch(&filter, after, limit).await;
        return export::<_, FallbackEventResponse, _>(format, (span.cursor, span.limit), read).await;
    }
    let page = call.page_request(query, FallbackEventResponse::NAME)?;
    let mut page = call.page(
        FallbackEventResponse::NAME,
        call.data.event_list(&filter, &page).await?.map(FallbackEventResponse::from),
    );
    page.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    Ok(page)
}

fn filter(query: &mut QueryParameters, organization_id: OrganizationId) -> EventFilter {
    let (since, until) = query.span();
    EventFilter {
        failed_model: query.model_name("failed_model"),
        next_model: query.model_name("next_model"),
        error_class: query.one_of("error_class", ErrorClass::VALUES),
        session_id: query.session("session_id", organization_id),
        request_id: query.id("request_id"),
        router_config_id: query.id("router_config_id"),
        origin: query.one_of("origin", Origin::VALUES),
        since,
        until,
    }
}

/// Read a fallback event
///
/// One failover.
///
/// # Errors
/// The organization has no event with this id.
#[utoipa::path(get, path = "", responses((status = 200, body = FallbackEventResponse)))]
pub async fn read(call: Call<RouterRead>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.event_find(id).await?)?;
    Ok(HttpResponse::Ok().json(FallbackEventResponse::from(row)))
}
