//! The one choice of a message, in Anthropic's dialect.

use super::{Choices, Indices};
use crate::gateway::usage::text_size::TextSize;

/// What a whole message, or an event of its stream, adds.
pub(in crate::gateway::call) struct Part<'a> {
    /// Whether there is content.
    pub(in crate::gateway::call) content: bool,
    /// The size of that content, if it was measured.
    pub(in crate::gateway::call) size: TextSize,
    /// Why the message ended; `None` if it has not.
    pub(in crate::gateway::call) end: Option<&'a str>,
}

impl Choices {
    /// The choice of a message. A message is the only choice of its answer.
    pub(in crate::gateway::call) fn of_message(part: Part<'_>) -> Self {
        let own = Self { content: part.content, size: part.size, ..Self::default() };
        let mut choice = Self::default();
        choice.add_parts(own, true);
        let mut all = Self::default();
        all.choice(choice.closed(part.end, None), Some(0), 0);
        all
    }
}

impl Indices {
    /// The only choice of a message.
    pub(in crate::gateway::call) fn of_message() -> Self {
        Self::of(0)
    }
}
