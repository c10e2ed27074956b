//! Whether a provider takes `stream_options`: its preset's opinion, or what its organization says.

use serde::{Deserialize, Serialize};

use super::presets::Preset;

/// Whether `stream_options` may be sent to a provider. Without it, the tokens of a stream are estimated unless the
/// provider reports them unasked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamOptions {
    /// As the preset says, until the provider refuses it.
    #[default]
    Auto,
    /// It may.
    Supported,
    /// It may not: a stream is asked for without it.
    Unsupported,
}

impl StreamOptions {
    /// All of them, in the order in which people should see them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Supported, Self::Unsupported];

    /// The word in the API and in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Supported => "supported",
            Self::Unsupported => "unsupported",
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Whether a stream's usage is asked for.
    #[must_use]
    pub fn asks_for_usage(self, preset: &Preset) -> bool {
        match self {
            Self::Auto => preset.stream_usage,
            Self::Supported => true,
            Self::Unsupported => false,
        }
    }
}
