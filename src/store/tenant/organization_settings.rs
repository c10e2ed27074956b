//! An organization's own settings: their names, units and defaults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What follows a typed list of fallbacks that is missing or used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypedFallbacks {
    /// The general list.
    #[default]
    Cascade,
    /// Nothing, once any list of that type exists in the organization.
    Strict,
}

/// The settings of one organization. A missing member has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationSettings {
    /// How many candidates may be called after the primary in a stored chain. Default 5.
    pub max_fallbacks: u32,
    /// Milliseconds until content must have been sent. Default 600,000.
    pub deadline_ms: u64,
    /// Milliseconds from its request after which a stream without a first frame gets its headers and comments; 0 is
    /// never. Default 45,000.
    pub keepalive_after_ms: u64,
    /// Default cascade.
    pub typed_fallbacks: TypedFallbacks,
    /// Days after which fallback events and requests are deleted; 0 keeps them for ever. Default 0.
    pub retention_days: u32,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            max_fallbacks: 5,
            deadline_ms: 600_000,
            keepalive_after_ms: 45_000,
            typed_fallbacks: TypedFallbacks::Cascade,
            retention_days: 0,
        }
    }
}

impl OrganizationSettings {
    /// The deadline over one request.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// How long a stream may wait for its headers; none is for ever.
    #[must_use]
    pub fn keepalive_after(&self) -> Option<Duration> {
        (self.keepalive_after_ms > 0).then(|| Duration::from_millis(self.keepalive_after_ms))
    }
}
