//! Counts the tokens of an answer: the provider's count, or an estimate of what was delivered.

use std::sync::Arc;

use entity::ids::ApiKeyId;
use memchr::memmem;

use crate::domain::amount::MOST_TOKENS;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::calibration::TokenCalibration;
use crate::gateway::usage::pricing::{Flag, Reported, Tier, Usage};
use crate::gateway::usage::text_size::TextSize;

/// How many times larger an answer must be than its count to contradict it, beside some tokens.
const FAR_BELOW: i64 = 4;
const SLACK: i64 = 16;
/// Bytes of a body per token of its answer, which few answers reach.
const LARGE_TOKEN: usize = 32;

/// Whether a field asks for xAI's search, which bills its sources.
fn is_search(name: &str, value: &[u8]) -> bool {
    name == "search_parameters" && value != b"null" && memmem::find(value, b"\"off\"").is_none()
}

/// Counts the tokens of one answer.
#[derive(Debug)]
pub struct Meter {
    calibration: Arc<TokenCalibration>,
    /// The model's context window, which bounds the prompt.
    window: Option<i64>,
    /// The size of the prompt, if it is needed.
    prompt: Option<TextSize>,
    /// The service tier that the caller asked for.
    tier: Option<Tier>,
    /// A number for the caller.
    caller: u128,
    /// Whether the caller asked for a search that has a price of its own.
    searches: bool,
}

/// What was delivered of an answer so far.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// The usage that the provider reported.
    pub reported: Reported,
    /// The size of the content; empty if it was not measured, because the provider reported usage.
    pub size: &'a TextSize,
    /// Whether there was content or a `finish_reason`.
    pub anything: bool,
    /// Whether the reported usage is a lower bound: content followed it, or the answer has no end.
    pub early: bool,
    /// The size of the content that followed the reported usage.
    pub since_usage: TextSize,
    /// Whether there was something that no token price covers.
    pub extras: bool,
}

impl<'a> Delivered<'a> {
    /// What was delivered with its usage at the end or beside it.
    #[must_use]
    pub fn whole(reported: Reported, size: &'a TextSize, anything: bool, extras: bool) -> Self {
        Self { reported, size, anything, early: false, since_usage: TextSize::default(), extras }
    }
}

impl Meter {
    /// Creates the meter for an answer to the call.
    #[must_use]
    pub fn new(feedback: &CallFeedback, request: &ChatRequest) -> Self {
        Self {
            calibration: feedback.calibration(),
            window: feedback.model().settings.context_window,
            prompt: None,
            tier: Tier::asked(request),
            caller: 0,
            searches: request.parts.iter().any(|part| is_search(&part.name, request.value(part))),
        }
    }

    /// Adds the caller, for a limit of its share in the calibration of the model.
    #[must_use]
    pub fn of(self, key: Option<ApiKeyId>) -> Self {
        Self { caller: key.map_or(0, |key| key.0.as_u128()), ..self }
    }

    /// Adds the size of the prompt, for a stream: its provider may report no usage.
    #[must_use]
    pub fn measured(self, request: &ChatRequest) -> Self {
        Self { prompt: Some(*request.size()), ..self }
    }

    /// Adds the size of the prompt for a whole answer, if its usage is incomplete or the calibration needs it.
    #[must_use]
    pub fn measured_for(self, request: &ChatRequest, reported: &Reported) -> Self {
        if reported.is_sound() && !self.calibration.samples_prompt() { self } else { self.measured(request) }
    }

    /// Whether a whole answer with this usage is to be measured: to calibrate the model, or because its body is far larger
    /// than the count says.
    #[must_use]
    pub fn samples(&self, reported: &Reported, body: usize) -> bool {
        let few = |tokens: i64| i64::try_from(body / LARGE_TOKEN).is_ok_and(|most| most > tokens + SLACK);
        reported.is_sound() && (self.calibration.samples_answer() || reported.output.is_some_and(few))
    }

    /// The tokens delivered so far. Without content, nothing is billed.
    #[must_use]
    pub fn usage(&self, delivered: Delivered<'_>) -> Usage {
        if !delivered.anything {
            return Usage::default();
        }
        self.calibration.reported_cost(delivered.reported.billed);
        let usage = Usage::settle(&delivered.reported, || {
            let prompt = self.calibration.prompt(&self.prompt.unwrap_or_default());
            Usage::estimate(
                self.window.map_or(prompt, |window| prompt.min(window)),
                self.calibration.answer(delivered.size),
            )
        });
        let most_input = self.most_input(&delivered.reported);
        let extras = usage.extras || delivered.extras || self.searches || most_input > 0;
        // An answer without a service tier counts as served at the requested tier.
        let tier = usage.tier.or(self.tier);
        let usage = Usage { tier, extras, most_input, partial: delivered.early, ..usage };
        let measured = if delivered.early { self.delivered_answer(&delivered) } else { None };
        match measured {
            Some(measured) if measured > usage.output => Usage { output: measured, estimated: true, ..usage },
            Some(_) | None => usage,
        }
    }

    /// The most tokens of a prompt that its provider did not count and that is of unknown size; 0 for any other.
    fn most_input(&self, reported: &Reported) -> i64 {
        let counted = reported.input.or(reported.total).is_some_and(|count| count > 0);
        let open_ended = self.prompt.as_ref().filter(|prompt| prompt.open_ended && !counted);
        open_ended.map_or(0, |prompt| self.calibration.most_of_prompt(prompt, self.window))
    }

    /// The tokens of the delivered content, if it is text and was measured.
    fn measured_answer(&self, delivered: &Delivered<'_>) -> Option<i64> {
        let is_text = delivered.size.bytes > 0 && !delivered.extras && delivered.reported.audio_output == 0;
        is_text.then(|| self.calibration.answer(delivered.size).min(MOST_TOKENS))
    }

    /// The tokens of what was delivered in all: those that were reported may include some that were not sent, such as
    /// reasoning, so the content after them counts in addition.
    fn delivered_answer(&self, delivered: &Delivered<'_>) -> Option<i64> {
        let all = self.measured_answer(delivered)?;
        let since = self.calibration.answer(&delivered.since_usage);
        let reported = delivered.reported.output.unwrap_or(0);
        Some(all.max(reported.saturating_add(since)).min(MOST_TOKENS))
    }

    /// The tokens of a complete answer, which also calibrates the model.
    #[must_use]
    pub fn whole(&self, delivered: Delivered<'_>) -> Usage {
        let usage = self.usage(delivered);
        if !delivered.anything || !delivered.reported.is_sound() {
            return usage;
        }
        let far_below = |measured: i64| {
            measured > FAR_BELOW.saturating_mul(delivered.reported.output.unwrap_or(0)) + SLACK
        };
        if self.measured_answer(&delivered).is_some_and(far_below) {
            return Usage { flag: Some(Flag::Contradictory), ..usage };
        }
        if !delivered.early {
            self.calibrate(&usage, delivered.size);
        }
        usage
    }

    /// Learns from a reported count, as far as it counts nothing but text.
    fn calibrate(&self, usage: &Usage, answer: &TextSize) {
        let prompt = self.prompt.as_ref().filter(|prompt| !prompt.mixed && usage.audio_input == 0);
        // Reasoning tokens are counted without being in the text.
        let heard = usage.reasoning == 0 && usage.audio_output == 0 && answer.bytes > 0;
        let answer = heard.then_some(answer);
        if usage.extras || prompt.is_none() && answer.is_none() || !self.calibration.admits(self.caller) {
            return;
        }
        if let Some(prompt) = prompt {
            self.calibration.prompt_counted(prompt, usage.input);
        }
        if let Some(answer) = answer {
            self.calibration.answer_counted(answer, usage.output);
        }
    }
}
