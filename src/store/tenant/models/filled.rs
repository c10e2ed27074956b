//! A model with what the embedded table knows where the organization said nothing.

use chrono::NaiveDate;

use super::{ModelRow, PriceFields};
use crate::providers::{
    Capabilities, KnownPrice, ParameterRules, known_model, known_parameter_rules, preset,
};

/// What holds for a model, and which of it the organization left open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilledModel {
    /// Tokens of prompt and answer together. None: unknown.
    pub context_window: Option<i64>,
    /// Tokens of the longest answer. None: unknown.
    pub max_output_tokens: Option<i64>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What it costs. None: unknown.
    pub price: Option<PriceFields>,
    /// How a request is adapted when it stands in for another model.
    pub parameter_rules: ParameterRules,
    /// The fields, such as `price` or `capabilities.vision`, that the embedded table filled in.
    pub filled: Vec<&'static str>,
    /// The day of the table's facts. None: it does not know the model.
    pub known_as_of: Option<NaiveDate>,
}

impl FilledModel {
    /// What the embedded table knows of a model of that preset, by the name that its provider has for it.
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
    /// The organization's own values, and the embedded table's where it has none.
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

/// The names of the fields that the embedded table filled in.
#[derive(Default)]
struct Filled(Vec<&'static str>);

impl Filled {
    /// The organization's own value, else the known one, whose field is noted.
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
