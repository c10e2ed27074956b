//! The settings of a model: one struct for the row, for a new model, for the values in effect and for the snapshot.

use entity::models;
use sea_orm::ActiveValue::Set;
use serde::{Deserialize as _, Serialize};
use utoipa::ToSchema;

use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::Error;
use crate::domain::operation::ModelKind;
use crate::providers::{Capabilities, KnownModel, ModelPrice, ParameterRules};

/// The settings of a model. Of those that an organization has set, null means the value of the built-in table or the
/// default; of those in effect, unknown or the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelSettings {
    /// Which endpoints serve it: `chat` for chat completions, messages and responses; each other kind has its own.
    pub kind: ModelKind,
    /// The name that embedding models with interchangeable vectors share; null: the provider's name of the model.
    #[schema(required)]
    pub vector_space: Option<String>,
    /// Prompt and completion together, in tokens; null: unknown.
    #[schema(required)]
    pub context_window: Option<i64>,
    /// The longest completion, in tokens; null: unknown.
    #[schema(required)]
    pub max_output_tokens: Option<i64>,
    /// The capabilities of the model.
    pub capabilities: Capabilities,
    /// Its price; null: unknown.
    #[schema(required)]
    pub price: Option<ModelPrice>,
    /// How a request for another model is adapted when this model is the fallback.
    #[schema(value_type = ParameterRules)]
    pub parameter_rules: Option<ParameterRules>,
    /// Timeout for a stream's first frame with content, in milliseconds; null: 60,000, or 300,000 for a reasoning
    /// model.
    #[schema(required)]
    pub first_frame_timeout_ms: Option<i64>,
    /// Timeout for a complete response, in milliseconds; null: 120,000, or 300,000 for a reasoning model.
    #[schema(required)]
    pub answer_timeout_ms: Option<i64>,
    /// How often a failed call is retried; null: once.
    #[schema(required)]
    pub num_retries: Option<i32>,
}

impl ModelSettings {
    /// The settings in a row. Prices are in another table.
    pub(in crate::store) fn of_row(row: &models::Model, price: Option<ModelPrice>) -> Result<Self, Error> {
        let kind = ModelKind::from_word(&row.kind);
        Ok(Self {
            kind: kind
                .ok_or_else(|| Error::internal(format!("the unknown kind '{}' of a model", row.kind)))?,
            vector_space: row.vector_space.clone(),
            context_window: row.context_window,
            max_output_tokens: row.max_output_tokens,
            capabilities: Capabilities::deserialize(&row.capabilities).map_err(Error::internal)?,
            price: price.and_then(ModelPrice::if_known),
            parameter_rules: Option::deserialize(&row.parameter_rules).map_err(Error::internal)?,
            first_frame_timeout_ms: row.first_frame_timeout_ms,
            answer_timeout_ms: row.answer_timeout_ms,
            num_retries: row.num_retries,
        })
    }

    /// Sets the columns of a row. Prices are in another table.
    pub(super) fn write_to(self, row: &mut models::ActiveModel) -> Result<(), Error> {
        let Self {
            kind,
            vector_space,
            context_window,
            max_output_tokens,
            capabilities,
            price: _,
            parameter_rules,
            first_frame_timeout_ms,
            answer_timeout_ms,
            num_retries,
        } = self;
        row.kind = Set(kind.as_str().to_owned());
        row.vector_space = Set(vector_space);
        row.context_window = Set(context_window);
        row.max_output_tokens = Set(max_output_tokens);
        row.capabilities = Set(serde_json::to_value(capabilities).map_err(Error::internal)?);
        row.parameter_rules = Set(serde_json::to_value(parameter_rules).map_err(Error::internal)?);
        row.first_frame_timeout_ms = Set(first_frame_timeout_ms);
        row.answer_timeout_ms = Set(answer_timeout_ms);
        row.num_retries = Set(num_retries);
        Ok(())
    }

    /// The settings that the built-in table has for a model.
    pub(super) fn of_known(known: &KnownModel) -> Self {
        Self {
            context_window: known.context_window,
            max_output_tokens: known.max_output_tokens,
            capabilities: known.capabilities,
            price: known.price,
            parameter_rules: Some(known.parameter_rules.clone()),
            ..Self::default()
        }
    }

    /// The settings of the organization, completed with the known ones.
    pub(super) fn completed(self, known: Self, filled: &mut FilledNames) -> Self {
        let rules = filled.or("parameter_rules", self.parameter_rules, known.parameter_rules);
        Self {
            context_window: filled.or("context_window", self.context_window, known.context_window),
            max_output_tokens: filled.or(
                "max_output_tokens",
                self.max_output_tokens,
                known.max_output_tokens,
            ),
            capabilities: filled.capabilities(self.capabilities, known.capabilities),
            price: filled.or("price", self.price, known.price),
            parameter_rules: Some(rules.unwrap_or_default()),
            ..self
        }
    }
}

/// The names of the settings with values of the built-in table.
#[derive(Debug, Default)]
pub(super) struct FilledNames(pub(super) Vec<&'static str>);

impl FilledNames {
    /// The value of the organization, or else the known value. Notes the name in the second case.
    fn or<T>(&mut self, name: &'static str, own: Option<T>, known: Option<T>) -> Option<T> {
        if own.is_none() && known.is_some() {
            self.0.push(name);
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
