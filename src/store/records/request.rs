//! One request that reached a candidate: a row of `requests`, with its closed sets as enums.

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, RequestId};
use entity::requests;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::pagination::Position;
use crate::store::records::attempts::Attempts;

/// The columns of `requests`, in the order in which they are written and exported. Only the last one is internal.
pub const REQUEST_COLUMNS: [&str; 35] = [
    "id",
    "organization_id",
    "api_key_id",
    "api_key_name",
    "requested_model",
    "served_model",
    "served_provider",
    "outcome",
    "error_class",
    "status_code",
    "endpoint",
    "invocation_type",
    "streamed",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cache_write_tokens",
    "usage_flag",
    "cost_nano_dollars",
    "cost_source",
    "model_price_id",
    "estimated",
    "first_frame_ms",
    "total_ms",
    "upstream_calls",
    "hops",
    "attempts",
    "session_id",
    "session_ref",
    "client_retry_count",
    "origin",
    "created_at",
    "recorded_at",
    "instance_id",
];

/// One request. The same type is recorded, spooled and read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRow {
    /// Primary key. The caller gets it as `x-request-id`.
    pub id: RequestId,
    /// The organization of the request.
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
    /// How it ended; [`Outcome::Running`] while a stream goes on.
    pub outcome: Stored<Outcome>,
    /// The error class that ended the request; `None` if it was answered or the caller closed the connection.
    pub error_class: Option<Stored<ErrorClass>>,
    /// The HTTP status that was sent to the caller.
    pub status_code: i32,
    /// The requested path in its canonical form.
    pub endpoint: String,
    /// What was asked for.
    pub invocation_type: Stored<InvocationType>,
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
    pub attempts: Attempts,
    /// The session of the caller, as a UUID.
    pub session_id: Option<Uuid>,
    /// The session as the caller wrote it; `None` if that was a UUID.
    pub session_ref: Option<String>,
    /// How often the caller's SDK had retried the request.
    pub client_retry_count: Option<i32>,
    /// Where it comes from.
    pub origin: Stored<Origin>,
    /// When the request arrived.
    pub created_at: DateTime<Utc>,
    /// When the row was written.
    pub recorded_at: DateTime<Utc>,
    /// The process that serves the stream and has not finished the row. `None`: the row is final.
    pub instance_id: Option<Uuid>,
    /// What budgets count in addition to the cost, in nano-dollars. It is in the roll-ups by day and not in the table, so a
    /// row that is read back has 0.
    #[serde(default)]
    pub budget_only_nano_dollars: i64,
}

impl From<requests::Model> for RequestRow {
    fn from(row: requests::Model) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            api_key_id: row.api_key_id,
            api_key_name: row.api_key_name,
            requested_model: row.requested_model,
            served_model: row.served_model,
            served_provider: row.served_provider,
            outcome: Stored::parse(&row.outcome),
            error_class: row.error_class.as_deref().map(Stored::parse),
            status_code: row.status_code,
            endpoint: row.endpoint,
            invocation_type: Stored::parse(&row.invocation_type),
            streamed: row.streamed,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cached_tokens: row.cached_tokens,
            reasoning_tokens: row.reasoning_tokens,
            cache_write_tokens: row.cache_write_tokens,
            usage_flag: row.usage_flag,
            cost_nano_dollars: row.cost_nano_dollars,
            cost_source: row.cost_source,
            model_price_id: row.model_price_id,
            estimated: row.estimated,
            first_frame_ms: row.first_frame_ms,
            total_ms: row.total_ms,
            upstream_calls: row.upstream_calls,
            hops: row.hops,
            attempts: row.attempts.into(),
            session_id: row.session_id,
            session_ref: row.session_ref,
            client_retry_count: row.client_retry_count,
            origin: Stored::parse(&row.origin),
            created_at: row.created_at,
            recorded_at: row.recorded_at,
            instance_id: row.instance_id,
            budget_only_nano_dollars: 0,
        }
    }
}

impl From<&RequestRow> for requests::Model {
    fn from(row: &RequestRow) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            api_key_id: row.api_key_id,
            api_key_name: row.api_key_name.clone(),
            requested_model: row.requested_model.clone(),
            served_model: row.served_model.clone(),
            served_provider: row.served_provider.clone(),
            outcome: row.outcome.as_str().to_owned(),
            error_class: row.error_class.as_ref().map(|word| word.as_str().to_owned()),
            status_code: row.status_code,
            endpoint: row.endpoint.clone(),
            invocation_type: row.invocation_type.as_str().to_owned(),
            streamed: row.streamed,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cached_tokens: row.cached_tokens,
            reasoning_tokens: row.reasoning_tokens,
            cache_write_tokens: row.cache_write_tokens,
            usage_flag: row.usage_flag.clone(),
            cost_nano_dollars: row.cost_nano_dollars,
            cost_source: row.cost_source.clone(),
            model_price_id: row.model_price_id,
            estimated: row.estimated,
            first_frame_ms: row.first_frame_ms,
            total_ms: row.total_ms,
            upstream_calls: row.upstream_calls,
            hops: row.hops,
            attempts: row.attempts.clone().into_stored(),
            session_id: row.session_id,
            session_ref: row.session_ref.clone(),
            client_retry_count: row.client_retry_count,
            origin: row.origin.as_str().to_owned(),
            created_at: row.created_at,
            recorded_at: row.recorded_at,
            instance_id: row.instance_id,
        }
    }
}

impl From<&RequestRow> for Position {
    fn from(row: &RequestRow) -> Self {
        Self { created_at: row.created_at, id: row.id.0 }
    }
}
