//! The longest answer to a request, over all its choices, which budgets reserve.
//!
//! Unclear limits count as large: of several limits the largest counts, and without a limit the model's own. A limit for
//! the reasoning is added, because vendors differ in whether the limit for the answer includes it. Invalid numbers in
//! OpenAI's fields were rejected with the body; those in vendors' own fields count as no limit.
//!
//! A completion without any limit is short for vendors that document a default. Elsewhere each prompt of a list could be
//! answered with as much as the model can write, which no budget has room for, so the list may be called alone if there is
//! room for what such completions usually come to.

#[cfg(test)]
mod tests;
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

/// How many times as long as usual the completions of a list may be.
const MARGIN: i64 = 2;
/// The most prompts of a list without a limit that may go for less than the longest answer of each.
const MOST_PROMPTS: i64 = 16;

/// The limits that a request sets for its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerLimit {
    /// The tokens of one choice; `None` if the request has no valid limit.
    tokens: Option<i64>,
    /// The tokens of reasoning of one choice, beside those of the answer.
    reasoning: i64,
    /// The tokens of the predicted answer, which are billed like an answer where it is wrong.
    prediction: i64,
    choices: i64,
    /// The tokens that a choice has at least.
    least: i64,
    /// The number of prompts of a completion without any limit, which includes null; `None` for any other request.
    open_prompts: Option<i64>,
}

impl AnswerLimit {
    /// Reads the limits of a request.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Self {
        if request.operation.is_without_output() {
            return Self { tokens: Some(0), choices: 1, ..Self::default() };
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
        let vendors::Found { tokens, least, reasoning, choices, unlimited, limited } = found;
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
        let prompts = prompts_of(request);
        // Each prompt has as many choices, and each of them may be as long.
        let choices = choices.unwrap_or(1).saturating_mul(prompts.unwrap_or(1));
        let open_prompts = prompts.filter(|_| !limited);
        Self { tokens, reasoning, prediction, choices, least, open_prompts }
    }

    /// The number of choices of a completion without any limit; `None` for any other request.
    #[must_use]
    pub fn open_choices(request: &ChatRequest) -> Option<i64> {
        let limit = prompts_of(request).map(|_| Self::of(request))?;
        limit.open_prompts.map(|_| limit.choices)
    }

    /// The tokens that the request states, or that its vendor completes it with, at most the model's own limit; `None` if it
    /// has no limit.
    #[must_use]
    pub fn stated(&self, model: &ModelEntry) -> Option<i64> {
        let default =
            || Some(model.completion_tokens().filter(|_| self.open_prompts.is_some())?.max(self.least));
        let each = self.tokens.or_else(default)?;
        Some(self.whole(model.settings.max_output_tokens.map_or(each, |most| each.min(most))))
    }

    /// The tokens that the request states for its answer, with all choices; `None` if it states none.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        self.tokens.and_then(|each| u64::try_from(self.whole(each)).ok())
    }

    /// How many answers the request asks for, each of which may be as long.
    #[must_use]
    pub fn choices(&self) -> i64 {
        self.choices
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
        self.known(model).unwrap_or_else(|| self.whole(longest(model)))
    }

    /// The tokens for which there must be room, and those of the longest answer, which are reserved. A call that has only the
    /// former has the budget to itself. `usual` is the length of a completion without a limit, if it is known.
    #[must_use]
    pub fn range(&self, model: &ModelEntry, usual: impl FnOnce() -> Option<i64>) -> (i64, i64) {
        let most = self.most(model);
        let is_list = self.open_prompts.is_some_and(|prompts| prompts > 1) && self.stated(model).is_none();
        if !is_list {
            // Only an answer without any known limit may be longer than what is reserved.
            return (self.known(model).unwrap_or(0), most);
        }
        // What a key got before is its caller's own doing, so it vouches for a few answers only.
        if self.open_prompts.is_some_and(|prompts| prompts > MOST_PROMPTS) {
            return (most, most);
        }
        let longest = longest(model);
        let usual =
            usual().map_or(longest, |usual| usual.saturating_mul(MARGIN).max(self.least).min(longest));
        // One of them may be as long as any.
        let least = self.whole(usual).saturating_add(longest - usual);
        (least.min(most), most)
    }

    /// The tokens of all choices, with their reasoning and the prediction of each.
    fn whole(&self, answer: i64) -> i64 {
        [self.reasoning, self.prediction]
            .into_iter()
            .fold(answer, i64::saturating_add)
            .saturating_mul(self.choices)
    }
}

/// The longest answer of a model in tokens, an estimate if it is unknown.
fn longest(model: &ModelEntry) -> i64 {
    let settings = &model.settings;
    let window = settings.context_window.unwrap_or(UNKNOWN_MODEL);
    settings.max_output_tokens.unwrap_or(UNKNOWN_MODEL.min(window))
}

/// The number of prompts of a completion; `None` for any other request.
fn prompts_of(request: &ChatRequest) -> Option<i64> {
    match request.operation {
        Operation::Completions => {
            let prompts = request.inputs.unwrap_or(1).max(1);
            Some(i64::try_from(prompts).unwrap_or(i64::MAX))
        }
        Operation::Chat
        | Operation::Embeddings
        | Operation::Moderations
        | Operation::Rerank
        | Operation::Images
        | Operation::Speech
        | Operation::Transcriptions
        | Operation::Translations => None,
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
