//! One failover: a row of `fallback_events`, with its closed sets as enums.

use chrono::{DateTime, Utc};
use entity::fallback_events;
use entity::ids::{FallbackEventId, OrganizationId, RequestId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::store::pagination::Position;

/// One candidate of one request that did not answer. The same type is recorded, spooled and read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FallbackEventRow {
    /// The primary key of the row.
    pub id: FallbackEventId,
    /// The organization of the request.
    pub organization_id: OrganizationId,
    /// The request. Its row is written later, when it ends.
    pub request_id: RequestId,
    /// Catalog name of the model that did not answer.
    pub failed_model: String,
    /// Catalog name of the next candidate, called or skipped; `None` at the end of the chain.
    pub next_model: Option<String>,
    /// The error class of the last attempt, or the reason for skipping the candidate.
    pub error_class: Stored<ErrorClass>,
    /// The error message of the provider, redacted, at most 2,000 characters.
    pub error_message: Option<String>,
    /// What was asked for.
    pub invocation_type: Stored<InvocationType>,
    /// The stored configuration that the next candidate comes from; `None` if it comes from the request or there is none.
    pub router_config_id: Option<Uuid>,
    /// The revision of that configuration.
    pub router_config_revision: Option<i64>,
    /// The session of the caller, as a UUID.
    pub session_id: Option<Uuid>,
    /// The session as the caller wrote it; `None` if that was a UUID.
    pub session_ref: Option<String>,
    /// The position of this event among those of the request, from 1.
    pub hop: i32,
    /// Number of calls to this candidate; 0 if it was skipped.
    pub attempts: i32,
    /// The last HTTP status; `None` if there was no response.
    pub status_code: Option<i32>,
    /// The rule that classified the failure.
    pub matched_rule: Option<String>,
    /// The total duration of the calls to this candidate in milliseconds, without the waits between them.
    pub duration_ms: i64,
    /// Where it comes from.
    pub origin: Stored<Origin>,
    /// When the candidate failed for good or was skipped.
    pub created_at: DateTime<Utc>,
    /// When the row was written.
    pub recorded_at: DateTime<Utc>,
}

impl From<fallback_events::Model> for FallbackEventRow {
    fn from(row: fallback_events::Model) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            request_id: row.request_id,
            failed_model: row.failed_model,
            next_model: row.next_model,
            error_class: Stored::parse(&row.error_class),
            error_message: row.error_message,
            invocation_type: Stored::parse(&row.invocation_type),
            router_config_id: row.router_config_id,
            router_config_revision: row.router_config_revision,
            session_id: row.session_id,
            session_ref: row.session_ref,
            hop: row.hop,
            attempts: row.attempts,
            status_code: row.status_code,
            matched_rule: row.matched_rule,
            duration_ms: row.duration_ms,
            origin: Stored::parse(&row.origin),
            created_at: row.created_at,
            recorded_at: row.recorded_at,
        }
    }
}

impl From<&FallbackEventRow> for fallback_events::Model {
    fn from(row: &FallbackEventRow) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            request_id: row.request_id,
            failed_model: row.failed_model.clone(),
            next_model: row.next_model.clone(),
            error_class: row.error_class.as_str().to_owned(),
            error_message: row.error_message.clone(),
            invocation_type: row.invocation_type.as_str().to_owned(),
            router_config_id: row.router_config_id,
            router_config_revision: row.router_config_revision,
            session_id: row.session_id,
            session_ref: row.session_ref.clone(),
            hop: row.hop,
            attempts: row.attempts,
            status_code: row.status_code,
            matched_rule: row.matched_rule.clone(),
            duration_ms: row.duration_ms,
            origin: row.origin.as_str().to_owned(),
            created_at: row.created_at,
            recorded_at: row.recorded_at,
        }
    }
}

impl From<&FallbackEventRow> for Position {
    fn from(row: &FallbackEventRow) -> Self {
        Self { created_at: row.created_at, id: row.id.0 }
    }
}
