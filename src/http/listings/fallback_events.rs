//! Fallback events: one candidate of one request that did not answer. The names, types and nulls of the members up to
//! `created_at` are a contract.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::export::Listed;
use crate::store::EventRow;

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

impl Listed for FallbackEventResponse {
    const NAME: &'static str = "fallback-events";
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
