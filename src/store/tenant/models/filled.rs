//! Models completed with values of the built-in table.

use chrono::NaiveDate;

use super::settings::{FilledNames, ModelSettings};
use crate::providers::{ParameterRules, Preset, known_model, known_parameter_rules, preset};

/// The effective settings of a model, and which of them come from the built-in table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilledModel {
    /// The settings in effect.
    pub settings: ModelSettings,
    /// The settings with values of the built-in table, such as `price` or `capabilities.vision`.
    pub filled: Vec<&'static str>,
    /// The date of the values in the built-in table; `None` if it does not contain the model.
    pub known_as_of: Option<NaiveDate>,
}

impl FilledModel {
    /// The entry of the built-in table for a preset and the name of the model at the provider.
    #[must_use]
    pub fn known(provider_preset: &str, upstream_model: &str) -> Self {
        let Some(vendor) = preset(provider_preset) else { return Self::default() };
        let (settings, known_as_of) = known(vendor, upstream_model);
        Self { settings, filled: Vec::new(), known_as_of }
    }

    /// Completes the settings of an organization with those of the built-in table.
    #[must_use]
    pub fn of(own: ModelSettings, provider_preset: &str, upstream_model: &str) -> Self {
        let known = Self::known(provider_preset, upstream_model);
        let mut filled = FilledNames::default();
        let settings = own.completed(known.settings, &mut filled);
        Self { settings, filled: filled.0, known_as_of: known.known_as_of }
    }
}

/// The settings that are known of a vendor's model, and their date.
fn known(vendor: &Preset, upstream_model: &str) -> (ModelSettings, Option<NaiveDate>) {
    if let Some(known) = known_model(vendor, upstream_model) {
        return (ModelSettings::of_known(known), Some(known.as_of));
    }
    let rules = known_parameter_rules(vendor, upstream_model);
    let parameter_rules = Some(rules).filter(|rules| *rules != ParameterRules::default());
    (ModelSettings { parameter_rules, ..ModelSettings::default() }, None)
}
