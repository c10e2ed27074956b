//! The tokens of an answer under way: the provider's count, or what the model's habit says of what was delivered.

use std::sync::Arc;

use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::calibration::TokenCalibration;
use crate::gateway::usage::pricing::{Reported, Tier, Usage};
use crate::gateway::usage::text_size::TextSize;

/// Counts one answer.
#[derive(Debug)]
pub struct Meter {
    calibration: Arc<TokenCalibration>,
    /// The model's window: no prompt that it answered was larger.
    window: Option<i64>,
    /// The prompt, where its size is of use.
    prompt: Option<TextSize>,
    /// At which tier the caller asked to be served.
    tier: Option<Tier>,
}

/// What an answer, or a part of one, has said of itself so far.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// The provider's count.
    pub reported: &'a Reported,
    /// How much content.
    pub size: &'a TextSize,
    /// Whether there was content, or a `finish_reason`.
    pub anything: bool,
}

impl Meter {
    /// For an answer of the model that was called.
    #[must_use]
    pub fn new(feedback: &CallFeedback, request: &ChatRequest) -> Self {
        let tier = request.parts.iter().find(|part| part.name == "service_tier");
        Self {
            calibration: feedback.calibration(),
            window: feedback.model().context_window,
            prompt: None,
            tier: tier.and_then(|part| Tier::read(&String::from_utf8_lossy(request.value(part)))),
        }
    }

    /// With the size of the prompt: for a stream, whose provider tells its count at the end or never.
    #[must_use]
    pub fn measured(self, request: &ChatRequest) -> Self {
        Self { prompt: Some(*request.size()), ..self }
    }

    /// Likewise for an answer that is here already, if its provider did not count, or to learn how it does.
    #[must_use]
    pub fn measured_for(self, request: &ChatRequest, reported: &Reported) -> Self {
        if reported.is_sound() && self.calibration.knows_prompts() { self } else { self.measured(request) }
    }

    /// The tokens. Nothing delivered is nothing billed.
    #[must_use]
    pub fn usage(&self, delivered: Delivered<'_>) -> Usage {
        if !delivered.anything {
            return Usage::default();
        }
        let usage = Usage::settle(delivered.reported, || {
            let prompt = self.calibration.prompt(&self.prompt.unwrap_or_default());
            Usage::estimate(
                self.window.map_or(prompt, |window| prompt.min(window)),
                self.calibration.answer(delivered.size),
            )
        });
        // An answer that does not say at which tier it was served was served at the one that was asked for.
        Usage { tier: usage.tier.or(self.tier), ..usage }
    }

    /// The tokens of an answer that came to its own end, which teaches how the model counts.
    #[must_use]
    pub fn whole(&self, delivered: Delivered<'_>) -> Usage {
        let usage = self.usage(delivered);
        if delivered.anything && delivered.reported.is_sound() {
            if let Some(prompt) = &self.prompt {
                self.calibration.prompt_counted(prompt, usage.input);
            }
            // What a model thinks to itself is in its count and not in its text.
            if usage.reasoning == 0 {
                self.calibration.answer_counted(delivered.size, usage.output);
            }
        }
        usage
    }
}
