//! What a request asks a model for.

use serde::Serialize;

use crate::domain::closed_set::closed_set;
use crate::domain::operation::Operation;

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
    /// Embeddings of one or several texts.
    Embedding,
    /// A completion of a text in one response.
    Completion,
    /// A completion of a text as a stream.
    CompletionStream,
    /// A moderation of content.
    Moderation,
    /// An order of documents.
    Rerank,
    /// Images in one response.
    Image,
    /// Images as a stream.
    ImageStream,
    /// A text that is spoken.
    Speech,
    /// A transcription in one response.
    Transcription,
    /// A transcription as a stream.
    TranscriptionStream,
    /// A translation of a recording.
    Translation,
}

impl InvocationType {
    /// Every type, in display order.
    pub const ALL: [Self; 17] = [
        Self::ChatCompletion,
        Self::ChatCompletionStream,
        Self::Message,
        Self::MessageStream,
        Self::Response,
        Self::ResponseStream,
        Self::Embedding,
        Self::Completion,
        Self::CompletionStream,
        Self::Moderation,
        Self::Rerank,
        Self::Image,
        Self::ImageStream,
        Self::Speech,
        Self::Transcription,
        Self::TranscriptionStream,
        Self::Translation,
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

    /// The type of an operation in OpenAI's form.
    #[must_use]
    pub const fn of(operation: Operation, streamed: bool) -> Self {
        match operation {
            Operation::Chat => Self::chat_completion(streamed),
            Operation::Embeddings => Self::Embedding,
            Operation::Completions if streamed => Self::CompletionStream,
            Operation::Completions => Self::Completion,
            Operation::Moderations => Self::Moderation,
            Operation::Rerank => Self::Rerank,
            Operation::Images if streamed => Self::ImageStream,
            Operation::Images => Self::Image,
            Operation::Speech => Self::Speech,
            Operation::Transcriptions if streamed => Self::TranscriptionStream,
            Operation::Transcriptions => Self::Transcription,
            Operation::Translations => Self::Translation,
        }
    }

    /// Whether the answer is a stream of events.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        match self {
            Self::ChatCompletion
            | Self::Message
            | Self::Response
            | Self::Embedding
            | Self::Completion
            | Self::Moderation
            | Self::Rerank
            | Self::Image
            | Self::Speech
            | Self::Transcription
            | Self::Translation => false,
            Self::ChatCompletionStream
            | Self::MessageStream
            | Self::ResponseStream
            | Self::CompletionStream
            | Self::ImageStream
            | Self::TranscriptionStream => true,
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
            Self::Embedding => "embedding",
            Self::Completion => "completion",
            Self::CompletionStream => "completion_stream",
            Self::Moderation => "moderation",
            Self::Rerank => "rerank",
            Self::Image => "image",
            Self::ImageStream => "image_stream",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::TranscriptionStream => "transcription_stream",
            Self::Translation => "translation",
        }
    }
}

closed_set!(InvocationType);
