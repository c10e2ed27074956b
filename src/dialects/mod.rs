//! The dialects of inference: how callers ask and how providers answer. Pure: no network, no store, no web framework.
//!
//! A caller's endpoint has one dialect ([`CallerDialect`]); a provider serves one or several ([`Dialect`]), as its preset
//! says. When both speak the same one, bytes pass through. What the gateway has to understand of them is in the folder of the
//! dialect. When they do not, [`translate`] reads one into the inner form ([`turns`], [`answers`]) and writes the other.
//! Some dialects are for providers only: no endpoint speaks them, so their requests are never read and their answers are
//! always translated.

pub mod answers;
pub mod bounded_object;
pub mod change;
pub mod chat;
pub mod converse;
pub mod crossing;
pub mod fate;
pub mod gemini;
pub mod ids;
pub mod members;
pub mod messages;
pub mod need;
pub mod responses;
pub mod split_characters;
pub mod translate;
pub mod turns;
pub mod whole_characters;

/// A dialect of inference, which providers serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's chat completions, which most vendors serve.
    ChatCompletions,
    /// Anthropic's Messages, which Claude Code speaks.
    Messages,
    /// OpenAI's Responses, which Codex speaks.
    Responses,
    /// Google's `generateContent`, of providers only.
    Gemini,
    /// Amazon Bedrock's Converse, of providers only.
    Converse,
}

impl Dialect {
    /// Every dialect, in display order.
    pub const ALL: [Self; 5] =
        [Self::ChatCompletions, Self::Messages, Self::Responses, Self::Gemini, Self::Converse];

    /// The dialect of the endpoint that callers use for it; `None` if only providers speak it.
    #[must_use]
    pub const fn of_callers(self) -> Option<CallerDialect> {
        match self {
            Self::ChatCompletions => Some(CallerDialect::ChatCompletions),
            Self::Messages => Some(CallerDialect::Messages),
            Self::Responses => Some(CallerDialect::Responses),
            Self::Gemini | Self::Converse => None,
        }
    }

    /// The name in records, such as the attempts of a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Messages => "messages",
            Self::Responses => "responses",
            Self::Gemini => "gemini",
            Self::Converse => "converse",
        }
    }

    /// The name for people, as in "does not speak ...".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ChatCompletions => "OpenAI's chat completions",
            Self::Messages => "Anthropic's Messages",
            Self::Responses => "OpenAI's Responses",
            Self::Gemini => "Google's generateContent",
            Self::Converse => "Amazon Bedrock's Converse",
        }
    }

    /// The event that ends a complete stream. Of a response, only its own event does; those of providers only have none.
    #[must_use]
    pub const fn last_event(self) -> &'static [u8] {
        match self {
            Self::ChatCompletions => b"data: [DONE]\n\n",
            Self::Messages => messages::LAST_EVENT,
            Self::Responses | Self::Gemini | Self::Converse => b"",
        }
    }

    /// An event that keeps a silent stream open and that clients ignore.
    #[must_use]
    pub const fn keepalive(self) -> &'static [u8] {
        match self {
            Self::ChatCompletions | Self::Responses | Self::Gemini | Self::Converse => b": keepalive\n\n",
            Self::Messages => messages::PING,
        }
    }
}

/// A dialect that has an endpoint for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerDialect {
    /// OpenAI's chat completions.
    ChatCompletions,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
}

impl CallerDialect {
    /// The same dialect as providers serve it.
    #[must_use]
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::ChatCompletions => Dialect::ChatCompletions,
            Self::Messages => Dialect::Messages,
            Self::Responses => Dialect::Responses,
        }
    }

    /// The path of its endpoint in the canonical form.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }
}
