//! The bodies that create and change a model.

use entity::ids::ProviderId;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::api::body::values::{BodyText, Id, Small, Whole, object};
use crate::api::body::{Body as _, BodyValue, Field, Patch, Schemas, body, reference};
use crate::api::management::checks;
use crate::domain::error::Result;
use crate::providers::{Capabilities, ModelPrice, ParameterRules};
use crate::store::{ModelFields, ModelSettings};
use crate::validation::bounds::{LONGEST_UPSTREAM_NAME, PRICE, RETRIES, TIMEOUT_MS, TOKENS};
use crate::validation::{ViolationReason, printable};

/// Fields that are accepted and ignored, so that a response can be sent back.
const READ_ONLY: &[&str] = &["id", "cooldown", "filled", "known_as_of", "created_at", "updated_at"];

body! {
    /// A model to create. Absent and null fields are filled in from the embedded table if it has the model.
    pub struct NewModelBody {
        /// The name in requests, unique among the organization's models.
        name: ModelName,
        /// The provider that serves it.
        provider_id: Id<ProviderId>,
        /// The provider's name for it. Default: `name`.
        upstream_model: Option<UpstreamName>,
        settings: ModelSettingsBody,
        /// Whether it may be called. Default: true.
        enabled: Option<bool>,
    }
}

body! {
    /// A change of a model. Absent fields stay as they are; null resets a field to the embedded table's value or to the
    /// default. `capabilities`, `price` and `parameter_rules` are replaced as a whole.
    pub struct ModelChangeBody {
        /// Its new name. Fallback lists and the model lists of API keys follow.
        name: Option<ModelName>,
        /// The model's new provider.
        provider_id: Option<Id<ProviderId>>,
        /// The provider's name for it.
        upstream_model: Option<UpstreamName>,
        settings: ModelSettingsBody,
        /// Whether it may be called.
        enabled: Option<bool>,
    }
}

body! {
    /// The settings of a model.
    struct ModelSettingsBody {
        /// Prompt and completion together, in tokens.
        context_window: Patch<TokenCount>,
        /// The longest completion, in tokens.
        max_output_tokens: Patch<TokenCount>,
        /// The capabilities of the model; null: those of the embedded table.
        capabilities: Patch<Capabilities>,
        /// Its price from now on: numbers from 0 to 10^12.
        price: Patch<ModelPrice>,
        /// How a request for another model is adapted when this model is the fallback.
        parameter_rules: Patch<ParameterRules>,
        /// Timeout for a stream's first frame with content, in milliseconds.
        first_frame_timeout_ms: Patch<TimeoutMs>,
        /// Timeout for a complete response, in milliseconds.
        answer_timeout_ms: Patch<TimeoutMs>,
        /// How often a failed call is retried.
        num_retries: Patch<Retries>,
    }
}

type TokenCount = Whole<{ *TOKENS.start() }, { *TOKENS.end() }>;
type TimeoutMs = Whole<{ *TIMEOUT_MS.start() }, { *TIMEOUT_MS.end() }>;
type Retries = Small<{ *RETRIES.start() }, { *RETRIES.end() }>;

impl NewModelBody {
    fn into_fields(self) -> ModelFields {
        let mut settings = ModelSettings::default();
        self.settings.apply(&mut settings);
        let ModelName(name) = self.name;
        ModelFields {
            upstream_model: self.upstream_model.map_or_else(|| name.clone(), |upstream| upstream.0),
            name,
            provider_id: self.provider_id.0,
            settings,
            enabled: self.enabled.unwrap_or(true),
        }
    }
}

impl ModelChangeBody {
    /// Changes the fields of a model.
    pub(super) fn apply(self, to: &mut ModelFields) {
        if let Some(ModelName(name)) = self.name {
            to.name = name;
        }
        if let Some(Id(provider_id)) = self.provider_id {
            to.provider_id = provider_id;
        }
        if let Some(UpstreamName(upstream_model)) = self.upstream_model {
            to.upstream_model = upstream_model;
        }
        self.settings.apply(&mut to.settings);
        to.enabled = self.enabled.unwrap_or(to.enabled);
    }
}

impl ModelSettingsBody {
    fn apply(self, to: &mut ModelSettings) {
        self.context_window.apply(&mut to.context_window);
        self.max_output_tokens.apply(&mut to.max_output_tokens);
        if let Some(capabilities) = self.capabilities.into_option() {
            to.capabilities = capabilities.unwrap_or_default();
        }
        self.price.apply(&mut to.price);
        self.parameter_rules.apply(&mut to.parameter_rules);
        self.first_frame_timeout_ms.apply(&mut to.first_frame_timeout_ms);
        self.answer_timeout_ms.apply(&mut to.answer_timeout_ms);
        self.num_retries.apply(&mut to.num_retries);
    }
}

pub(super) fn parse_new(bytes: &[u8]) -> Result<ModelFields> {
    Ok(NewModelBody::parse(bytes, READ_ONLY)?.into_fields())
}

pub(super) fn parse_change(bytes: &[u8]) -> Result<ModelChangeBody> {
    ModelChangeBody::parse(bytes, READ_ONLY)
}

/// The name of a model in requests.
#[derive(Debug)]
struct ModelName(String);

impl BodyText for ModelName {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        checks::model_name(text).map(Self)
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        let pattern = "^[A-Za-z0-9~][A-Za-z0-9._:/@+~-]{0,199}$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

/// The provider's name for a model.
#[derive(Debug)]
struct UpstreamName(String);

impl BodyText for UpstreamName {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        printable(text, LONGEST_UPSTREAM_NAME).map(Self)
    }
}

impl BodyValue for Capabilities {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let expected =
            "an object of 'tools', 'vision', 'structured_output' and 'reasoning', each true, false or null";
        object(field, value, expected)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

impl BodyValue for ModelPrice {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let expected = "an object of 'input', 'output', 'cache_read', 'cache_write', 'audio_input' and 'audio_output', each a whole \
                        number of micro-dollars per million tokens, or null, and of 'long_prompt'";
        if value.get("long_prompt").is_some_and(|long| !long.is_object() && !long.is_null()) {
            field.refuse_with(
                "value_error",
                "'price.long_prompt' must be an object of prices, or null.".to_owned(),
            );
            return None;
        }
        let price: Self = object(field, value, expected)?;
        for (part, amount) in amounts(&price) {
            if amount.is_some_and(|amount| !PRICE.contains(&amount)) {
                let message = format!("'price.{part}' must be from 0 to {}, or null.", PRICE.end());
                field.refuse_with("value_error", message);
            }
        }
        if price.long_prompt.is_some_and(|long| !TOKENS.contains(&long.above)) {
            let message = format!(
                "'price.long_prompt.above' must be a number of tokens from {} to {}.",
                TOKENS.start(),
                TOKENS.end()
            );
            field.refuse_with("value_error", message);
        }
        Some(price)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

/// The amounts of a price with their names in a body.
fn amounts(price: &ModelPrice) -> [(&'static str, Option<i64>); 10] {
    let long = price.long_prompt.unwrap_or_default();
    [
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
    ]
}

impl BodyValue for ParameterRules {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let expected = "an object of 'rename' (names by name), 'drop' (a list of names) and 'clamp_output' (true or false)";
        let rules: Self = object(field, value, expected)?;
        if let Err(fault) = rules.validate() {
            field.refuse("value_error", format!("cannot be used: {fault}"));
        }
        Some(rules)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}
