//! Models completed with values of the built-in table.

use chrono::NaiveDate;

use super::{ModelRow, PriceFields};
use crate::providers::{
    Capabilities, KnownPrice, ParameterRules, known_model, known_parameter_rules, preset,
};

/// The effective values of a model, and which of them come from the built-in table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilledModel {
    /// The context window in tokens, for prompt and completion together; `None` if unknown.
    pub context_window: Option<i64>,
    /// The maximum number of completion tokens; `None` if unknown.
    pub max_output_tokens: Option<i64>,
    /// The capabilities of the model.
    pub capabilities: Capabilities,
    /// The price; `None` if unknown.
    pub price: Option<PriceFields>,
    /// How a request is adapted when it is a fallback.
    pub parameter_rules: ParameterRules,
    /// The fields with values of the built-in table, such as `price` or `capabilities.vision`.
    pub filled: Vec<&'static str>,
    /// The date of the values in the built-in table; `None` if it does not contain the model.
    pub known_as_of: Option<NaiveDate>,
}

impl FilledModel {
    /// The entry of the built-in table for a preset and the name of the model at the provider.
    #[must_use]
    pub fn known(provider_preset: &str, upstream_model: &str) -> Self {
        let Some(vendor) = preset(provider_preset) else { return Self::default() };
        let Some(known) = known_model(vendor, upstream_model) else {
            let parameter_rules = known_parameter_rules(vendor, upstream_model);
            return Self { parameter_rules, ..Self::default() };
        };
        Self {
            context_window: known.context_window,
            max_output_tokens: known.max_output_tokens,
            capabilities: known.capabilities,
            price: known.price.map(PriceFields::from),
            parameter_rules: known.parameter_rules.clone(),
            filled: Vec::new(),
            known_as_of: Some(known.as_of),
        }
    }
}

impl ModelRow {
    /// Completes the values of the organization with those of the built-in table.
    #[must_use]
    pub fn filled(&self) -> FilledModel {
        let known = FilledModel::known(&self.provider_preset, &self.upstream_model);
        let has_rules = known.known_as_of.is_some() || known.parameter_rules != ParameterRules::default();
        let known_rules = has_rules.then_some(known.parameter_rules);
        let mut filled = Filled::default();
        let rules = filled.or("parameter_rules", self.parameter_rules.clone(), known_rules);
        FilledModel {
            context_window: filled.or("context_window", self.context_window, known.context_window),
            max_output_tokens: filled.or(
                "max_output_tokens",
                self.max_output_tokens,
                known.max_output_tokens,
            ),
            capabilities: filled.capabilities(self.capabilities, known.capabilities),
            price: filled.or("price", self.price, known.price),
            parameter_rules: rules.unwrap_or_default(),
            known_as_of: known.known_as_of,
            filled: filled.0,
        }
    }
}

/// The names of the fields with values of the built-in table.
#[derive(Default)]
struct Filled(Vec<&'static str>);

impl Filled {
    /// The value of the organization, or else the known value. Notes the field in the second case.
    fn or<T>(&mut self, field: &'static str, own: Option<T>, known: Option<T>) -> Option<T> {
        if own.is_none() && known.is_some() {
            self.0.push(field);
        }
        own.or(known)
    }

    fn capabilities(&mut self, own: Capabilities, known: Capabilities) -> Capabilities {
        Capabilities {
            tools: self.or("capabilities.tools", own.tools, known.tools),
            vision: self.or("capabilities.vision", own.vision, known.vision),
            structured_output: self.or(
                "capabilities.structured_output",
                own.structured_output,
                known.structured_output,
            ),
            reasoning: self.or("capabilities.reasoning", own.reasoning, known.reasoning),
        }
    }
}

impl From<KnownPrice> for PriceFields {
    fn from(price: KnownPrice) -> Self {
        let KnownPrice { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt } =
            price;
        let (input, output) = (Some(input), Some(output));
        Self { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt }
    }
}
