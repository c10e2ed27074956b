//! The answer to a request other than a chat, of which only the name of the model is replaced.

use super::Inspected;
use crate::gateway::call::choices::{Choices, Part};
use crate::gateway::request::json_object::{RawObject, span};
use crate::gateway::usage::pricing::Reported;
use crate::gateway::usage::text_size::TextSize;

impl Inspected {
    /// A whole text that is not JSON, with what is known of its usage.
    pub(in crate::gateway::call) fn of_text(usage: Reported) -> Self {
        Self {
            choices: Choices::of_message(Part { content: true, ..Part::default() }),
            chosen: true,
            usage,
            fingerprint: true,
            bare: true,
            ..Self::default()
        }
    }

    /// A whole answer that was judged as usable, with its members, the usage that it reports, and the size of its text.
    pub(in crate::gateway::call) fn of_operation(
        text: &[u8],
        members: &RawObject<'_>,
        usage: Reported,
        size: TextSize,
    ) -> Self {
        let mut choices = Choices::of_message(Part { content: true, ..Part::default() });
        choices.size = size;
        Self {
            choices,
            chosen: true,
            usage,
            // The field belongs to completions.
            fingerprint: true,
            members: members.0.len(),
            model: members.get("model").map(|model| span(text, model.bytes())),
            bare: true,
            ..Self::default()
        }
    }
}
