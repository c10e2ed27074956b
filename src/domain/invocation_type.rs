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
}

impl InvocationType {
    /// Every type, in display order.
    pub const ALL: [Self; 2] = [Self::ChatCompletion, Self::ChatCompletionStream];

    /// The type of a chat completion.
    #[must_use]
    pub const fn chat_completion(streamed: bool) -> Self {
        if streamed { Self::ChatCompletionStream } else { Self::ChatCompletion }
    }

    /// The word in the database and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletion => "chat_completion",
            Self::ChatCompletionStream => "chat_completion_stream",
        }
    }
}

closed_set!(InvocationType);
