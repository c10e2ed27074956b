//! The longest answer to a request, over all its choices, which budgets reserve.
//!
//! Unclear limits count as large: of several limits the largest counts, and without a limit the model's own. A limit for
//! the reasoning is added, because vendors differ in whether the limit for the answer includes it. Invalid numbers in
//! OpenAI's fields were rejected with the body; those in vendors' own fields count as no limit.

mod vendors;

use crate::dialects::Dialect;
use crate::domain::amount::MOST_TOKENS;
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::lossy;
use crate::gateway::usage::text_size::TextSize;
use crate::store::snapshot::ModelEntry;

/// The longest answer of a model with an unknown limit, in tokens.
pub const UNKNOWN_MODEL: i64 = 32_768;

/// The limits that a request sets for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimit {
    /// The tokens of one choice; `None` if the request has no valid limit.
    tokens: Option<i64>,
    /// The tokens of reasoning of one choice, beside those of the answer.
    reasoning: i64,
    /// The tokens of the predicted answer, which are billed like an answer where it is wrong.
    prediction: i64,
    choices: i64,
}

impl AnswerLimit {
    /// Reads the limits of a request.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Self {
        if request.operation.is_without_output() {
            return Self { tokens: Some(0), reasoning: 0, prediction: 0, choices: 1 };
        }
        let mut found = vendors::Found::default();
        for part in &request.parts {
            match request.dialect {
                Dialect::Messages if part.name == "fallbacks" => found.read_fallbacks(request.value(part)),
                Dialect::Messages
                | Dialect::ChatCompletions
                | Dialect::Responses
                | Dialect::Gemini
                | Dialect::Converse => {
                    found.read(&part.name, request.value(part));
                }
            }
        }
        let prediction = request.parts.iter().find(|part| part.name == "prediction");
        let prediction = prediction.map_or(0, |part| tokens_of(request.value(part)));
        let vendors::Found { tokens, least, reasoning, choices, unlimited } = found;
        let reasoning = match request.dialect {
            // Anthropic's limit for the answer includes its reasoning, unless that is longer.
            Dialect::Messages if tokens.is_some_and(|tokens| reasoning <= tokens) => 0,
            // And so does Google's.
            Dialect::Gemini => 0,
            Dialect::ChatCompletions | Dialect::Messages | Dialect::Responses | Dialect::Converse => {
                reasoning
            }
        };
        let tokens = tokens.filter(|_| !unlimited).map(|tokens| tokens.max(least));
        // Each prompt of a completion has as many choices, and each of them may be as long.
        let prompts = match request.operation {
            Operation::Completions => {
                request.inputs.map_or(1, |count| i64::try_from(count).unwrap_or(i64::MAX))
            }
            Operation::Chat
            | Operation::Embeddings
            | Operation::Moderations
            | Operation::Rerank
            | Operation::Images
            | Operation::Speech
            | Operation::Transcriptions
            | Operation::Translations => 1,
        };
        let choices = choices.unwrap_or(1).saturating_mul(prompts.max(1));
        Self { tokens, reasoning, prediction, choices }
    }

    /// The tokens that the request states, at most the model's own limit; `None` if it states none.
    #[must_use]
    pub fn stated(&self, model: &ModelEntry) -> Option<i64> {
        let each = self
            .tokens
            .map(|tokens| model.settings.max_output_tokens.map_or(tokens, |most| tokens.min(most)));
        each.map(|each| self.whole(each))
    }

    /// The tokens that the request states for its answer, with all choices; `None` if it states none.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        self.tokens.and_then(|each| u64::try_from(self.whole(each)).ok())
    }

    /// The longest answer in tokens by the request or the model's own limit; `None` if it is unknown.
    #[must_use]
    pub fn known(&self, model: &ModelEntry) -> Option<i64> {
        let own = || model.settings.max_output_tokens.map(|most| self.whole(most));
        self.stated(model).or_else(own)
    }

    /// The longest answer in tokens; an estimate if it is unknown.
    #[must_use]
    pub fn most(&self, model: &ModelEntry) -> i64 {
        let window = model.settings.context_window.unwrap_or(UNKNOWN_MODEL);
        self.known(model).unwrap_or_else(|| self.whole(UNKNOWN_MODEL.min(window)))
    }

    /// The tokens of all choices, with their reasoning and the prediction of each.
    fn whole(&self, answer: i64) -> i64 {
        [self.reasoning, self.prediction]
            .into_iter()
            .fold(answer, i64::saturating_add)
            .saturating_mul(self.choices)
    }
}

/// The tokens of a JSON text, high rather than low.
fn tokens_of(value: &[u8]) -> i64 {
    let size = TextSize::of_json(&lossy(value));
    i64::try_from(size.tokens()).unwrap_or(i64::MAX).max(size.least_tokens()).min(MOST_TOKENS)
}

/// A JSON number from 0 on, also in quotes; fractions are rounded up. `None` for anything else.
fn number(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    // Rust would also parse `inf` and `nan`.
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^52")]
    let number = text.parse::<f64>().ok()?.ceil().clamp(0.0, MOST_TOKENS as f64) as i64;
    Some(number)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::gateway::request::chat_request::numbers::MOST_CHOICES;

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
            (r#","Max_Tokens":7,"N":8"#, Some(7), 8),
            (r#","max_tokens":7,"MAX_COMPLETION_TOKENS":900"#, Some(900), 1),
            (r#","max_tokens":7,"n":null"#, Some(7), 1),
            (r#","n":2,"best_of":5"#, None, 5),
            (r#","n":1.28e2"#, None, MOST_CHOICES),
        ] {
            assert_eq!(of(members), (tokens, choices), "{members}");
        }
    }

    #[test]
    fn each_prompt_of_a_completion_has_an_answer() {
        for (members, choices) in [
            (r#""prompt":"Hi""#, 1),
            (r#""prompt":[1,2,3]"#, 1),
            (r#""prompt":[[1,2],[3]]"#, 2),
            (r#""prompt":["a","b","c"],"n":2"#, 6),
            (r#""prompt":["a","b"],"best_of":5,"n":2"#, 10),
            (r#""Prompt":["a","b","c"]"#, 3),
            (r#""prompt":[1,"a"]"#, 2),
            (r#""prompt":["a"],"prompt_embeds":["AAAA","AAAA"]"#, 3),
            (r#""prompt":null"#, 1),
            (r#""max_tokens":7"#, 1),
        ] {
            let body = Bytes::from(format!(r#"{{"model":"m",{members}}}"#));
            let request = ChatRequest::parse_operation(Operation::Completions, body).expect(members);
            assert_eq!(AnswerLimit::of(&request).choices, choices, "{members}");
        }
    }

    #[test]
    fn limits_of_vendors_count_wherever_they_are() {
        let of = |members: &str| {
            let body = format!(r#"{{"model":"m"{members}}}"#);
            let limit = AnswerLimit::of(&ChatRequest::parse(Bytes::from(body)).expect(members));
            (limit.tokens, limit.reasoning, limit.choices)
        };
        for (members, expected) in [
            (r#","max_tokens":7,"max_new_tokens":900"#, (Some(900), 0, 1)),
            (r#","max_tokens_to_sample":9"#, (Some(9), 0, 1)),
            (r#","max_tokens":7,"min_tokens":2000"#, (Some(2_000), 0, 1)),
            (r#","min_tokens":2000"#, (None, 0, 1)),
            (r#","max_tokens":7,"num_beams":8"#, (Some(7), 0, 8)),
            (
                r#","max_tokens":7,"additionalModelRequestFields":{"thinking":{"budget_tokens":900}}"#,
                (Some(7), 900, 1),
            ),
            (r#","max_tokens":7,"n_predict":-2"#, (None, 0, 1)),
            (r#","max_tokens":7,"options":{"num_predict":50}"#, (Some(50), 0, 1)),
            (r#","generationConfig":{"maxOutputTokens":50,"candidateCount":3}"#, (Some(50), 0, 3)),
            (r#","max_tokens":7,"num_return_sequences":4"#, (Some(7), 0, 4)),
            (r#","n":2,"num_generations":5"#, (None, 0, 5)),
            (r#","n":2,"num_return_sequences":"many""#, (None, 0, MOST_CHOICES)),
            (r#","n":2,"num_return_sequences":null"#, (None, 0, 2)),
            (r#","max_tokens":7,"thinking":{"type":"enabled","budget_tokens":900}"#, (Some(7), 900, 1)),
            (r#","max_tokens":7,"thinking":{"type":"disabled","budget_tokens":0}"#, (Some(7), 0, 1)),
            (r#","max_tokens":7,"thinking":true,"reasoning":{"effort":"low"}"#, (Some(7), 0, 1)),
            (r#","max_tokens":7,"reasoning":{"max_tokens":900}"#, (Some(7), 900, 1)),
            (r#","max_tokens":7,"thinking_budget":900,"n":2"#, (Some(7), 900, 2)),
            (r#","max_tokens":7,"thinking_budget":-1"#, (None, 0, 1)),
            (r#","max_tokens":7,"thinking_budget":null"#, (Some(7), 0, 1)),
            (r#","max_tokens":7,"thinking_budget":9,"reasoning":{"max_tokens":900}"#, (Some(7), 900, 1)),
            (r#","max_tokens":7,"chat_template_kwargs":{"thinking_budget":900}"#, (Some(7), 900, 1)),
            (
                r#","max_tokens":7,"extra_body":{"google":{"thinking_config":{"thinking_budget":900}}}"#,
                (Some(7), 900, 1),
            ),
            (r#","max_tokens":7,"messages":[{"max_new_tokens":900}],"metadata":{"n":9}"#, (Some(7), 0, 1)),
            (r#","max_tokens":7,"x":{"n":9}"#, (Some(7), 0, 9)),
            (r#","max_tokens":1,"sampling_params":{"max_new_tokens":1000,"n":2}"#, (Some(1_000), 0, 2)),
            (r#","max_tokens":1,"inferenceConfig":{"maxTokens":1000}"#, (Some(1_000), 0, 1)),
            (r#","max_tokens":1,"tokens_to_generate":1000"#, (Some(1_000), 0, 1)),
            (
                r#","max_tokens":1,"max_prompt_tokens":9,"skip_special_tokens":true,"min_tokens":1"#,
                (Some(1), 0, 1),
            ),
        ] {
            assert_eq!(of(members), expected, "{members}");
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_may_hold_any_limit() {
        let many: String = (0..1_100).map(|number| format!("\"x{number}\":1,")).collect();
        for name in ["thinking", "extra_body", "reasoning"] {
            let members = format!(r#","max_tokens":7,"{name}":{{{many}"budget_tokens":900}}"#);
            assert_eq!(of(&members).0, Some(i64::MAX), "{name}");
        }
        let half = r#","max_tokens":7,"extra_body":{"\ud83d":1,"max_new_tokens":900}"#;
        assert_eq!(of(half).0, Some(900));
    }

    #[test]
    fn the_limit_of_a_message_includes_its_reasoning() {
        let body = r#"{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024}}"#;
        let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body)).expect(body);
        let limit = AnswerLimit::of(&request);
        assert_eq!((limit.tokens, limit.reasoning, limit.choices), (Some(2_000), 0, 1));
        let body = r#"{"model":"m","max_tokens":1,"thinking":{"type":"enabled","budget_tokens":1024}}"#;
        let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body)).expect(body);
        assert_eq!(AnswerLimit::of(&request).reasoning, 1_024);
    }

    #[test]
    fn a_prediction_may_be_billed_beside_the_answer() {
        let words = "word ".repeat(1_000);
        for content in [format!(r#""{words}""#), format!(r#"[{{"type":"text","text":"{words}"}}]"#)] {
            let body = format!(
                r#"{{"model":"m","max_tokens":7,"prediction":{{"type":"content","content":{content}}}}}"#
            );
            let request = ChatRequest::parse(Bytes::from(body)).expect("a request");
            let limit = AnswerLimit::of(&request);
            assert!((900..1_400).contains(&limit.prediction), "{}", limit.prediction);
            assert_eq!(limit.whole(7), 7 + limit.prediction);
            // It is not reserved twice.
            assert_eq!(request.size().tokens(), 0);
        }
    }

    #[test]
    fn a_fallback_of_anthropic_may_answer_longer() {
        for (fallbacks, tokens) in [
            (r#"[{"model":"x","max_tokens":9000},{"model":"y","max_tokens":5000}]"#, Some(9_000)),
            (r#"[{"model":"x"},7]"#, Some(2_000)),
            (r#"[{"model":"x","max_tokens":10}]"#, Some(2_000)),
            (r#"[{"model":"x","max_tokens":"many"}]"#, None),
            (r#""default""#, Some(2_000)),
        ] {
            let body = format!(r#"{{"model":"m","max_tokens":2000,"fallbacks":{fallbacks}}}"#);
            let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body)).expect(fallbacks);
            assert_eq!(AnswerLimit::of(&request).tokens, tokens, "{fallbacks}");
        }
    }

    #[test]
    fn what_is_no_number_of_tokens_is_none() {
        for (value, number) in [
            ("12", Some(12)),
            ("0.5", Some(1)),
            ("1e999", Some(MOST_TOKENS)),
            (r#""12""#, Some(12)),
            ("0", Some(0)),
            ("-2.5", None),
            ("-0", None),
            (r#""many""#, None),
            (r#""inf""#, None),
            ("[7]", None),
            ("{}", None),
            ("true", None),
        ] {
            assert_eq!(super::number(value.as_bytes()), number, "{value}");
        }
    }
}
