//! What a model's body may hold.

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

/// What may be sent back as it was read, without any effect.
const READ_ONLY: &[&str] = &["id", "cooldown", "filled", "known_as_of", "created_at", "updated_at"];

/// A model to be made. What is left out, or null, is filled from the embedded table where that knows the model.
#[derive(Debug, ToSchema)]
pub struct NewModelBody {
    /// The name by which apps ask for it, unique among the organization's models.
    #[schema(pattern = "^[A-Za-z0-9~][A-Za-z0-9._:/@+~-]{0,199}$")]
    pub name: String,
    /// Who serves it.
    pub provider_id: uuid::Uuid,
    /// What its provider calls it; the name unless said otherwise.
    pub upstream_model: Option<String>,
    /// Tokens of prompt and answer together.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub context_window: Option<i64>,
    /// Tokens of the longest answer.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub max_output_tokens: Option<i64>,
    /// What it can do; null is unknown.
    pub capabilities: Option<Capabilities>,
    /// What it costs from now on: numbers from 0 to 10^12.
    pub price: Option<ModelPrice>,
    /// How a request is adapted when this model stands in for another one.
    pub parameter_rules: Option<ParameterRules>,
    /// Milliseconds until a stream's first real frame.
    #[schema(minimum = 1, maximum = 600_000)]
    pub first_frame_timeout_ms: Option<i64>,
    /// Milliseconds until a whole answer.
    #[schema(minimum = 1, maximum = 600_000)]
    pub answer_timeout_ms: Option<i64>,
    /// How often a failed call is made again.
    #[schema(minimum = 0, maximum = 5)]
    pub num_retries: Option<i32>,
    /// Whether it may be called; true unless said otherwise.
    pub enabled: Option<bool>,
}

/// A change of a model: what is left out stays, and null gives a field back to the embedded table, or to its
/// default. `capabilities`, `price` and `parameter_rules` are replaced whole.
#[derive(Debug, ToSchema)]
pub struct ModelChangeBody {
    /// Its new name; its fallbacks, and the keys that may use it, follow.
    #[schema(pattern = "^[A-Za-z0-9~][A-Za-z0-9._:/@+~-]{0,199}$")]
    pub name: Option<String>,
    /// Who serves it from now on.
    pub provider_id: Option<uuid::Uuid>,
    /// What its provider calls it.
    pub upstream_model: Option<String>,
    /// Tokens of prompt and answer together.
    #[schema(nullable, minimum = 1, maximum = 1_000_000_000)]
    pub context_window: Option<i64>,
    /// Tokens of the longest answer.
    #[schema(nullable, minimum = 1, maximum = 1_000_000_000)]
    pub max_output_tokens: Option<i64>,
    /// What it can do.
    pub capabilities: Option<Capabilities>,
    /// What it costs from now on.
    pub price: Option<ModelPrice>,
    /// How a request is adapted when this model stands in for another one.
    pub parameter_rules: Option<ParameterRules>,
    /// Milliseconds until a stream's first real frame.
    #[schema(nullable, minimum = 1, maximum = 600_000)]
    pub first_frame_timeout_ms: Option<i64>,
    /// Milliseconds until a whole answer.
    #[schema(nullable, minimum = 1, maximum = 600_000)]
    pub answer_timeout_ms: Option<i64>,
    /// How often a failed call is made again.
    #[schema(nullable, minimum = 0, maximum = 5)]
    pub num_retries: Option<i32>,
    /// Whether it may be called.
    pub enabled: Option<bool>,
}

/// The fields of a body.
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

/// Reads the fields; `need` is that of the name and the provider.
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
    // What is required and not there has been refused.
    let lost = || Error::internal("a required field got lost");
    let name = body.name.ok_or_else(lost)?;
    Ok(ModelFields {
        upstream_model: body.upstream_model.unwrap_or_else(|| name.clone()),
        name,
        provider_id: body.provider_id.ok_or_else(lost)?,
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
            // Nothing of its own is everything left to the table.
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
