//! The bodies that create and change a model.

use entity::ids::ProviderId;
use utoipa::ToSchema;

use super::ModelPrice;
use crate::api::json_fields::{BodyFields, Change};
use crate::api::management::checks;
use crate::api::management::checks::Need;
use crate::domain::error::{Error, Result};
use crate::providers::{Capabilities, ParameterRules};
use crate::store::{ModelChange, ModelFields, PriceFields};
use crate::validation::bounds::{LONGEST_UPSTREAM_NAME, PRICE, RETRIES, TIMEOUT_MS, TOKENS};

/// Fields that are accepted and ignored, so that a response can be sent back.
const READ_ONLY: &[&str] = &["id", "cooldown", "filled", "known_as_of", "created_at", "updated_at"];

/// A model to create. Absent and null fields are filled in from the embedded table if it has the model.
#[derive(Debug, ToSchema)]
pub struct NewModelBody {
    /// The name in requests, unique among the organization's models.
    #[schema(pattern = "^[A-Za-z0-9~][A-Za-z0-9._:/@+~-]{0,199}$")]
    pub name: String,
    /// The provider that serves it.
    pub provider_id: uuid::Uuid,
    /// The provider's name for it. Default: `name`.
    pub upstream_model: Option<String>,
    /// Prompt and completion together, in tokens.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub context_window: Option<i64>,
    /// The longest completion, in tokens.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub max_output_tokens: Option<i64>,
    /// Its capabilities; null: unknown.
    pub capabilities: Option<Capabilities>,
    /// Its price from now on: numbers from 0 to 10^12.
    pub price: Option<ModelPrice>,
    /// How a request for another model is adapted when this model is the fallback.
    pub parameter_rules: Option<ParameterRules>,
    /// Timeout for a stream's first frame with content, in milliseconds.
    #[schema(minimum = 1, maximum = 600_000)]
    pub first_frame_timeout_ms: Option<i64>,
    /// Timeout for a complete response, in milliseconds.
    #[schema(minimum = 1, maximum = 600_000)]
    pub answer_timeout_ms: Option<i64>,
    /// How often a failed call is retried.
    #[schema(minimum = 0, maximum = 5)]
    pub num_retries: Option<i32>,
    /// Whether it may be called. Default: true.
    pub enabled: Option<bool>,
}

/// A change of a model. Absent fields stay as they are; null resets a field to the embedded table's value or to the
/// default. `capabilities`, `price` and `parameter_rules` are replaced as a whole.
#[derive(Debug, ToSchema)]
pub struct ModelChangeBody {
    /// Its new name. Fallback lists and the model lists of API keys follow.
    #[schema(pattern = "^[A-Za-z0-9~][A-Za-z0-9._:/@+~-]{0,199}$")]
    pub name: Option<String>,
    /// The model's new provider.
    pub provider_id: Option<uuid::Uuid>,
    /// The provider's name for it.
    pub upstream_model: Option<String>,
    /// Prompt and completion together, in tokens.
    #[schema(nullable, minimum = 1, maximum = 1_000_000_000)]
    pub context_window: Option<i64>,
    /// The longest completion, in tokens.
    #[schema(nullable, minimum = 1, maximum = 1_000_000_000)]
    pub max_output_tokens: Option<i64>,
    /// The capabilities of the model.
    pub capabilities: Option<Capabilities>,
    /// Its price from now on.
    pub price: Option<ModelPrice>,
    /// How a request for another model is adapted when this model is the fallback.
    pub parameter_rules: Option<ParameterRules>,
    /// Timeout for a stream's first frame with content, in milliseconds.
    #[schema(nullable, minimum = 1, maximum = 600_000)]
    pub first_frame_timeout_ms: Option<i64>,
    /// Timeout for a complete response, in milliseconds.
    #[schema(nullable, minimum = 1, maximum = 600_000)]
    pub answer_timeout_ms: Option<i64>,
    /// How often a failed call is retried.
    #[schema(nullable, minimum = 0, maximum = 5)]
    pub num_retries: Option<i32>,
    /// Whether it may be called.
    pub enabled: Option<bool>,
}

/// The fields of a body, read and checked.
#[derive(Debug)]
pub(super) struct ModelBodyFields {
    pub(super) name: Option<String>,
    pub(super) provider_id: Option<ProviderId>,
    pub(super) upstream_model: Option<String>,
    pub(super) context_window: Change<i64>,
    pub(super) max_output_tokens: Change<i64>,
    pub(super) capabilities: Change<Capabilities>,
    pub(super) price: Change<ModelPrice>,
    pub(super) parameter_rules: Change<ParameterRules>,
    pub(super) first_frame_timeout_ms: Change<i64>,
    pub(super) answer_timeout_ms: Change<i64>,
    pub(super) num_retries: Change<i32>,
    pub(super) enabled: Option<bool>,
}

/// Reads the fields. `need` applies to the name and the provider.
pub(super) fn read(fields: &mut BodyFields, need: Need) -> ModelBodyFields {
    fields.ignore(READ_ONLY);
    let enabled = fields.boolean("enabled");
    ModelBodyFields {
        name: checks::text(fields, "name", need, checks::model_name),
        provider_id: checks::text(fields, "provider_id", need, checks::id),
        upstream_model: checks::text(fields, "upstream_model", Need::Optional, |text| {
            checks::printable(text, LONGEST_UPSTREAM_NAME)
        }),
        context_window: fields.integer("context_window", TOKENS),
        max_output_tokens: fields.integer("max_output_tokens", TOKENS),
        capabilities: fields.typed(
            "capabilities",
            "an object of 'tools', 'vision', 'structured_output' and 'reasoning', each true, false or null",
        ),
        price: price(fields),
        parameter_rules: parameter_rules(fields),
        first_frame_timeout_ms: fields.integer("first_frame_timeout_ms", TIMEOUT_MS),
        answer_timeout_ms: fields.integer("answer_timeout_ms", TIMEOUT_MS),
        num_retries: num_retries(fields),
        enabled: checks::present(fields, "enabled", enabled),
    }
}

fn price(fields: &mut BodyFields) -> Change<ModelPrice> {
    let expected = "an object of 'input', 'output', 'cache_read', 'cache_write', 'audio_input' and 'audio_output', each a whole \
                    number of micro-dollars per million tokens, or null, and of 'long_prompt'";
    let change: Change<ModelPrice> = fields.typed("price", expected);
    let Change::Set(price) = change else { return change };
    let long = price.long_prompt.unwrap_or_default();
    for (part, amount) in [
        ("input", price.input),
        ("output", price.output),
        ("cache_read", price.cache_read),
        ("cache_write", price.cache_write),
        ("audio_input", price.audio_input),
        ("audio_output", price.audio_output),
        ("long_prompt.input", long.input),
        ("long_prompt.output", long.output),
        ("long_prompt.cache_read", long.cache_read),
        ("long_prompt.cache_write", long.cache_write),
    ] {
        if amount.is_some_and(|amount| !PRICE.contains(&amount)) {
            let message = format!("'price.{part}' must be from 0 to {}, or null.", PRICE.end());
            fields.refuse("price", "value_error", message);
        }
    }
    if price.long_prompt.is_some() && !TOKENS.contains(&long.above) {
        let message = format!(
            "'price.long_prompt.above' must be a number of tokens from {} to {}.",
            TOKENS.start(),
            TOKENS.end()
        );
        fields.refuse("price", "value_error", message);
    }
    change
}

fn parameter_rules(fields: &mut BodyFields) -> Change<ParameterRules> {
    let expected =
        "an object of 'rename' (names by name), 'drop' (a list of names) and 'clamp_output' (true or false)";
    let change: Change<ParameterRules> = fields.typed("parameter_rules", expected);
    if let Change::Set(rules) = &change
        && let Err(fault) = rules.validate()
    {
        fields.refuse(
            "parameter_rules",
            "value_error",
            format!("'parameter_rules' cannot be used: {fault}."),
        );
    }
    change
}

fn num_retries(fields: &mut BodyFields) -> Change<i32> {
    match fields.integer("num_retries", RETRIES) {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(retries) => i32::try_from(retries).map_or(Change::Keep, Change::Set),
    }
}

pub(super) fn parse_new(bytes: &[u8]) -> Result<ModelFields> {
    let mut fields = BodyFields::parse(bytes)?;
    let body = read(&mut fields, Need::Required);
    fields.finish()?;
    // `finish` has already refused a missing required field.
    let missing = || Error::internal("a required field is missing after the checks");
    let name = body.name.ok_or_else(missing)?;
    Ok(ModelFields {
        upstream_model: body.upstream_model.unwrap_or_else(|| name.clone()),
        name,
        provider_id: body.provider_id.ok_or_else(missing)?,
        context_window: body.context_window.value(),
        max_output_tokens: body.max_output_tokens.value(),
        capabilities: body.capabilities.value().unwrap_or_default(),
        price: body.price.value().map(PriceFields::from),
        parameter_rules: body.parameter_rules.value(),
        first_frame_timeout_ms: body.first_frame_timeout_ms.value(),
        answer_timeout_ms: body.answer_timeout_ms.value(),
        num_retries: body.num_retries.value(),
        enabled: body.enabled.unwrap_or(true),
    })
}

pub(super) fn parse_change(bytes: &[u8]) -> Result<ModelChange> {
    let mut fields = BodyFields::parse(bytes)?;
    let body = read(&mut fields, Need::Optional);
    fields.finish()?;
    Ok(ModelChange {
        seen: None,
        name: body.name,
        provider_id: body.provider_id,
        upstream_model: body.upstream_model,
        context_window: body.context_window.into_option(),
        max_output_tokens: body.max_output_tokens.into_option(),
        capabilities: match body.capabilities {
            Change::Keep => None,
            // Without capabilities of its own the model has those of the embedded table.
            Change::Clear => Some(Default::default()),
            Change::Set(capabilities) => Some(capabilities),
        },
        price: body.price.into_option().map(|price| price.map(PriceFields::from)),
        parameter_rules: body.parameter_rules.into_option(),
        first_frame_timeout_ms: body.first_frame_timeout_ms.into_option(),
        answer_timeout_ms: body.answer_timeout_ms.into_option(),
        num_retries: body.num_retries.into_option(),
        enabled: body.enabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::management::checks::assert_reads_all_of;

    #[test]
    fn what_is_described_is_read() {
        assert_reads_all_of::<NewModelBody>(|fields| drop(read(fields, Need::Required)));
        assert_reads_all_of::<ModelChangeBody>(|fields| drop(read(fields, Need::Optional)));
    }
}
