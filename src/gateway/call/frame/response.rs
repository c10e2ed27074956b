//! Inspects a whole response of OpenAI's Responses.

use serde_json::value::RawValue;

use super::{Inspected, NoAnswer, Ours};
use crate::dialects::responses::answer::Answer;
use crate::dialects::responses::stored;
use crate::gateway::call::choices::{Choices, Part};
use crate::gateway::request::json_object::{end_of_text, span};
use crate::gateway::usage::pricing::parse;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::{error_of_event, is_empty_error};

impl Inspected {
    /// Inspects a whole response, without the size of its content.
    pub(super) fn of_response(text: &[u8]) -> Result<Self, NoAnswer> {
        let answer = Answer::read(text).ok_or(NoAnswer::Broken)?;
        let is_error = answer.error.is_some_and(|error| !is_empty_error(error.get()));
        if is_error || answer.status.as_deref() == Some("failed") {
            return Err(NoAnswer::Error(Box::new(error_of_event(text))));
        }
        let choices = answer.output.map(|_| {
            let content = !answer.written().is_empty();
            Choices::of_message(Part { content, end: answer.end().as_deref(), ..Part::default() })
        });
        // Without items it is not a response.
        let choices = choices.unwrap_or_default();
        let mut seen = Self {
            choices,
            chosen: choices.any,
            usage: answer.usage.map(|usage| parse(usage.get())).unwrap_or_default(),
            // The field belongs to completions.
            fingerprint: true,
            members: 1,
            model: answer.model.map(|model| span(text, model.get().as_bytes())),
            ..Self::default()
        };
        stored::ids(text).into_iter().for_each(|id| seen.name_at(Ours::Mark, end_of_text(text, id)));
        Ok(seen)
    }
}

/// The size of what the model wrote in a whole response.
pub(super) fn size(text: &[u8]) -> TextSize {
    let written = Answer::read(text).map(|answer| answer.written()).unwrap_or_default();
    let size_of = |json: &RawValue| TextSize::of_json(json.get());
    written.into_iter().fold(TextSize::default(), |size, json| size.then(size_of(json)))
}
