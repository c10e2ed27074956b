//! Fallback events: one candidate of one request that did not answer. The names, types and nulls of the members up to
//! `created_at` are a contract.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::export::Listed;
use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::store::FallbackEventRow;

/// A candidate of a request that failed or was skipped. Every field is present; missing values are null.
#[derive(Debug, Serialize, ToSchema)]
pub struct FallbackEventResponse {
    /// The id of the event.
    id: Uuid,
    /// The organization of the request.
    organization_id: Uuid,
    /// The model that failed or was skipped.
    failed_model: String,
    /// The next model of the chain, called or skipped; null at the end of the chain.
    #[schema(required)]
    next_model: Option<String>,
    /// Why: the class of the failure, or the reason for passing over.
    #[schema(value_type = ErrorClass)]
    error_class: Stored<ErrorClass>,
    /// The provider's error message, with secrets removed, at most 2,000 characters.
    #[schema(required)]
    error_message: Option<String>,
    /// The kind of request.
    #[schema(value_type = InvocationType)]
    invocation_type: Stored<InvocationType>,
    /// The stored configuration with the next candidate; null for a list in the request.
    #[schema(required)]
    router_config_id: Option<Uuid>,
    /// The session of the request.
    #[schema(required)]
    session_id: Option<Uuid>,
    /// When the candidate failed or was skipped.
    created_at: DateTime<Utc>,
    /// The request's id, the same as in the header `x-request-id`.
    request_id: Uuid,
    /// The candidate's position in the request.
    hop: i32,
    /// How often the candidate was called; 0 if it was skipped.
    attempts: i32,
    /// The last HTTP status of its provider; null if there was no response.
    #[schema(required)]
    status_code: Option<i32>,
    /// The rule that classified the failure. Of a skipped candidate what it lacks, or `cooldown:` and the class of the
    /// failure that opened its cooldown; null for other skips.
    #[schema(required)]
    matched_rule: Option<String>,
    /// The duration of all calls of the candidate in milliseconds, without the waits between them.
    duration_ms: i64,
    /// The revision of the stored configuration.
    #[schema(required)]
    router_config_revision: Option<i64>,
    /// The session as the caller named it, if that is not a UUID.
    #[schema(required)]
    session_ref: Option<String>,
    /// Where the request comes from.
    #[schema(value_type = Origin)]
    origin: Stored<Origin>,
    /// When the event was recorded.
    recorded_at: DateTime<Utc>,
}

impl From<FallbackEventRow> for FallbackEventResponse {
    fn from(row: FallbackEventRow) -> Self {
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
