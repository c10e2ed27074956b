//! Table `fallback_events`: the audit of failovers, one row per candidate that failed or was passed over.
//!
//! Models and configurations are named, not referenced: an event stays true when they are gone. Rows are never changed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{FallbackEventId, OrganizationId, RequestId};

/// One candidate of one request that did not answer.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "fallback_events")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
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
    pub error_class: String,
    /// What the provider said, redacted, at most 2,000 characters.
    pub error_message: Option<String>,
    /// What was asked for: `chat_completion`, `chat_completion_stream`.
    pub invocation_type: String,
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
    /// `live`, `drill` or `demo`.
    pub origin: String,
    /// When the candidate was given up.
    pub created_at: DateTimeUtc,
    /// When the row was written.
    pub recorded_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
