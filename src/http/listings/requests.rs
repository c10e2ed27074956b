//! Requests that reached a candidate. A row holds no prompt and no completion.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::export::Listed;
use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::{REQUEST_COLUMNS, RequestRow};

/// A request that reached a candidate. Every field is present; missing values are null.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestResponse {
    /// The request's id, the same as in the header `x-request-id`.
    id: Uuid,
    /// The organization of the request.
    organization_id: Uuid,
    /// The API key of the request.
    #[schema(required)]
    api_key_id: Option<Uuid>,
    /// The key's name at the time of the request.
    #[schema(required)]
    api_key_name: Option<String>,
    /// The model that was requested.
    requested_model: String,
    /// The model that answered; null if none did.
    #[schema(required)]
    served_model: Option<String>,
    /// The provider that answered.
    #[schema(required)]
    served_provider: Option<String>,
    /// How it ended; `running` while its stream goes on.
    #[schema(value_type = Outcome)]
    outcome: Stored<Outcome>,
    /// The error class of a failed request.
    #[schema(required, value_type = Option<ErrorClass>)]
    error_class: Option<Stored<ErrorClass>>,
    /// The HTTP status of the response.
    status_code: i32,
    /// The path of the request.
    endpoint: String,
    /// The kind of request.
    #[schema(value_type = InvocationType)]
    invocation_type: Stored<InvocationType>,
    /// Whether a stream was asked for.
    streamed: bool,
    /// Tokens of the prompt.
    #[schema(required)]
    input_tokens: Option<i64>,
    /// Completion tokens, including reasoning.
    #[schema(required)]
    output_tokens: Option<i64>,
    /// Prompt tokens that came from the provider's cache; part of `input_tokens`.
    #[schema(required)]
    cached_tokens: Option<i64>,
    /// Tokens spent on reasoning; part of `output_tokens`.
    #[schema(required)]
    reasoning_tokens: Option<i64>,
    /// Prompt tokens that the provider put into its cache; part of `input_tokens`.
    #[schema(required)]
    cache_write_tokens: Option<i64>,
    /// A problem with the provider's token counts: `clamped` (a number was negative, malformed or implausible),
    /// `contradictory` (the numbers contradict each other) or `unusable` (there was no count).
    #[schema(required)]
    usage_flag: Option<String>,
    /// The cost in nano-dollars; null if unknown.
    #[schema(required)]
    cost_nano_dollars: Option<i64>,
    /// The source of the cost: `provider` (the provider reported it), `own_price` or `list_price`; null if the cost
    /// is unknown or zero.
    #[schema(required)]
    cost_source: Option<String>,
    /// The price that the cost was computed with.
    #[schema(required)]
    model_price_id: Option<Uuid>,
    /// Whether the token counts are the gateway's estimates.
    estimated: bool,
    /// Milliseconds until the first frame with content.
    #[schema(required)]
    first_frame_ms: Option<i64>,
    /// Milliseconds until the end of the response.
    total_ms: i64,
    /// The number of calls to providers.
    upstream_calls: i32,
    /// The number of candidates that failed or were skipped before the response.
    hops: i32,
    /// Every attempt and every skipped candidate, in order, at most 64.
    #[schema(value_type = Vec<Object>)]
    attempts: serde_json::Value,
    /// The session of the request.
    #[schema(required)]
    session_id: Option<Uuid>,
    /// The session as the caller named it, if that is not a UUID.
    #[schema(required)]
    session_ref: Option<String>,
    /// How often the caller's SDK had tried this request before.
    #[schema(required)]
    client_retry_count: Option<i32>,
    /// Where it comes from.
    #[schema(value_type = Origin)]
    origin: Stored<Origin>,
    /// When the request arrived.
    created_at: DateTime<Utc>,
    /// When the row was recorded.
    recorded_at: DateTime<Utc>,
}

impl From<RequestRow> for RequestResponse {
    fn from(row: RequestRow) -> Self {
        Self {
            id: row.id.0,
            organization_id: row.organization_id.0,
            api_key_id: row.api_key_id,
            api_key_name: row.api_key_name,
            requested_model: row.requested_model,
            served_model: row.served_model,
            served_provider: row.served_provider,
            outcome: row.outcome,
            error_class: row.error_class,
            status_code: row.status_code,
            endpoint: row.endpoint,
            invocation_type: row.invocation_type,
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
            attempts: row.attempts.into_value(),
            session_id: row.session_id,
            session_ref: row.session_ref,
            client_retry_count: row.client_retry_count,
            origin: row.origin,
            created_at: row.created_at,
            recorded_at: row.recorded_at,
        }
    }
}

const STORED: &[&str] = &REQUEST_COLUMNS;

impl Listed for RequestResponse {
    const NAME: &'static str = "requests";
    // All but the process that served it.
    const COLUMNS: &'static [&'static str] = match STORED.split_last() {
        Some((_, exported)) => exported,
        None => &[],
    };
}
