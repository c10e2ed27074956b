//! How the answer to a request other than a chat is relayed: what its caller gets of it, and what of it is billed by its size.

use super::Judged;
use crate::domain::operation::Operation;
use crate::gateway::call::frame::Inspected;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::text_size::TextSize;

/// How the answer to a request other than a chat is relayed.
#[derive(Debug, Clone, Copy)]
pub struct Relaying {
    /// Whether the caller gets the event of a stream that has nothing but its usage. The gateway may have asked for it.
    pub(in crate::gateway::call) include_usage: bool,
    /// Whether a completion begins with its prompt, so that its text is not the size of the answer.
    pub(in crate::gateway::call) echoes: bool,
}

impl Relaying {
    /// How the answer to a request is relayed.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Self {
        let echo = request.parts.iter().find(|part| part.name == "echo");
        Self {
            include_usage: request.include_usage || request.operation != Operation::Completions,
            echoes: echo.is_some_and(|echo| request.value(echo) == b"true"),
        }
    }

    /// A whole answer without the size of a text that begins with its prompt.
    pub(in crate::gateway::call) fn sized(self, judged: Judged) -> Judged {
        match judged {
            Judged::Usable(seen) if self.echoes => Judged::Usable(without_size(seen)),
            Judged::Withheld(seen, fault) if self.echoes => Judged::Withheld(seen.map(without_size), fault),
            judged => judged,
        }
    }
}

fn without_size(mut seen: Inspected) -> Inspected {
    seen.choices.size = TextSize::default();
    seen
}
