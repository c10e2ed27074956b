//! Inspects a whole message of Anthropic's dialect.

use serde_json::value::RawValue;

use super::{Inspected, NoAnswer};
use crate::dialects::messages::answer::Answer;
use crate::dialects::messages::content::{self, Blocks, Piece};
use crate::gateway::call::choices::{Choices, Part};
use crate::gateway::request::json_object::span;
use crate::gateway::usage::pricing::parse;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::{error_of_event, is_empty_error};

impl Inspected {
    /// Inspects a whole message, without the size of its content.
    pub(super) fn of_message(text: &[u8]) -> Result<Self, NoAnswer> {
        let answer = Answer::read(text).ok_or(NoAnswer::Broken)?;
        let is_error = answer.error.is_some_and(|error| !is_empty_error(error.get()));
        if is_error || answer.kind.as_deref() == Some("error") {
            return Err(NoAnswer::Error(Box::new(error_of_event(text))));
        }
        let blocks = answer.content.map(Blocks::of).filter(|blocks| !blocks.broken);
        let of_blocks = |Blocks { content, unnamed, vendors_calls, broken: _ }| {
            Choices::of_message(Part {
                content,
                unnamed,
                // The usage counts those that are billed apart.
                extras: vendors_calls && answer.usage.is_none(),
                end: answer.stop_reason.as_deref(),
                ..Part::default()
            })
        };
        // Without blocks it is not a message.
        let choices = blocks.map(of_blocks).unwrap_or_default();
        Ok(Self {
            choices,
            chosen: choices.any,
            usage: answer.usage.map(|usage| parse(usage.get())).unwrap_or_default(),
            // The field belongs to completions.
            fingerprint: true,
            members: 1,
            model: answer.model.map(|model| span(text, model.get().as_bytes())),
            ..Self::default()
        })
    }
}

/// The size of a whole message's content.
pub(super) fn size(text: &[u8]) -> TextSize {
    let blocks = Answer::read(text).and_then(|answer| answer.content).map_or("[]", RawValue::get);
    let blocks: Vec<&RawValue> = serde_json::from_str(blocks).unwrap_or_default();
    sizes(blocks.into_iter().map(content::of_block))
}

/// The size of blocks.
pub(super) fn sizes<'a>(pieces: impl IntoIterator<Item = Piece<'a>>) -> TextSize {
    let size_of = |piece| match piece {
        Piece::Text(json) | Piece::Json(json) | Piece::VendorsCall(json) | Piece::Unnamed(json) => {
            TextSize::of_json(json.get())
        }
        Piece::Opaque | Piece::Nothing | Piece::Broken => TextSize::default(),
    };
    pieces.into_iter().fold(TextSize::default(), |size, piece| size.then(size_of(piece)))
}
