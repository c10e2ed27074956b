//! Which failures a list of fallbacks answers.

use serde::Serialize;

use crate::domain::closed_set::closed_set;

/// Which failures a list answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FallbackType {
    /// Every failure that no other list answers.
    General,
    /// Prompts that are too long for the model.
    ContextWindow,
    /// Content that the model's provider refuses.
    ContentPolicy,
}

impl FallbackType {
    /// Every type, in the order in which they are shown.
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

    /// The type of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

closed_set!(FallbackType);
