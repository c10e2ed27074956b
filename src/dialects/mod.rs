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
}

impl Dialect {
    /// Every dialect, in display order.
    pub const ALL: [Self; 2] = [Self::ChatCompletions, Self::Messages];

    /// The path of its endpoint in the canonical form.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }

    /// The dialect that a provider is called in if it does not serve this one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::ChatCompletions => Self::Messages,
            Self::Messages => Self::ChatCompletions,
        }
    }

    /// The name in records, such as the attempts of a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Messages => "messages",
        }
    }

    /// The name for people, as in "does not speak ...".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ChatCompletions => "OpenAI's chat completions",
            Self::Messages => "Anthropic's Messages",
        }
    }

    /// The event that ends a complete stream.
    #[must_use]
    pub const fn last_event(self) -> &'static [u8] {
        match self {
            Self::ChatCompletions => b"data: [DONE]\n\n",
            Self::Messages => messages::LAST_EVENT,
        }
    }

    /// An event that keeps a silent stream open and that clients ignore.
    #[must_use]
    pub const fn keepalive(self) -> &'static [u8] {
        match self {
            Self::ChatCompletions => b": keepalive\n\n",
            Self::Messages => messages::PING,
        }
    }
}
