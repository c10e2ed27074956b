//! A model with what the embedded table knows where the organization said nothing.
//!
//! Imports `providers` for the table.

use chrono::NaiveDate;

use super::{ModelRow, PriceFields};
use crate::providers::{
    Capabilities, KnownModel, KnownPrice, ParameterRules, known_model, known_parameter_rules, preset,
};

/// What holds for a model, and which of it the organization left open.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl ModelRow {
    /// The organization's own values, and the embedded table's where it has none.
    #[must_use]
    pub fn filled(&self) -> FilledModel {
        let vendor = preset(&self.provider_preset);
        let known = vendor.and_then(|vendor| known_model(vendor, &self.upstream_model));
        let known_rules = known.map(|known| known.parameter_rules.clone()).or_else(|| {
            let rules = vendor.map(|vendor| known_parameter_rules(vendor, &self.upstream_model));
            rules.filter(|rules| *rules != ParameterRules::default())
        });
        let mut filled = Filled::default();
        let window = filled.or("context_window", self.context_window, known.and_then(|it| it.context_window));
        let output =
            filled.or("max_output_tokens", self.max_output_tokens, known.and_then(|it| it.max_output_tokens));
        let capabilities = filled.capabilities(self.capabilities, known);
        let known_price = known.and_then(|it| it.price).map(PriceFields::from);
        let price = filled.or("price", self.price, known_price);
        let rules = filled.or("parameter_rules", self.parameter_rules.clone(), known_rules);
        FilledModel {
            context_window: window,
            max_output_tokens: output,
            capabilities,
            price,
            parameter_rules: rules.unwrap_or_default(),
            filled: filled.0,
            known_as_of: known.map(|known| known.as_of),
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

    fn capabilities(&mut self, own: Capabilities, known: Option<&KnownModel>) -> Capabilities {
        let known = known.map(|known| known.capabilities).unwrap_or_default();
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
        let KnownPrice { input, output, cache_read, cache_write } = price;
        Self { input: Some(input), output: Some(output), cache_read, cache_write }
    }
}
