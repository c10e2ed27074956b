//! Whether a provider accepts `stream_options`: the preset's default, or the organization's choice.

use serde::{Deserialize, Serialize};

use super::presets::Preset;

/// Whether `stream_options` may be sent to a provider. Without it, a stream's tokens are estimated unless the
/// provider reports them anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamOptions {
    /// The preset's default, until the provider refuses it.
    #[default]
    Auto,
    /// The provider accepts them, so they are sent.
    Supported,
    /// The provider refuses them, so they are never sent.
    Unsupported,
}

impl StreamOptions {
    /// All variants, in display order.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Supported, Self::Unsupported];

    /// The name used in the API and in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Supported => "supported",
            Self::Unsupported => "unsupported",
        }
    }

    /// Parses the name used in the API and in forms.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Whether to ask for a stream's usage.
    #[must_use]
    pub fn asks_for_usage(self, preset: &Preset) -> bool {
        match self {
            Self::Auto => preset.stream_usage,
            Self::Supported => true,
            Self::Unsupported => false,
        }
    }
}
