//! One failover: a row of `fallback_events`, with its closed sets as enums.

use chrono::{DateTime, Utc};
use entity::fallback_events;
use entity::ids::{FallbackEventId, OrganizationId, RequestId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::closed_set::Stored;
use crate::domain::error_class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::store::pagination::Position;

/// One candidate of one request that did not answer. The same type is recorded, spooled and read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FallbackEventRow {
    /// Primary key.
    pub id: FallbackEventId,
    /// Whose request it was.
    pub organization_id: OrganizationId,
    /// The request; its own row comes later, with its end.
    pub request_id: RequestId,
    /// Catalogue name of the model that did not answer.
    pub failed_model: String,
    /// Catalogue name of the next entry of the chain, called or passed over. None: the chain ended.
    pub next_model: Option<String>,
    /// Why: the class of the last attempt's failure, or of the pass-over.
    pub error_class: Stored<ErrorClass>,
    /// What the provider said, redacted, at most 2,000 characters.
    pub error_message: Option<String>,
    /// What was asked for.
    pub invocation_type: Stored<InvocationType>,
    /// The stored configuration that gave the next candidate. None: the request's own list, or no next one.
    pub router_config_id: Option<Uuid>,
    /// That configuration's revision.
    pub router_config_revision: Option<i64>,
    /// The caller's session, as a UUID.
    pub session_id: Option<Uuid>,
    /// The caller's session in the caller's words, where those were no UUID.
    pub session_ref: Option<String>,
    /// The place of this event among the request's, from 1.
    pub hop: i32,
    /// Calls made of this candidate; 0 if it was passed over.
    pub attempts: i32,
    /// The last HTTP status. None: there was no answer.
    pub status_code: Option<i32>,
    /// The rule by which the failure was classified.
    pub matched_rule: Option<String>,
    /// Milliseconds that all calls of this candidate took together, without the waits between them.
    pub duration_ms: i64,
    /// Where it comes from.
    pub origin: Stored<Origin>,
    /// When the candidate was given up.
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
