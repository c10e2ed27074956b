//! Usage: requests, tokens and cost, summed up from the roll-ups.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::export::Listed;
use crate::store::UsageRow;

/// Usage of one group. Every field is present; fields that the rows are not grouped by are null.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageResponse {
    /// The day, in UTC.
    #[schema(required)]
    day: Option<NaiveDate>,
    /// The model that answered; also null if none did.
    #[schema(required)]
    model: Option<String>,
    /// The API key; also null for requests from the console.
    #[schema(required)]
    api_key_id: Option<Uuid>,
    /// The session of the requests.
    #[schema(required)]
    session_id: Option<Uuid>,
    /// Requests that reached a candidate.
    requests: i64,
    /// Requests with a complete response.
    answered: i64,
    /// Answered requests with a response from a fallback.
    by_fallback: i64,
    /// Requests without a complete response: no model answered, the response was interrupted, or the client
    /// disconnected.
    failed: i64,
    /// Tokens of the prompts.
    input_tokens: i64,
    /// Completion tokens, including reasoning.
    output_tokens: i64,
    /// Prompt tokens that came from a provider's cache; part of `input_tokens`.
    cached_tokens: i64,
    /// Tokens spent on reasoning; part of `output_tokens`.
    reasoning_tokens: i64,
    /// The cost in nano-dollars; a lower bound if `unpriced` is not 0. Null: no cost is known.
    #[schema(required)]
    cost_nano_dollars: Option<i64>,
    /// Requests with token counts that the gateway has estimated.
    estimated: i64,
    /// Requests with an unknown cost.
    unpriced: i64,
    /// `cost_nano_dollars` in dollars, as a decimal number with nine digits after the point.
    #[schema(required)]
    cost_dollars: Option<String>,
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
            cost_dollars: row.cost().map(dollars),
        }
    }
}

/// Nano-dollars as dollars, without rounding.
fn dollars(nano_dollars: i64) -> String {
    let sign = if nano_dollars < 0 { "-" } else { "" };
    let nano = nano_dollars.unsigned_abs();
    format!("{sign}{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)
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
        "cost_dollars",
    ];
}
