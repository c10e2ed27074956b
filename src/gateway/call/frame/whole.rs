//! Inspects a whole answer that is one message: of Anthropic's Messages, or of OpenAI's Responses.

use serde_json::value::RawValue;

use super::{Inspected, NoAnswer, Ours};
use crate::dialects::messages::answer::Answer as Message;
use crate::dialects::messages::content::{self, Blocks, Piece};
use crate::dialects::responses::answer::Answer as Response;
use crate::dialects::responses::stored;
use crate::gateway::call::choices::{Choices, Part};
use crate::gateway::request::json_object::{end_of_text, span};
use crate::gateway::usage::pricing::{Reported, Tier, counts_extras, parse};
use crate::gateway::usage::text_size::TextSize;
use crate::providers::{error_of_event, is_empty_error};

/// What both dialects say at the top of an answer.
struct Top<'a> {
    /// Whether it says by a word that it is an error.
    fails: bool,
    error: Option<&'a RawValue>,
    model: Option<&'a RawValue>,
    usage: Reported,
    /// Its only choice; `None` if it has no content, not even an empty one.
    choices: Option<Choices>,
}

impl Inspected {
    /// Inspects a whole message, without the size of its content.
    pub(super) fn of_message(text: &[u8]) -> Result<Self, NoAnswer> {
        let answer = Message::read(text).ok_or(NoAnswer::Broken)?;
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
        let top = Top {
            fails: answer.kind.as_deref() == Some("error"),
            error: answer.error,
            model: answer.model,
            usage: answer.usage.map(|usage| parse(usage.get())).unwrap_or_default(),
            choices: blocks.map(of_blocks),
        };
        Self::of_top(text, top)
    }

    /// Inspects a whole response, without the size of its content.
    pub(super) fn of_response(text: &[u8]) -> Result<Self, NoAnswer> {
        let answer = Response::read(text).ok_or(NoAnswer::Broken)?;
        let of_items = |_| {
            let content = !answer.written().is_empty();
            let (extras, end) = (has_extras(&answer), answer.end());
            Choices::of_message(Part { content, extras, end: end.as_deref(), ..Part::default() })
        };
        let top = Top {
            fails: answer.status.as_deref() == Some("failed"),
            error: answer.error,
            model: answer.model,
            usage: usage_of(&answer),
            choices: answer.output.map(of_items),
        };
        let mut seen = Self::of_top(text, top)?;
        stored::ids(text).into_iter().for_each(|id| seen.name_at(Ours::Mark, end_of_text(text, id)));
        Ok(seen)
    }

    fn of_top(text: &[u8], top: Top<'_>) -> Result<Self, NoAnswer> {
        let Top { fails, error, model, usage, choices } = top;
        if fails || error.is_some_and(|error| !is_empty_error(error.get())) {
            return Err(NoAnswer::Error(Box::new(error_of_event(text))));
        }
        // Without content it is no answer.
        let choices = choices.unwrap_or_default();
        Ok(Self {
            choices,
            chosen: choices.any,
            usage,
            // The field belongs to completions.
            fingerprint: true,
            members: 1,
            model: model.map(|model| span(text, model.get().as_bytes())),
            ..Self::default()
        })
    }
}

/// The usage of a response, with the price level at which it was made.
pub(in crate::gateway::call) fn usage_of(answer: &Response<'_>) -> Reported {
    let usage = answer.usage.map(|usage| parse(usage.get())).unwrap_or_default();
    let tier = answer.service_tier.and_then(|tier| Tier::read(tier.get()));
    Reported { tier: tier.or(usage.tier), ..usage }
}

/// Whether a response shows something that no token price covers. Its usage does not count that.
pub(in crate::gateway::call) fn has_extras(answer: &Response<'_>) -> bool {
    let mut used = [answer.tool_usage, answer.server_side_tool_usage].into_iter().flatten();
    answer.has_billed_items() || used.any(|used| counts_extras(used.get()))
}

/// The size of a whole message's content.
pub(super) fn size_of_message(text: &[u8]) -> TextSize {
    let blocks = Message::read(text).and_then(|answer| answer.content).map_or("[]", RawValue::get);
    let blocks: Vec<&RawValue> = serde_json::from_str(blocks).unwrap_or_default();
    size_of_pieces(blocks.into_iter().map(content::of_block))
}

/// The size of what blocks consist of.
pub(super) fn size_of_pieces<'a>(pieces: impl IntoIterator<Item = Piece<'a>>) -> TextSize {
    let written = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Text(json) | Piece::Json(json) | Piece::VendorsCall(json) | Piece::Unnamed(json) => Some(json),
        Piece::Opaque | Piece::Nothing | Piece::Broken => None,
    });
    size_of(written)
}

/// The size of what the model wrote in a whole response.
pub(super) fn size_of_response(text: &[u8]) -> TextSize {
    size_of(Response::read(text).map(|answer| answer.written()).unwrap_or_default().into_iter())
}

fn size_of<'a>(written: impl Iterator<Item = &'a RawValue>) -> TextSize {
    written.fold(TextSize::default(), |size, json| size.then(TextSize::of_json(json.get())))
}
