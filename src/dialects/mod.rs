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

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::closed_set::ClosedSet;
use crate::domain::operation::Operation;

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
    /// OpenAI's chat completions, at `/v1/chat/completions`.
    ChatCompletions,
    /// Anthropic's Messages, at `/v1/messages`.
    Messages,
    /// OpenAI's Responses, at `/v1/responses`.
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

/// An endpoint that calls models: of chats in a dialect, or of another operation, which has OpenAI's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The dialect of its requests and answers.
    pub dialect: CallerDialect,
    /// What it asks a model for.
    pub operation: Operation,
}

impl Endpoint {
    /// Every endpoint, in display order.
    pub const ALL: [Self; 11] = [
        Self::chat(CallerDialect::ChatCompletions),
        Self::chat(CallerDialect::Messages),
        Self::chat(CallerDialect::Responses),
        Self::of(Operation::Embeddings),
        Self::of(Operation::Completions),
        Self::of(Operation::Moderations),
        Self::of(Operation::Rerank),
        Self::of(Operation::Images),
        Self::of(Operation::Speech),
        Self::of(Operation::Transcriptions),
        Self::of(Operation::Translations),
    ];

    /// The path of the endpoint for chat completions, of which most requests are.
    pub const USUAL: &'static str = CallerDialect::ChatCompletions.endpoint();

    /// The endpoint for chats in a dialect.
    #[must_use]
    pub const fn chat(dialect: CallerDialect) -> Self {
        Self { dialect, operation: Operation::Chat }
    }

    /// The endpoint for an operation in OpenAI's form.
    #[must_use]
    pub const fn of(operation: Operation) -> Self {
        Self { dialect: CallerDialect::ChatCompletions, operation }
    }

    /// The path in the canonical form, as it is recorded.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self.operation {
            Operation::Chat => self.dialect.endpoint(),
            operation => operation.endpoint(),
        }
    }
}

impl ClosedSet for Endpoint {
    const VALUES: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.path()
    }
}

impl PartialSchema for Endpoint {
    fn schema() -> RefOr<Schema> {
        let paths = Self::ALL.map(Self::path);
        let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(paths));
        text.description(Some("The canonical path of an endpoint that calls models.")).into()
    }
}

impl ToSchema for Endpoint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_at_its_path() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::from_word(endpoint.path()), Some(endpoint));
        }
        assert_eq!(Endpoint::from_word("/chat/completions"), None);
        assert_eq!(Endpoint::from_word("/v1/messages"), Some(Endpoint::chat(CallerDialect::Messages)));
        assert_eq!(Endpoint::USUAL, "/v1/chat/completions");
    }
}
