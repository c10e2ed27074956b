//! The settings of an organization.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::{Limits, ModelLimits};

/// What happens when a typed fallback list is missing or exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypedFallbacks {
    /// The general list is used.
    #[default]
    Cascade,
    /// No other list is used if the organization has any list of that type.
    Strict,
}

/// What happens to calls of a model without a price while a budget with a hard limit applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnpricedModels {
    /// They are skipped, because no limit holds for an unknown cost.
    #[default]
    Refuse,
    /// They are called until the budget is exhausted.
    Allow,
}

/// The settings of one organization. A missing member has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationSettings {
    /// The maximum number of fallbacks that are called in a stored chain. Default 5.
    pub max_fallbacks: u32,
    /// The deadline for the first content of an answer in milliseconds. Default 600,000.
    pub deadline_ms: u64,
    /// The time in milliseconds after which a stream without a first frame sends headers and comments; 0 to disable it.
    /// Default 45,000.
    pub keepalive_after_ms: u64,
    /// What happens when a typed list is missing or exhausted. Default `cascade`.
    pub typed_fallbacks: TypedFallbacks,
    /// The number of days after which fallback events and requests are deleted; 0 to keep them. Default 0.
    pub retention_days: u32,
    /// What happens to models without a price under a hard limit. Default `refuse`.
    pub unpriced_models: UnpricedModels,
    /// The limits of all of its requests together. Default: none.
    pub limits: Limits,
    /// The limits of single models inside the organization. Default: none.
    pub model_limits: ModelLimits,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            max_fallbacks: 5,
            deadline_ms: 600_000,
            keepalive_after_ms: 45_000,
            typed_fallbacks: TypedFallbacks::Cascade,
            retention_days: 0,
            unpriced_models: UnpricedModels::Refuse,
            limits: Limits::default(),
            model_limits: ModelLimits::default(),
        }
    }
}

impl OrganizationSettings {
    /// The deadline of a request.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// The time after which a stream sends its headers; `None` if disabled.
    #[must_use]
    pub fn keepalive_after(&self) -> Option<Duration> {
        (self.keepalive_after_ms > 0).then(|| Duration::from_millis(self.keepalive_after_ms))
    }
}
