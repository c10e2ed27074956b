//! Table `requests`: one row per request that reached a candidate, written when the request ends.
//!
//! Models, providers and keys are stored by name, so that a row stays correct after they are deleted. Prompts and
//! completions are not stored. The row of a stream is written when its answer begins and updated when it ends. Rows
//! do not change after that.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{OrganizationId, RequestId};

/// One request that reached a candidate.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "requests")]
pub struct Model {
    /// The second part of the primary key, a UUIDv7. The caller gets it as `x-request-id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RequestId,
    /// The organization of the request; the first part of the primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The API key of the caller; `None` without a key.
    pub api_key_id: Option<Uuid>,
    /// The name of the key at the time of the request.
    pub api_key_name: Option<String>,
    /// Catalog name of the requested model.
    pub requested_model: String,
    /// Catalog name of the model that answered; `None` if none did.
    pub served_model: Option<String>,
    /// Catalog name of the provider that answered.
    pub served_provider: Option<String>,
    /// `answered`, `failed`, `interrupted` or `client_closed`; `running` while a stream goes on.
    pub outcome: String,
    /// The error class that ended the request; `None` if it was answered or the caller closed the connection.
    pub error_class: Option<String>,
    /// The HTTP status that was sent to the caller.
    pub status_code: i32,
    /// The requested path in its canonical form.
    pub endpoint: String,
    /// The kind of request, such as `chat_completion` or `response_stream`.
    pub invocation_type: String,
    /// Whether the caller asked for a stream.
    pub streamed: bool,
    /// Prompt tokens; `None` if unknown.
    pub input_tokens: Option<i64>,
    /// Completion tokens, including reasoning.
    pub output_tokens: Option<i64>,
    /// Prompt tokens read from the cache of the provider; part of `input_tokens`.
    pub cached_tokens: Option<i64>,
    /// Tokens spent on reasoning; part of `output_tokens`.
    pub reasoning_tokens: Option<i64>,
    /// Prompt tokens written to the cache of the provider; part of `input_tokens`.
    pub cache_write_tokens: Option<i64>,
    /// A problem with the usage that the provider reported: `clamped`, `contradictory` or `unusable`. `None`: no problem.
    pub usage_flag: Option<String>,
    /// The cost of the answer in nano-dollars; `None` if unknown. Failed attempts cost 0.
    pub cost_nano_dollars: Option<i64>,
    /// The source of the cost: `provider` (as billed), `own_price` or `list_price`. `None` if the cost is unknown or
    /// nothing was billed.
    pub cost_source: Option<String>,
    /// The price row that the cost is based on.
    pub model_price_id: Option<Uuid>,
    /// Whether the token counts are estimates, because the provider reported none or the stream did not end normally.
    pub estimated: bool,
    /// Milliseconds until the first content frame was sent; `None` if none was.
    pub first_frame_ms: Option<i64>,
    /// Milliseconds until the request ended.
    pub total_ms: i64,
    /// Number of calls to providers, including retries.
    pub upstream_calls: i32,
    /// Number of candidates that failed or were skipped before the answer.
    pub hops: i32,
    /// Every attempt and skipped candidate, in order, at most 64: a JSON array.
    pub attempts: Json,
    /// The session of the caller, as a UUID.
    pub session_id: Option<Uuid>,
    /// The session as the caller wrote it; `None` if that was a UUID.
    pub session_ref: Option<String>,
    /// How often the caller's SDK had retried the request.
    pub client_retry_count: Option<i32>,
    /// `live`, `drill` or `demo`.
    pub origin: String,
    /// When the request arrived.
    pub created_at: DateTimeUtc,
    /// When the row was written.
    pub recorded_at: DateTimeUtc,
    /// The process that serves the stream and has not finished the row. `None`: the row is final.
    pub instance_id: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
