//! What the endpoints of inference ask of a model, and the kinds of models that serve them.

use serde::Serialize;

use crate::domain::closed_set::closed_set;

/// The kind of a model, which decides on the endpoints that serve it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Answers conversations, in any dialect.
    #[default]
    Chat,
    /// Turns texts into vectors.
    Embedding,
    /// Continues a text, as before there were chats.
    Completion,
    /// Says whether content is harmful.
    Moderation,
    /// Sorts documents by their relevance to a query.
    Rerank,
    /// Makes images from a text.
    Image,
    /// Speaks a text aloud.
    Speech,
    /// Writes down what is said in a recording.
    Transcription,
}

impl ModelKind {
    /// Every kind, in display order.
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::Embedding,
        Self::Completion,
        Self::Moderation,
        Self::Rerank,
        Self::Image,
        Self::Speech,
        Self::Transcription,
    ];

    /// The word in the database and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Completion => "completion",
            Self::Moderation => "moderation",
            Self::Rerank => "rerank",
            Self::Image => "image",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
        }
    }

    /// The kind with its article, as in "it is ...".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "a chat model",
            Self::Embedding => "an embedding model",
            Self::Completion => "a completion model",
            Self::Moderation => "a moderation model",
            Self::Rerank => "a rerank model",
            Self::Image => "an image model",
            Self::Speech => "a speech model",
            Self::Transcription => "a transcription model",
        }
    }

    /// The operation that models of this kind are usually called for.
    #[must_use]
    pub const fn operation(self) -> Operation {
        match self {
            Self::Chat => Operation::Chat,
            Self::Embedding => Operation::Embeddings,
            Self::Completion => Operation::Completions,
            Self::Moderation => Operation::Moderations,
            Self::Rerank => Operation::Rerank,
            Self::Image => Operation::Images,
            Self::Speech => Operation::Speech,
            Self::Transcription => Operation::Transcriptions,
        }
    }
}

closed_set!(ModelKind);

/// What a request asks a model for. All but chats have one form, OpenAI's, and are not translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The answer in a conversation, in any dialect.
    Chat,
    /// Vectors of one or several texts.
    Embeddings,
    /// The continuation of a text.
    Completions,
    /// Whether content is harmful.
    Moderations,
    /// The order of documents by their relevance.
    Rerank,
    /// Images from a text.
    Images,
    /// A text, spoken aloud.
    Speech,
    /// The text of a recording.
    Transcriptions,
    /// The text of a recording, in English.
    Translations,
}

impl Operation {
    /// The kind of the models that serve it.
    #[must_use]
    pub const fn kind(self) -> ModelKind {
        match self {
            Self::Chat => ModelKind::Chat,
            Self::Embeddings => ModelKind::Embedding,
            Self::Completions => ModelKind::Completion,
            Self::Moderations => ModelKind::Moderation,
            Self::Rerank => ModelKind::Rerank,
            Self::Images => ModelKind::Image,
            Self::Speech => ModelKind::Speech,
            Self::Transcriptions | Self::Translations => ModelKind::Transcription,
        }
    }

    /// The path of its endpoint in the canonical form. A chat has one in each dialect; this is OpenAI's.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Completions => "/v1/completions",
            Self::Moderations => "/v1/moderations",
            Self::Rerank => "/v1/rerank",
            Self::Images => "/v1/images/generations",
            Self::Speech => "/v1/audio/speech",
            Self::Transcriptions => "/v1/audio/transcriptions",
            Self::Translations => "/v1/audio/translations",
        }
    }

    /// The path below the base URL of a provider.
    #[must_use]
    pub fn path(self) -> &'static str {
        self.endpoint().strip_prefix("/v1").unwrap_or_default()
    }

    /// The name for people, as in "does not serve ...".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "chats",
            Self::Embeddings => "embeddings",
            Self::Completions => "completions",
            Self::Moderations => "moderations",
            Self::Rerank => "reranking",
            Self::Images => "images",
            Self::Speech => "speech",
            Self::Transcriptions => "transcriptions",
            Self::Translations => "translations of recordings",
        }
    }

    /// Whether its answer has text that the model writes, which is counted in tokens.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::Chat | Self::Completions => true,
            Self::Embeddings
            | Self::Moderations
            | Self::Rerank
            | Self::Images
            | Self::Speech
            | Self::Transcriptions
            | Self::Translations => false,
        }
    }

    /// Whether its answer is passed on as it arrives, whatever the request says.
    #[must_use]
    pub const fn is_always_streamed(self) -> bool {
        matches!(self, Self::Speech)
    }

    /// Whether vendors bill nothing for its answer, only for the prompt.
    #[must_use]
    pub const fn is_without_output(self) -> bool {
        match self {
            Self::Embeddings | Self::Moderations | Self::Rerank => true,
            Self::Chat
            | Self::Completions
            | Self::Images
            | Self::Speech
            | Self::Transcriptions
            | Self::Translations => false,
        }
    }

    /// Whether its answer can be a stream of events.
    #[must_use]
    pub const fn streams(self) -> bool {
        match self {
            Self::Chat | Self::Completions | Self::Images | Self::Transcriptions => true,
            Self::Embeddings | Self::Moderations | Self::Rerank | Self::Speech | Self::Translations => false,
        }
    }

    /// Whether its body is a form with a recording, not JSON.
    #[must_use]
    pub const fn takes_form(self) -> bool {
        match self {
            Self::Transcriptions | Self::Translations => true,
            Self::Chat
            | Self::Embeddings
            | Self::Completions
            | Self::Moderations
            | Self::Rerank
            | Self::Images
            | Self::Speech => false,
        }
    }

    /// Whether one request may have several prompts, so that they need not fit into one context window together.
    #[must_use]
    pub const fn takes_many_prompts(self) -> bool {
        match self {
            Self::Embeddings | Self::Completions | Self::Moderations | Self::Rerank => true,
            Self::Chat | Self::Images | Self::Speech | Self::Transcriptions | Self::Translations => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_served_by_its_operation() {
        for kind in ModelKind::ALL {
            let operation = kind.operation();
            assert_eq!(operation.kind(), kind);
            assert_eq!(format!("/v1{}", operation.path()), operation.endpoint());
            assert!(kind.title().ends_with(" model"), "{}", kind.title());
        }
        assert_eq!(Operation::Translations.kind(), ModelKind::Transcription);
    }
}
