//! The longest answer to a request, over all its choices, which budgets reserve.
//!
//! Unclear limits count as large: of several limits the largest counts, and without a limit the model's own. Invalid
//! numbers were rejected with the body.

use crate::domain::amount::MOST_TOKENS;
use crate::gateway::request::chat_request::numbers::{CHOICES, LIMITS, MOST_CHOICES};
use crate::gateway::request::chat_request::{ChatRequest, Part};
use crate::store::snapshot::ModelEntry;

/// The longest answer of a model with an unknown limit, in tokens.
pub const UNKNOWN_MODEL: i64 = 32_768;

/// The limits that a request sets for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimit {
    /// The tokens of one choice; `None` if the request has no valid limit.
    tokens: Option<i64>,
    choices: i64,
}

impl AnswerLimit {
    /// Reads the limits of a request.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Self {
        let said = |names: &'static [&str]| {
            let named = move |part: &&Part| names.contains(&part.name.as_str());
            request
                .parts
                .iter()
                .filter(named)
                .map(|part| request.value(part))
                .filter(|value| *value != b"null")
        };
        // Providers may read an invalid limit as no limit, so it overrides the others.
        let limits: Option<Vec<i64>> = said(&LIMITS).map(positive).collect();
        let choices = said(&CHOICES).map(|value| positive(value).unwrap_or(MOST_CHOICES));
        Self {
            tokens: limits.and_then(|limits| limits.into_iter().max()),
            choices: choices.max().unwrap_or(1),
        }
    }

    /// The tokens that the request states, at most the model's own limit; `None` if it states none.
    #[must_use]
    pub fn stated(&self, model: &ModelEntry) -> Option<i64> {
        let each = self
            .tokens
            .map(|tokens| model.settings.max_output_tokens.map_or(tokens, |most| tokens.min(most)));
        each.map(|each| each.saturating_mul(self.choices))
    }

    /// The longest answer in tokens by the request or the model's own limit; `None` if it is unknown.
    #[must_use]
    pub fn known(&self, model: &ModelEntry) -> Option<i64> {
        let own = || model.settings.max_output_tokens.map(|most| most.saturating_mul(self.choices));
        self.stated(model).or_else(own)
    }

    /// The longest answer in tokens; an estimate if it is unknown.
    #[must_use]
    pub fn most(&self, model: &ModelEntry) -> i64 {
        let window = model.settings.context_window.unwrap_or(UNKNOWN_MODEL);
        self.known(model).unwrap_or_else(|| UNKNOWN_MODEL.min(window).saturating_mul(self.choices))
    }
}

/// A JSON number above 0, also in quotes; fractions are rounded up. `None` for anything else.
fn positive(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    // Rust would also parse `inf` and `nan`.
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^52")]
    let number = text.parse::<f64>().ok()?.ceil().clamp(0.0, MOST_TOKENS as f64) as i64;
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn of(members: &str) -> (Option<i64>, i64) {
        let body = format!(r#"{{"model":"m"{members}}}"#);
        let limit = AnswerLimit::of(&ChatRequest::parse(Bytes::from(body)).expect(members));
        (limit.tokens, limit.choices)
    }

    #[test]
    fn of_several_limits_the_largest_counts() {
        for (members, tokens, choices) in [
            ("", None, 1),
            (r#","max_tokens":7"#, Some(7), 1),
            (r#","max_tokens":1,"max_completion_tokens":1000"#, Some(1_000), 1),
            (r#","max_completion_tokens":1000,"max_tokens":1"#, Some(1_000), 1),
            (r#","max_tokens":null,"max_completion_tokens":9"#, Some(9), 1),
            (r#","max_tokens":0"#, None, 1),
            (r#","max_tokens":-1,"max_completion_tokens":9"#, None, 1),
            (r#","max_tokens":1.5e3"#, Some(1_500), 1),
            (r#","max_tokens":99999999999999999999999"#, Some(MOST_TOKENS), 1),
            (r#","max_tokens":7,"n":8"#, Some(7), 8),
            (r#","max_tokens":7,"n":null"#, Some(7), 1),
            (r#","n":2,"best_of":5"#, None, 5),
            (r#","n":1.28e2"#, None, MOST_CHOICES),
        ] {
            assert_eq!(of(members), (tokens, choices), "{members}");
        }
    }

    #[test]
    fn what_is_no_number_of_tokens_is_none() {
        for (value, number) in [
            ("12", Some(12)),
            ("0.5", Some(1)),
            ("1e999", Some(MOST_TOKENS)),
            (r#""12""#, Some(12)),
            ("0", None),
            ("-2.5", None),
            ("-0", None),
            (r#""many""#, None),
            (r#""inf""#, None),
            ("[7]", None),
            ("{}", None),
            ("true", None),
        ] {
            assert_eq!(positive(value.as_bytes()), number, "{value}");
        }
    }
}
