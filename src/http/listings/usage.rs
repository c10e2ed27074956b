//! Usage: requests, tokens and cost, summed up from the roll-ups.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::export::Listed;
use crate::store::UsageRow;

/// What was used. Every field is present; what the rows are not added up by is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageResponse {
    /// The UTC day.
    #[schema(required)]
    day: Option<NaiveDate>,
    /// The model that answered; null also where nobody did.
    #[schema(required)]
    model: Option<String>,
    /// The key that called; null also for people at a page.
    #[schema(required)]
    api_key_id: Option<Uuid>,
    /// The caller's session.
    #[schema(required)]
    session_id: Option<Uuid>,
    /// Requests that reached a candidate.
    requests: i64,
    /// Those that were answered whole.
    answered: i64,
    /// Those of them that another model than the requested one answered.
    by_fallback: i64,
    /// Those that were not: nobody answered, the answer broke off, or its caller left.
    failed: i64,
    /// Prompt tokens.
    input_tokens: i64,
    /// Answer tokens, reasoning included.
    output_tokens: i64,
    /// Prompt tokens that came from a provider's cache; part of `input_tokens`.
    cached_tokens: i64,
    /// Tokens spent on reasoning; part of `output_tokens`.
    reasoning_tokens: i64,
    /// What it cost, in nano-dollars; at least that where `unpriced` is not 0. Null: nothing of it is known.
    #[schema(required)]
    cost_nano_dollars: Option<i64>,
    /// Requests whose tokens are our own reckoning.
    estimated: i64,
    /// Requests with an unknown cost.
    unpriced: i64,
}

impl From<UsageRow> for UsageResponse {
    fn from(row: UsageRow) -> Self {
        Self {
            day: row.day(),
            model: row.model().map(str::to_owned),
            api_key_id: row.api_key_id(),
            session_id: row.session_id(),
            requests: row.requests,
            answered: row.answered,
            by_fallback: row.by_fallback,
            failed: row.requests - row.answered,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cached_tokens: row.cached_tokens,
            reasoning_tokens: row.reasoning_tokens,
            cost_nano_dollars: row.cost(),
            estimated: row.estimated,
            unpriced: row.unpriced,
        }
    }
}

impl Listed for UsageResponse {
    const NAME: &'static str = "usage";
    const COLUMNS: &'static [&'static str] = &[
        "day",
        "model",
        "api_key_id",
        "session_id",
        "requests",
        "answered",
        "by_fallback",
        "failed",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "reasoning_tokens",
        "cost_nano_dollars",
        "estimated",
        "unpriced",
    ];
}
