//! Table `fallback_events`: the log of failovers, one row per candidate that failed or was skipped.
//!
//! Models and configurations are stored by name or id without a foreign key, so that an event stays correct after they
//! are deleted. Rows are never changed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{FallbackEventId, OrganizationId, RequestId};

/// One candidate of one request that did not answer.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "fallback_events")]
pub struct Model {
    /// The second part of the primary key, a UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FallbackEventId,
    /// The organization of the request; the first part of the primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The request. Its row is written later, when it ends.
    pub request_id: RequestId,
    /// Catalog name of the model that did not answer.
    pub failed_model: String,
    /// Catalog name of the next candidate, called or skipped; `None` at the end of the chain.
    pub next_model: Option<String>,
    /// The error class of the last attempt, or the reason for skipping the candidate.
    pub error_class: String,
    /// The error message of the provider, redacted, at most 2,000 characters.
    pub error_message: Option<String>,
    /// The kind of request, such as `chat_completion` or `response_stream`.
    pub invocation_type: String,
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
    /// `live`, `drill` or `demo`.
    pub origin: String,
    /// When the candidate failed for good or was skipped.
    pub created_at: DateTimeUtc,
    /// When the row was written.
    pub recorded_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
