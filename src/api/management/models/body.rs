//! The bodies that create and change a model.

use entity::ids::ProviderId;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::api::body::values::{BodyText, Id, ListOf, MapOf, Small, Whole, word};
use crate::api::body::{Body as _, BodyFields, BodyValue, Field, Patch, Schemas, body, reference};
use crate::api::management::checks;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::Result;
use crate::domain::operation::ModelKind;
use crate::providers::{Capabilities, LongPrompt, ModelPrice, ParameterRules, RulePlace, known_kind};
use crate::store::{ModelFields, ModelSettings};
use crate::validation::bounds::{LONGEST_UPSTREAM_NAME, PRICE, RETRIES, TIMEOUT_MS, TOKENS};
use crate::validation::{ViolationReason, printable};

body! {
    /// A model to create. Absent and null fields are filled in from the embedded table if it has the model.
    pub struct NewModelBody ignores ["id", "cooldown", "filled", "known_as_of", "created_at", "updated_at"] {
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
    pub struct ModelChangeBody ignores ["id", "cooldown", "filled", "known_as_of", "created_at", "updated_at"] {
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
        /// Which endpoints serve it. Default: by the provider's name of the model, such as `embedding` for
        /// `text-embedding-3-small`; else `chat`, for chat completions, messages and responses. It cannot change while a fallback
        /// list has the model.
        kind: Patch<ModelKind>,
        /// Of an embedding model: the name of its vectors. Models with the same name are interchangeable, so that one can be
        /// the fallback of another. Default: the provider's name of the model.
        vector_space: Patch<VectorSpace>,
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
        let ModelName(name) = self.name;
        let upstream_model = self.upstream_model.map_or_else(|| name.clone(), |upstream| upstream.0);
        let kind = known_kind(&upstream_model).unwrap_or_default();
        let mut settings = ModelSettings { kind, ..ModelSettings::default() };
        self.settings.apply(&mut settings, &upstream_model);
        ModelFields {
            upstream_model,
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
        self.settings.apply(&mut to.settings, &to.upstream_model);
        to.enabled = self.enabled.unwrap_or(to.enabled);
    }
}

impl ModelSettingsBody {
    fn apply(self, to: &mut ModelSettings, upstream_model: &str) {
        if let Some(kind) = self.kind.into_option::<ModelKind>() {
            to.kind = kind.or_else(|| known_kind(upstream_model)).unwrap_or_default();
        }
        self.vector_space.apply(&mut to.vector_space);
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
    Ok(NewModelBody::parse(bytes)?.into_fields())
}

pub(super) fn parse_change(bytes: &[u8]) -> Result<ModelChangeBody> {
    ModelChangeBody::parse(bytes)
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

/// The name of a vector space.
#[derive(Debug)]
struct VectorSpace(String);

impl BodyText for VectorSpace {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        printable(text, LONGEST_UPSTREAM_NAME).map(Self)
    }
}

impl From<VectorSpace> for String {
    fn from(space: VectorSpace) -> Self {
        space.0
    }
}

impl BodyText for ModelKind {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        word(text, &Self::ALL.map(Self::as_str), Self::from_word)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

impl BodyValue for Capabilities {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        field.members(value, |fields| {
            let names = ["tools", "vision", "structured_output", "reasoning"];
            let [tools, vision, structured_output, reasoning] =
                names.map(|name| fields.nullable::<bool, _>(name));
            Some(Self {
                tools: tools?,
                vision: vision?,
                structured_output: structured_output?,
                reasoning: reasoning?,
            })
        })
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

type Amount = Whole<{ *PRICE.start() }, { *PRICE.end() }>;

fn amounts<const N: usize>(fields: &mut BodyFields, names: [&'static str; N]) -> [Option<Option<i64>>; N] {
    names.map(|name| fields.nullable::<Amount, _>(name))
}

impl BodyValue for ModelPrice {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        field.members(value, |fields| {
            let [input, output, reasoning] = amounts(fields, ["input", "output", "reasoning"]);
            let [cache_read, cache_write] = amounts(fields, ["cache_read", "cache_write"]);
            let [cache_write_1h] = amounts(fields, ["cache_write_1h"]);
            let [audio_input, audio_output] = amounts(fields, ["audio_input", "audio_output"]);
            let long_prompt = fields.nullable::<LongPrompt, LongPrompt>("long_prompt");
            Some(Self {
                input: input?,
                output: output?,
                reasoning: reasoning?,
                cache_read: cache_read?,
                cache_write: cache_write?,
                cache_write_1h: cache_write_1h?,
                audio_input: audio_input?,
                audio_output: audio_output?,
                long_prompt: long_prompt?,
            })
        })
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

impl BodyValue for LongPrompt {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        field.members(value, |fields| {
            let above = fields.required::<TokenCount>("above");
            let [input, output, reasoning] = amounts(fields, ["input", "output", "reasoning"]);
            let [cache_read, cache_write] = amounts(fields, ["cache_read", "cache_write"]);
            let [cache_write_1h] = amounts(fields, ["cache_write_1h"]);
            Some(Self {
                above: above?.into(),
                input: input?,
                output: output?,
                reasoning: reasoning?,
                cache_read: cache_read?,
                cache_write: cache_write?,
                cache_write_1h: cache_write_1h?,
            })
        })
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

/// The name of a parameter in a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ParameterName(String);

impl BodyText for ParameterName {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        let fault = ParameterRules::validate_name(text);
        fault.map(|()| Self(text.to_owned())).map_err(unusable)
    }
}

fn unusable(fault: String) -> ViolationReason {
    ViolationReason::new("value_error", format!("cannot be used: {fault}"))
}

impl BodyValue for ParameterRules {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let rules = field.members(value, |fields| {
            let rename = fields.optional::<MapOf<ParameterName>>("rename");
            let drop = fields.optional::<ListOf<ParameterName>>("drop");
            let clamp_output = fields.optional::<bool>("clamp_output");
            let renames = rename?.into_iter().flat_map(|names| names.0);
            let drops = drop?.into_iter().flat_map(|names| names.0);
            let rules = Self {
                rename: renames.map(|(from, to)| (from.0, to.0)).collect(),
                drop: drops.map(|name| name.0).collect(),
                clamp_output: clamp_output?.unwrap_or_default(),
            };
            refuse_contradictions(fields, &rules);
            Some(rules)
        })?;
        if rules.count() > Self::MOST {
            field.refuse("too_long", format!("may hold at most {} renames and drops", Self::MOST));
        }
        Some(rules)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

fn refuse_contradictions(fields: &mut BodyFields, rules: &ParameterRules) {
    for (place, fault) in rules.contradictions() {
        let ViolationReason { kind, message } = unusable(fault);
        match place {
            RulePlace::Rename(name) => {
                fields.within("rename", |names| Field::new(names, name, false).refuse(kind, message));
            }
            RulePlace::Drop(index) => Field::new(fields, "drop", false).refuse_entry(index, kind, message),
        }
    }
}
