//! `/v1/model-router/fallback-events`: the audit of failovers. The recorder writes it; here it is only read.
//!
//! The fields up to `created_at` are Feather's own, with their types and nulls; the others say more about the same.

use actix_web::http::header::VARY;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::management::checks::path_id;
use crate::api::management::export::{Exported, Format, export};
use crate::api::management::page::{CursorPage, Size, requested};
use crate::api::management::query::{ORIGINS, QueryParameters};
use crate::auth::api::api_caller::{ApiCaller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::domain::error_class::ErrorClass;
use crate::store::{EventFilter, EventRow, Store};

/// What the cursors of this list are sealed for.
const LIST: &str = "fallback-events";

/// One candidate of one request that did not answer. Every field is present; empty is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct FallbackEventResponse {
    /// The event.
    id: Uuid,
    /// Whose request it was.
    organization_id: Uuid,
    /// The model that failed or was passed over.
    failed_model: String,
    /// The next entry of the chain, called or passed over; null where the chain ends.
    #[schema(required)]
    next_model: Option<String>,
    /// Why: the class of the failure, or the reason for passing over.
    error_class: String,
    /// What the provider said, redacted, at most 2,000 characters.
    #[schema(required)]
    error_message: Option<String>,
    /// What was asked for: `chat_completion` or `chat_completion_stream`.
    invocation_type: String,
    /// The stored configuration that gave the next candidate; null for a request's own list.
    #[schema(required)]
    router_config_id: Option<Uuid>,
    /// The caller's session.
    #[schema(required)]
    session_id: Option<Uuid>,
    /// When the candidate was given up.
    created_at: DateTime<Utc>,
    /// The request, as its caller got it in `x-request-id`.
    request_id: Uuid,
    /// The candidate's place in the request.
    hop: i32,
    /// Calls made of the candidate; 0 if it was passed over.
    attempts: i32,
    /// The last HTTP status of its provider; null if there was no answer.
    #[schema(required)]
    status_code: Option<i32>,
    /// The rule by which the failure was classified.
    #[schema(required)]
    matched_rule: Option<String>,
    /// Milliseconds that all calls of the candidate took together, without the waits between them.
    duration_ms: i64,
    /// The revision of that stored configuration.
    #[schema(required)]
    router_config_revision: Option<i64>,
    /// The session in its caller's own words, where those were no UUID.
    #[schema(required)]
    session_ref: Option<String>,
    /// `live`, `drill` or `demo`.
    origin: String,
    /// When the event was written.
    recorded_at: DateTime<Utc>,
}

impl From<EventRow> for FallbackEventResponse {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id.0,
            organization_id: row.organization_id.0,
            failed_model: row.failed_model,
            next_model: row.next_model,
            error_class: row.error_class,
            error_message: row.error_message,
            invocation_type: row.invocation_type,
            router_config_id: row.router_config_id,
            session_id: row.session_id,
            created_at: row.created_at,
            request_id: row.request_id.0,
            hop: row.hop,
            attempts: row.attempts,
            status_code: row.status_code,
            matched_rule: row.matched_rule,
            duration_ms: row.duration_ms,
            router_config_revision: row.router_config_revision,
            session_ref: row.session_ref,
            origin: row.origin,
            recorded_at: row.recorded_at,
        }
    }
}

impl Exported for FallbackEventResponse {
    const FILE: &'static str = "fallback-events";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "organization_id",
        "failed_model",
        "next_model",
        "error_class",
        "error_message",
        "invocation_type",
        "router_config_id",
        "session_id",
        "created_at",
        "request_id",
        "hop",
        "attempts",
        "status_code",
        "matched_rule",
        "duration_ms",
        "router_config_revision",
        "session_ref",
        "origin",
        "recorded_at",
    ];
}

/// List fallback events
///
/// The failovers of the organization's requests, newest first.
///
/// With `Accept: text/csv` or `application/x-ndjson` all that match are streamed, 100,000 at most.
///
/// # Errors
/// A parameter is unknown, sent twice or out of its range; the cursor is not one of this list.
#[utoipa::path(get, path = "/v1/model-router/fallback-events", tag = "model-router",
    operation_id = "listFallbackEvents", security(("bearer" = []), ("x-api-key" = [])),
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "Events on a page, 50 unless said otherwise; of an export up to 100,000"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("failed_model" = Option<String>, Query, description = "The model that did not answer"),
        ("next_model" = Option<String>, Query, description = "The next entry of the chain"),
        ("error_class" = Option<ErrorClass>, Query, description = "Why"),
        ("session_id" = Option<String>, Query, description = "The session: a UUID, or the caller's own text"),
        ("request_id" = Option<uuid::Uuid>, Query, description = "The request"),
        ("router_config_id" = Option<uuid::Uuid>, Query, description = "The stored configuration that gave the next candidate"),
        ("origin" = Option<String>, Query, description = "`live`, `drill` or `demo`"),
        ("since" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "Not before this moment (RFC 3339)"),
        ("until" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "Before this moment (RFC 3339)")),
    responses((status = 200, description = "A page of events, or a stream of all", content(
        (CursorPage<FallbackEventResponse> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 400, description = "The cursor is not one of this list"), (status = 422)))]
pub async fn list(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let mut query = QueryParameters::parse(request.query_string());
    let filter = filter(&mut query, data.organization_id());
    if let Some(format) = Format::preferred(&request) {
        let span = requested(query, &data, LIST, Size::EXPORT)?;
        let read = async move |after, limit| data.event_batch(&filter, after, limit).await;
        return export::<_, FallbackEventResponse, _>(format, (span.cursor, span.limit), read).await;
    }
    let page = requested(query, &data, LIST, Size::PAGE)?;
    let page = data.event_list(&filter, &page).await?.map(FallbackEventResponse::from);
    Ok(HttpResponse::Ok().insert_header((VARY, "Accept")).json(CursorPage::new(&data, LIST, page)))
}

fn filter(query: &mut QueryParameters, organization_id: OrganizationId) -> EventFilter {
    let (since, until) = query.span();
    EventFilter {
        failed_model: query.model_name("failed_model"),
        next_model: query.model_name("next_model"),
        error_class: query.word("error_class", &ErrorClass::ALL.map(ErrorClass::as_str)),
        session_id: query.session("session_id", organization_id),
        request_id: query.id("request_id"),
        router_config_id: query.id("router_config_id"),
        origin: query.word("origin", ORIGINS),
        since,
        until,
    }
}

/// Read a fallback event
///
/// One failover.
///
/// # Errors
/// The organization has no event of that id.
#[utoipa::path(get, path = "/v1/model-router/fallback-events/{id}", tag = "model-router",
    operation_id = "readFallbackEvent", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event")),
    responses((status = 200, description = "As it is now", body = FallbackEventResponse), (status = 404)))]
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
