//! The dialects of inference: how callers ask and how providers answer. Pure: no network, no store, no web framework.
//!
//! A caller's endpoint has one dialect; a provider serves one or several, as its preset says. When both speak the same
//! one, bytes pass through. What the gateway has to understand of them is in the folder of the dialect. When they do not,
//! [`translate`] reads one into the inner form ([`turns`], [`answers`]) and writes the other.

pub mod answers;
pub mod bounded_object;
pub mod change;
pub mod chat;
pub mod crossing;
pub mod fate;
pub mod ids;
pub mod members;
pub mod messages;
pub mod need;
pub mod responses;
pub mod split_characters;
pub mod translate;
pub mod turns;
pub mod whole_characters;

/// A dialect of inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's chat completions, which most vendors serve.
    ChatCompletions,
    /// Anthropic's Messages, which Claude Code speaks.
    Messages,
    /// OpenAI's Responses, which Codex speaks.
    Responses,
}

impl Dialect {
    /// Every dialect, in display order.
    pub const ALL: [Self; 3] = [Self::ChatCompletions, Self::Messages, Self::Responses];

    /// The path of its endpoint in the canonical form.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    /// The name in records, such as the attempts of a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Messages => "messages",
            Self::Responses => "responses",
        }
    }

    /// The name for people, as in "does not speak ...".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ChatCompletions => "OpenAI's chat completions",
            Self::Messages => "Anthropic's Messages",
            Self::Responses => "OpenAI's Responses",
        }
    }

    /// The event that ends a complete stream. Of a response, only its own event does.
    #[must_use]
    pub const fn last_event(self) -> &'static [u8] {
        match self {
            Self::ChatCompletions => b"data: [DONE]\n\n",
            Self::Messages => messages::LAST_EVENT,
            Self::Responses => b"",
        }
    }

    /// An event that keeps a silent stream open and that clients ignore.
    #[must_use]
    pub const fn keepalive(self) -> &'static [u8] {
        match self {
            Self::ChatCompletions | Self::Responses => b": keepalive\n\n",
            Self::Messages => messages::PING,
        }
    }
}
