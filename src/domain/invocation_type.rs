//! What a request asks a model for.

use serde::Serialize;

use crate::domain::closed_set::closed_set;

/// What a request asks a model for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvocationType {
    /// A chat completion in one response.
    ChatCompletion,
    /// A chat completion as a stream.
    ChatCompletionStream,
    /// A message of Anthropic's dialect in one response.
    Message,
    /// A message of Anthropic's dialect as a stream.
    MessageStream,
    /// A response of OpenAI's Responses as a whole.
    Response,
    /// A response of OpenAI's Responses as a stream.
    ResponseStream,
}

impl InvocationType {
    /// Every type, in display order.
    pub const ALL: [Self; 6] = [
        Self::ChatCompletion,
        Self::ChatCompletionStream,
        Self::Message,
        Self::MessageStream,
        Self::Response,
        Self::ResponseStream,
    ];

    /// The type of a chat completion.
    #[must_use]
    pub const fn chat_completion(streamed: bool) -> Self {
        if streamed { Self::ChatCompletionStream } else { Self::ChatCompletion }
    }

    /// The type of a message.
    #[must_use]
    pub const fn message(streamed: bool) -> Self {
        if streamed { Self::MessageStream } else { Self::Message }
    }

    /// The type of a response.
    #[must_use]
    pub const fn response(streamed: bool) -> Self {
        if streamed { Self::ResponseStream } else { Self::Response }
    }

    /// Whether the answer is a stream.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        match self {
            Self::ChatCompletion | Self::Message | Self::Response => false,
            Self::ChatCompletionStream | Self::MessageStream | Self::ResponseStream => true,
        }
    }

    /// The word in the database and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletion => "chat_completion",
            Self::ChatCompletionStream => "chat_completion_stream",
            Self::Message => "message",
            Self::MessageStream => "message_stream",
            Self::Response => "response",
            Self::ResponseStream => "response_stream",
        }
    }
}

closed_set!(InvocationType);
