//! One request as a table row.

use crate::console::components::format::{Decimals, count, duration};
use crate::console::components::status_badge::StatusBadge;
use crate::console::components::timestamp::Timestamp;
use crate::dialects::Endpoint;
use crate::domain::outcome::Outcome;
use crate::store::RequestRow;

/// The cells of a row.
#[derive(Debug, Clone)]
pub struct RequestLine {
    /// Id of the request.
    pub id: String,
    /// Time when it arrived.
    pub at: Timestamp,
    /// The model that was requested.
    pub requested_model: String,
    /// The model that answered, if it is another one.
    pub served_model: Option<String>,
    /// The path of the endpoint, if it is not that of chat completions.
    pub endpoint: Option<String>,
    /// How the request ended.
    pub outcome: StatusBadge,
    /// Status that the caller received.
    pub status: i32,
    /// Time to the first token; empty if there was none.
    pub first_token: String,
    /// Total duration, as text.
    pub took: String,
    /// Tokens of prompt and answer; empty if unknown.
    pub tokens: String,
    /// Cost; empty if unknown.
    pub cost: String,
    /// Name of the key.
    pub key: String,
    /// Origin of the record; `None` for live traffic.
    pub origin: Option<StatusBadge>,
}

impl From<&RequestRow> for RequestLine {
    fn from(row: &RequestRow) -> Self {
        Self::of(row, Decimals::of(row.cost_nano_dollars))
    }
}

impl RequestLine {
    /// The rows of a list. The points of their costs align.
    pub(crate) fn list(rows: &[RequestRow]) -> Vec<Self> {
        let decimals = Decimals::of(rows.iter().filter_map(|row| row.cost_nano_dollars));
        rows.iter().map(|row| Self::of(row, decimals)).collect()
    }

    fn of(row: &RequestRow, decimals: Decimals) -> Self {
        let tokens = row.input_tokens.zip(row.output_tokens);
        let about = if row.estimated { "~" } else { "" };
        Self {
            id: row.id.0.to_string(),
            at: Timestamp::from(row.created_at),
            requested_model: row.requested_model.clone(),
            served_model: row.served_model.clone().filter(|served| *served != row.requested_model),
            endpoint: Some(row.endpoint.clone()).filter(|endpoint| endpoint != Endpoint::USUAL),
            outcome: StatusBadge::of_outcome(&row.outcome, row.hops),
            status: row.status_code,
            first_token: row.first_frame_ms.map(duration).unwrap_or_default(),
            took: duration(row.total_ms),
            tokens: tokens
                .map(|(input, output)| format!("{about}{} / {}", count(input), count(output)))
                .unwrap_or_default(),
            cost: match row.cost_nano_dollars {
                Some(cost) => decimals.money(cost),
                // The cost of a running stream is not known yet.
                None if row.outcome == Outcome::Running => String::new(),
                None => "unknown".to_owned(),
            },
            key: row.api_key_name.clone().unwrap_or_default(),
            origin: StatusBadge::of_origin(&row.origin),
        }
    }
}
