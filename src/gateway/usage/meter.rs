//! Counts the tokens of an answer: the provider's count, or an estimate of what was delivered.

use std::sync::Arc;

use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::calibration::TokenCalibration;
use crate::gateway::usage::pricing::{Reported, Tier, Usage};
use crate::gateway::usage::text_size::TextSize;

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
}

impl Meter {
    /// Creates the meter for an answer to the call.
    #[must_use]
    pub fn new(feedback: &CallFeedback, request: &ChatRequest) -> Self {
        let tier = request.parts.iter().find(|part| part.name == "service_tier");
        Self {
            calibration: feedback.calibration(),
            window: feedback.model().settings.context_window,
            prompt: None,
            tier: tier.and_then(|part| Tier::read(&String::from_utf8_lossy(request.value(part)))),
        }
    }

    /// Adds the size of the prompt, for a stream: its provider may report no usage.
    #[must_use]
    pub fn measured(self, request: &ChatRequest) -> Self {
        Self { prompt: Some(*request.size()), ..self }
    }

    /// Adds the size of the prompt for a whole answer, if its usage is incomplete or the calibration needs it.
    #[must_use]
    pub fn measured_for(self, request: &ChatRequest, reported: &Reported) -> Self {
        if reported.is_sound() && self.calibration.knows_prompts() { self } else { self.measured(request) }
    }

    /// Whether an answer with this usage is to be measured, to calibrate the model.
    #[must_use]
    pub fn samples(&self, reported: &Reported) -> bool {
        reported.is_sound() && self.calibration.samples_answer()
    }

    /// The tokens delivered so far. Without content, nothing is billed.
    #[must_use]
    pub fn usage(&self, delivered: Delivered<'_>) -> Usage {
        if !delivered.anything {
            return Usage::default();
        }
        let usage = Usage::settle(&delivered.reported, || {
            let prompt = self.calibration.prompt(&self.prompt.unwrap_or_default());
            Usage::estimate(
                self.window.map_or(prompt, |window| prompt.min(window)),
                self.calibration.answer(delivered.size),
            )
        });
        // An answer without a service tier counts as served at the requested tier.
        Usage { tier: usage.tier.or(self.tier), ..usage }
    }

    /// The tokens of a complete answer, which also calibrates the model.
    #[must_use]
    pub fn whole(&self, delivered: Delivered<'_>) -> Usage {
        let usage = self.usage(delivered);
        if delivered.anything && delivered.reported.is_sound() {
            if let Some(prompt) = &self.prompt {
                self.calibration.prompt_counted(prompt, usage.input);
            }
            // Reasoning tokens are counted without being in the text, so such answers do not calibrate.
            if usage.reasoning == 0 && delivered.size.bytes > 0 {
                self.calibration.answer_counted(delivered.size, usage.output);
            }
        }
        usage
    }
}
