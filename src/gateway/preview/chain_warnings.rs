//! Warnings about a list of fallbacks.
//!
//! They are based on the catalog and never block a change. Pure.

use std::fmt;

use crate::domain::fallback_type::FallbackType;
use crate::providers::ModelPrice;
use crate::store::snapshot::ModelEntry;

/// The price ratio from which a warning is given.
const DEAR: f64 = 2.0;

/// A warning about one fallback or the whole list.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// The model is disabled and will be skipped.
    Disabled {
        /// The name of the fallback.
        model: String,
    },
    /// Its context window is smaller than the first model's.
    SmallerWindow {
        /// The name of the fallback.
        model: String,
        /// Its context window in tokens.
        window: i64,
        /// The first model's context window in tokens.
        before: i64,
    },
    /// It lacks a capability of the first model.
    Lacks {
        /// The name of the fallback.
        model: String,
        /// The capability, `tools` or `images`.
        what: &'static str,
    },
    /// It costs several times as much as the first model.
    Dearer {
        /// The name of the fallback.
        model: String,
        /// The ratio of the prices.
        times: f64,
    },
    /// Its price is not known, unlike the first model's, so neither is the cost of its answers.
    Unpriced {
        /// The name of the fallback.
        model: String,
    },
    /// All models have the same provider, so all fail when it does.
    OneProvider {
        /// The name of the provider.
        provider: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled { model } => write!(formatter, "{model} is disabled and will be skipped."),
            Self::SmallerWindow { model, window, before } => write!(
                formatter,
                "{model} takes {window} tokens, the first one {before}: longer prompts will skip it."
            ),
            Self::Lacks { model, what } => {
                write!(formatter, "{model} cannot use {what}: requests with {what} will skip it.")
            }
            Self::Dearer { model, times } => {
                write!(formatter, "{model} costs about {times:.1} times as much.")
            }
            Self::Unpriced { model } => {
                write!(formatter, "{model} has no price: the cost of its answers is unknown.")
            }
            Self::OneProvider { provider } => write!(
                formatter,
                "All of them are served by {provider}: if it fails as a whole, no fallback is left."
            ),
        }
    }
}

/// The warnings about `fallbacks` of the model `first`.
#[must_use]
pub fn warnings(first: &ModelEntry, kind: FallbackType, fallbacks: &[&ModelEntry]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> =
        fallbacks.iter().flat_map(|fallback| about(first, kind, fallback)).collect();
    let alone = |fallback: &&ModelEntry| fallback.provider.id == first.provider.id;
    if !fallbacks.is_empty() && fallbacks.iter().all(alone) {
        warnings.push(Warning::OneProvider { provider: first.provider.name.to_string() });
    }
    warnings
}

fn about(first: &ModelEntry, kind: FallbackType, fallback: &ModelEntry) -> Vec<Warning> {
    let model = || fallback.name.to_string();
    let mut warnings = Vec::new();
    if !fallback.enabled {
        warnings.push(Warning::Disabled { model: model() });
    }
    // For prompts that are too long, an equal window does not help either.
    let too_small = |window: i64, before: i64| {
        if kind == FallbackType::ContextWindow { window <= before } else { window < before }
    };
    if let (Some(window), Some(before)) = (fallback.settings.context_window, first.settings.context_window)
        && too_small(window, before)
    {
        warnings.push(Warning::SmallerWindow { model: model(), window, before });
    }
    let lacks = |first: Option<bool>, own: Option<bool>| first != Some(false) && own == Some(false);
    if lacks(first.settings.capabilities.tools, fallback.settings.capabilities.tools) {
        warnings.push(Warning::Lacks { model: model(), what: "tools" });
    }
    if lacks(first.settings.capabilities.vision, fallback.settings.capabilities.vision) {
        warnings.push(Warning::Lacks { model: model(), what: "images" });
    }
    if let Some(times) = first
        .settings
        .price
        .as_ref()
        .zip(fallback.settings.price.as_ref())
        .and_then(|(one, other)| times(one, other))
        && times >= DEAR
    {
        warnings.push(Warning::Dearer { model: model(), times });
    }
    if first.settings.price.is_some() && fallback.settings.price.is_none() {
        warnings.push(Warning::Unpriced { model: model() });
    }
    warnings
}

/// The larger of the price ratios for input and output.
fn times(first: &ModelPrice, other: &ModelPrice) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rough figure for people")]
    let ratio = |first: Option<i64>, other: Option<i64>| match (first, other) {
        (Some(first), Some(other)) if first > 0 => Some(other as f64 / first as f64),
        _ => None,
    };
    let parts = [ratio(first.input, other.input), ratio(first.output, other.output)];
    parts.into_iter().flatten().reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use entity::ids::ProviderId;
    use uuid::Uuid;

    use super::*;
    use crate::store::snapshot::{ProviderEntry, samples};

    fn model(name: &str, provider: u128, change: impl FnOnce(&mut ModelEntry)) -> ModelEntry {
        let id = ProviderId(Uuid::from_u128(provider));
        let provider = ProviderEntry { id, name: "sole".into(), ..samples::provider("custom") };
        let mut model = samples::model(name, provider);
        model.settings.context_window = Some(1_000);
        model.settings.price =
            Some(ModelPrice { input: Some(10), output: Some(10), ..ModelPrice::default() });
        change(&mut model);
        model
    }

    fn said(kind: FallbackType, fallback: &ModelEntry) -> Vec<String> {
        let first = model("first", 1, |_| {});
        warnings(&first, kind, &[fallback]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_of_equals_from_elsewhere_gives_no_cause() {
        assert!(said(FallbackType::General, &model("b", 2, |_| {})).is_empty());
    }

    #[test]
    fn each_cause_is_named() {
        let general = FallbackType::General;
        let off = model("b", 2, |model| model.enabled = false);
        assert_eq!(said(general, &off), ["b is disabled and will be skipped."]);
        let narrow = model("b", 2, |model| model.settings.context_window = Some(500));
        assert!(said(general, &narrow).concat().contains("500 tokens, the first one 1000"));
        // An equal window is no help for a prompt that is too long.
        assert_eq!(said(FallbackType::ContextWindow, &model("b", 2, |_| {})).len(), 1);
        let plain = model("b", 2, |model| {
            (model.settings.capabilities.tools, model.settings.capabilities.vision) =
                (Some(false), Some(false));
        });
        assert_eq!(said(general, &plain).len(), 2);
        let dear = model("b", 2, |model| {
            model.settings.price =
                Some(ModelPrice { input: Some(5), output: Some(35), ..ModelPrice::default() });
        });
        assert_eq!(said(general, &dear), ["b costs about 3.5 times as much."]);
        let unpriced = model("b", 2, |model| model.settings.price = None);
        assert_eq!(said(general, &unpriced), ["b has no price: the cost of its answers is unknown."]);
        assert!(said(general, &model("b", 1, |_| {})).concat().contains("served by sole"));
    }
}
