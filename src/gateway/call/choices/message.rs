//! The one choice of a message, in Anthropic's dialect.

use super::{Choices, Indices};
use crate::gateway::usage::text_size::TextSize;

/// What a whole message, or an event of its stream, adds.
#[derive(Debug, Default)]
pub(in crate::gateway::call) struct Part<'a> {
    /// Whether there is content.
    pub(in crate::gateway::call) content: bool,
    /// Whether there is a call without its name or its id, or a piece of a call.
    pub(in crate::gateway::call) unnamed: bool,
    /// Whether there is something that neither a token price nor the usage covers.
    pub(in crate::gateway::call) extras: bool,
    /// The size of that content, if it was measured.
    pub(in crate::gateway::call) size: TextSize,
    /// Why the message ended; `None` if it has not.
    pub(in crate::gateway::call) end: Option<&'a str>,
}

impl Choices {
    /// The choice of a message. A message is the only choice of its answer.
    pub(in crate::gateway::call) fn of_message(part: Part<'_>) -> Self {
        let Part { content, unnamed, extras, size, end } = part;
        let own = Self { content, nameless: unnamed, extras, size, ..Self::default() };
        let mut choice = Self::default();
        choice.add_parts(own, true);
        let mut all = Self::default();
        all.choice(choice.closed(end, None), Some(0), 0);
        all
    }
}

impl Indices {
    /// The only choice of a message.
    pub(in crate::gateway::call) fn of_message() -> Self {
        Self::of(0)
    }
}
