//! One request as a line of a table.

use crate::console::components::format::{count, duration, money};
use crate::console::components::status_badge::Mark;
use crate::console::components::timestamp::Moment;
use crate::store::RequestRow;

/// A line.
#[derive(Debug, Clone)]
pub struct RequestLine {
    /// The request's id.
    pub id: String,
    /// When it came in.
    pub at: Moment,
    /// Who was asked for.
    pub requested_model: String,
    /// Who answered, if it was another one.
    pub served_model: Option<String>,
    /// How it ended.
    pub outcome: Mark,
    /// The status that the caller got.
    pub status: i32,
    /// To the first token; empty if there was none.
    pub first_token: String,
    /// To the end.
    pub took: String,
    /// Of prompt and answer; empty if they are not known.
    pub tokens: String,
    /// Empty if it is not known.
    pub cost: String,
    /// The key's name.
    pub key: String,
    /// Where the record comes from, unless it is an ordinary one.
    pub origin: Option<Mark>,
}

impl From<&RequestRow> for RequestLine {
    fn from(row: &RequestRow) -> Self {
        let tokens = row.input_tokens.zip(row.output_tokens);
        let about = if row.estimated { "~" } else { "" };
        Self {
            id: row.id.0.to_string(),
            at: Moment::from(row.created_at),
            requested_model: row.requested_model.clone(),
            served_model: row.served_model.clone().filter(|served| *served != row.requested_model),
            outcome: Mark::of_outcome(&row.outcome, row.hops),
            status: row.status_code,
            first_token: row.first_frame_ms.map(duration).unwrap_or_default(),
            took: duration(row.total_ms),
            tokens: tokens
                .map(|(input, output)| format!("{about}{} / {}", count(input), count(output)))
                .unwrap_or_default(),
            cost: match row.cost_nano_dollars {
                Some(cost) => money(cost),
                // A stream that goes on has yet to cost something.
                None if row.outcome == "running" => String::new(),
                None => "unknown".to_owned(),
            },
            key: row.api_key_name.clone().unwrap_or_default(),
            origin: Mark::of_origin(&row.origin),
        }
    }
}
