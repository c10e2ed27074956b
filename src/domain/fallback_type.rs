//! The types of fallback lists.

use serde::Serialize;

use crate::domain::closed_set::closed_set;

/// The failures that a fallback list handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FallbackType {
    /// Every failure that no other list handles.
    General,
    /// Prompts that exceed the context window of the model.
    ContextWindow,
    /// Content that the provider refuses.
    ContentPolicy,
}

impl FallbackType {
    /// Every type, in display order.
    pub const ALL: [Self; 3] = [Self::General, Self::ContextWindow, Self::ContentPolicy];

    /// The word in the database, in JSON and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::ContextWindow => "context_window",
            Self::ContentPolicy => "content_policy",
        }
    }

    /// The type of a word; `None` if the word is unknown.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

closed_set!(FallbackType);
