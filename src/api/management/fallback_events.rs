//! `/v1/model-router/fallback-events`: the log of failovers. It is read-only.

use actix_web::http::header::VARY;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::ids::OrganizationId;

use crate::api::management::checks::path_id;
use crate::api::management::page::{CursorPage, PageParameters, Size, requested};
use crate::api::management::query::QueryParameters;
use crate::auth::api::api_caller::{ApiCaller, RouterRead};
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::{Error, Result};
use crate::domain::error_class::ErrorClass;
use crate::domain::origin::Origin;
use crate::http::listings::export::{Format, Listed as _, export};
use crate::http::listings::fallback_events::FallbackEventResponse;
use crate::store::{EventFilter, Store};

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
pub async fn list(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let mut query = QueryParameters::parse(request.query_string());
    let filter = filter(&mut query, data.organization_id());
    if let Some(format) = Format::preferred(&request) {
        let span = requested(query, &data, FallbackEventResponse::NAME, Size::EXPORT)?;
        let read = async move |after, limit| data.event_batch(&filter, after, limit).await;
        return export::<_, FallbackEventResponse, _>(format, (span.cursor, span.limit), read).await;
    }
    let page = requested(query, &data, FallbackEventResponse::NAME, Size::PAGE)?;
    let page = data.event_list(&filter, &page).await?.map(FallbackEventResponse::from);
    let page = CursorPage::new(&data, FallbackEventResponse::NAME, page);
    Ok(HttpResponse::Ok().insert_header((VARY, "Accept")).json(page))
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
pub async fn read(
    caller: ApiCaller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id("fallback event", &path)?;
    let event = store.organization(&caller.tenant).event_find(id).await?;
    let event = event.ok_or_else(|| Error::absent("fallback event", id))?;
    Ok(HttpResponse::Ok().json(FallbackEventResponse::from(event)))
}
