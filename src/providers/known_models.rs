//! Facts about well-known models: kind, context window, output limit, capabilities and list price. They prefill the form
//! when an organization adds a model; the organization's own values win.
//!
//! The table is embedded (`known_models.json`, see the notice in [`super`]) and parsed on first use. Missing facts
//! are unknown, never zero.

use std::collections::HashMap;
use std::sync::OnceLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::parameters::{ParameterRules, known_parameter_rules};
use super::presets::{PRESETS, Preset};
use super::price::ModelPrice;
use crate::domain::operation::ModelKind;

/// What a model can do. `None` is unknown, and never excludes a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Capabilities {
    /// Whether it can call tools.
    pub tools: Option<bool>,
    /// Whether it accepts images as input.
    pub vision: Option<bool>,
    /// Answers that follow a JSON schema.
    pub structured_output: Option<bool>,
    /// Reasons before it answers, so the first token may take long.
    pub reasoning: Option<bool>,
}

/// Known facts about one model of one vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownModel {
    /// The context window: prompt and completion tokens together.
    pub context_window: Option<i64>,
    /// The most completion tokens.
    pub max_output_tokens: Option<i64>,
    /// The capabilities that the table lists.
    pub capabilities: Capabilities,
    /// The vendor's list price; `None` unless both prompt and completion have a price.
    pub price: Option<ModelPrice>,
    /// How to adapt a request to it.
    pub parameter_rules: ParameterRules,
    /// The day on which these facts were collected.
    pub as_of: NaiveDate,
}

/// The contents of the embedded file.
#[derive(Deserialize)]
struct Source {
    as_of: NaiveDate,
    providers: HashMap<String, HashMap<String, Entry>>,
}

/// One model of the file.
#[derive(Deserialize)]
struct Entry {
    context_window: Option<i64>,
    max_output_tokens: Option<i64>,
    #[serde(flatten)]
    capabilities: Described,
    price: Option<ModelPrice>,
}

/// The capabilities as the file has them. [`Capabilities`] itself refuses unknown fields, which serde cannot combine
/// with flattening.
#[derive(Deserialize)]
struct Described {
    tools: Option<bool>,
    vision: Option<bool>,
    structured_output: Option<bool>,
    reasoning: Option<bool>,
}

type Table = HashMap<&'static str, HashMap<String, KnownModel>>;

static EMBEDDED: &str = include_str!("known_models.json");
static TABLE: OnceLock<Table> = OnceLock::new();

/// Looks up a vendor's model by the vendor's exact name for it (Gemini's may start with `models/`). `None` means that
/// nothing is known about the model, which is common.
pub fn known_model(preset: &Preset, upstream_model: &str) -> Option<&'static KnownModel> {
    // The tests below make sure that the file parses; if it did not, there would be no suggestions.
    let table = TABLE.get_or_init(|| read(EMBEDDED).unwrap_or_default());
    let models = table.get(preset.name)?;
    let bare = upstream_model.strip_prefix("models/").unwrap_or(upstream_model);
    models.get(upstream_model).or_else(|| models.get(bare))
}

/// Words in the names of models that are no chat models. The first row with a word in the name decides.
const KINDS_BY_WORD: &[(&[&str], ModelKind)] = &[
    (&["rerank", "reranker"], ModelKind::Rerank),
    (&["embed", "embedding", "embeddings"], ModelKind::Embedding),
    (&["moderation"], ModelKind::Moderation),
    (&["tts"], ModelKind::Speech),
    (&["whisper", "transcribe"], ModelKind::Transcription),
];

/// How the names of other models that are no chat models begin.
const KINDS_BY_START: &[(&[&str], ModelKind)] = &[
    (
        &[
            "all-minilm",
            "bge-",
            "e5-",
            "embeddinggemma",
            "gte-",
            "multilingual-e5",
            "textembedding-",
            "voyage-",
        ],
        ModelKind::Embedding,
    ),
    (&["babbage-002", "davinci-002", "gpt-3.5-turbo-instruct"], ModelKind::Completion),
    (
        &[
            "chatgpt-image",
            "dall-e",
            "flux",
            "gpt-image",
            "grok-2-image",
            "imagen-",
            "sdxl",
            "stable-diffusion",
        ],
        ModelKind::Image,
    ),
    (&["kokoro", "orpheus"], ModelKind::Speech),
];

/// The kind of a model by a vendor's name for it. `None` if the name says nothing, which is a chat model in most cases.
#[must_use]
pub fn known_kind(upstream_model: &str) -> Option<ModelKind> {
    // Of a tuned model, the name of the base counts: `ft:BASE:OWNER::ID`.
    let base = upstream_model.strip_prefix("ft:").and_then(|tuned| tuned.split(':').next());
    let name = base.unwrap_or(upstream_model).rsplit('/').next()?.to_ascii_lowercase();
    let own = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let by_word = KINDS_BY_WORD.iter().find(|(words, _)| own.clone().any(|word| words.contains(&word)));
    let starts =
        || KINDS_BY_START.iter().find(|(starts, _)| starts.iter().any(|start| name.starts_with(*start)));
    by_word.or_else(starts).map(|(_, kind)| *kind)
}

fn read(text: &str) -> Result<Table, serde_json::Error> {
    let source: Source = serde_json::from_str(text)?;
    let mut table = Table::new();
    for preset in PRESETS {
        let Some(entries) = preset.known_as.and_then(|name| source.providers.get(name)) else {
            continue;
        };
        let models = entries.iter().map(|(id, entry)| (id.clone(), entry.known(preset, id, source.as_of)));
        table.insert(preset.name, models.collect());
    }
    Ok(table)
}

impl Entry {
    fn known(&self, preset: &Preset, id: &str, as_of: NaiveDate) -> KnownModel {
        let Described { tools, vision, structured_output, reasoning } = self.capabilities;
        let mut parameter_rules = known_parameter_rules(preset, id);
        // A vendor refuses a limit above the model's own, so we lower it wherever the model's limit is known.
        parameter_rules.clamp_output = self.max_output_tokens.is_some();
        KnownModel {
            context_window: self.context_window,
            max_output_tokens: self.max_output_tokens,
            capabilities: Capabilities { tools, vision, structured_output, reasoning },
            price: self.price,
            parameter_rules,
            as_of,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::LongPrompt;
    use crate::providers::presets::preset;

    fn known(vendor: &str, model: &str) -> Option<&'static KnownModel> {
        known_model(preset(vendor).expect(vendor), model)
    }

    #[test]
    fn the_embedded_file_parses_and_serves_every_vendor_that_it_should() {
        let table = read(EMBEDDED).expect("known_models.json");
        for row in PRESETS {
            assert_eq!(table.contains_key(row.name), row.known_as.is_some(), "{}", row.name);
        }
    }

    #[test]
    fn no_fact_is_zero_or_negative() {
        let table = read(EMBEDDED).expect("known_models.json");
        for (vendor, models) in &table {
            for (id, model) in models {
                let price = model.price.map(|price| {
                    let long = price.long_prompt.unwrap_or(LongPrompt { above: 1, ..LongPrompt::default() });
                    assert!(price.input.is_some() && price.output.is_some(), "{vendor} {id}");
                    assert!(long.input.is_none_or(|input| Some(input) >= price.input), "{vendor} {id}");
                    [price.input, price.output, price.cache_read, price.cache_write, price.audio_input]
                        .into_iter()
                        .chain([
                            price.cache_write_1h,
                            price.reasoning,
                            Some(long.above),
                            long.input,
                            long.output,
                            long.reasoning,
                            long.cache_read,
                            long.cache_write,
                            long.cache_write_1h,
                        ])
                });
                let numbers = [model.context_window, model.max_output_tokens];
                let numbers = numbers.into_iter().chain(price.into_iter().flatten());
                assert!(numbers.flatten().all(|number| number > 0), "{vendor} {id}");
                assert_eq!(model.parameter_rules.validate(), Ok(()), "{vendor} {id}");
            }
        }
    }

    #[test]
    fn a_known_model_carries_facts_price_rules_and_date() {
        let model = known("openai", "o1").expect("o1");
        assert_eq!(model.context_window, Some(200_000));
        assert_eq!(model.capabilities.reasoning, Some(true));
        assert_eq!(model.price.expect("price").input, Some(15_000_000));
        assert_eq!(model.price.expect("price").output, Some(60_000_000));
        assert!(model.parameter_rules.clamp_output);
        assert!(model.parameter_rules.rename.contains_key("max_tokens"));
        assert_eq!(model.as_of.to_string(), "2026-07-02");
    }

    #[test]
    fn names_are_exact_and_belong_to_their_vendor() {
        assert!(known("openai", "gpt-4.1").is_some());
        assert!(known("openai", "GPT-4.1").is_none());
        assert!(known("openai", "gpt-4.1-2099-01-01").is_none());
        assert!(known("mistral", "gpt-4.1").is_none());
        assert!(known("custom", "gpt-4.1").is_none());
        assert!(known("gemini", "models/gemini-2.5-flash-lite").is_some());
    }

    #[test]
    fn a_price_that_rises_with_the_prompt_and_that_of_sound_are_known() {
        let price = known("gemini", "gemini-3-pro-preview").and_then(|model| model.price).expect("a price");
        let long = price.long_prompt.expect("a price of long prompts");
        assert_eq!((long.above, long.input, long.output), (200_000, Some(4_000_000), Some(18_000_000)));
        for (vendor, model) in
            [("openai", "gpt-5.5"), ("xai", "grok-4.3"), ("openrouter", "anthropic/claude-sonnet-4.5")]
        {
            let price = known(vendor, model).and_then(|model| model.price).expect(model);
            assert!(price.long_prompt.is_some(), "{model}");
        }
        let hears = known("gemini", "gemini-3-flash-preview").and_then(|model| model.price).expect("a price");
        assert_eq!(hears.audio_input, Some(1_000_000));
        for vendor in ["anthropic", "foundry"] {
            let price = known(vendor, "claude-opus-4-8").and_then(|model| model.price).expect(vendor);
            assert_eq!(
                (price.cache_write, price.cache_write_1h),
                (Some(6_250_000), Some(10_000_000)),
                "{vendor}"
            );
        }
        let long =
            known("foundry", "claude-opus-4-8").and_then(|model| model.price?.long_prompt).expect("long");
        assert_eq!((long.input, long.cache_write_1h), (Some(10_000_000), Some(20_000_000)));
        let thinks = known("openrouter", "perplexity/sonar-deep-research").and_then(|model| model.price);
        assert_eq!(thinks.expect("a price").reasoning, Some(3_000_000));
    }

    #[test]
    fn a_kind_is_known_by_the_name() {
        let cases: &[(Option<ModelKind>, &[&str])] = &[
            (
                Some(ModelKind::Embedding),
                &[
                    "text-embedding-3-small",
                    "mistral-embed",
                    "gemini-embedding-001",
                    "amazon.titan-embed-text-v2:0",
                    "openai/text-embedding-ada-002",
                    "BAAI/bge-m3",
                    "voyage-3-large",
                    "ft:text-embedding-3-small:acme::abc",
                ],
            ),
            (Some(ModelKind::Rerank), &["rerank-v3.5", "BAAI/bge-reranker-v2-m3", "cohere.rerank-v3-5:0"]),
            (Some(ModelKind::Moderation), &["omni-moderation-latest", "text-moderation-stable"]),
            (Some(ModelKind::Speech), &["tts-1-hd", "gpt-4o-mini-tts", "playai-tts"]),
            (Some(ModelKind::Transcription), &["whisper-large-v3-turbo", "gpt-4o-mini-transcribe"]),
            (Some(ModelKind::Image), &["dall-e-3", "gpt-image-1", "black-forest-labs/FLUX.1-schnell"]),
            (Some(ModelKind::Completion), &["gpt-3.5-turbo-instruct", "davinci-002"]),
            (
                None,
                &[
                    "gpt-4o",
                    "claude-sonnet-4-5",
                    "llama-3.3-70b-instruct",
                    "ft:gpt-4o-mini:embed::x",
                    "sim/steady",
                    "",
                ],
            ),
        ];
        for (kind, names) in cases {
            for name in *names {
                assert_eq!(known_kind(name), *kind, "{name}");
            }
        }
    }

    #[test]
    fn the_models_of_the_table_write_texts() {
        let table = read(EMBEDDED).expect("known_models.json");
        for id in table.values().flat_map(HashMap::keys) {
            let kind = known_kind(id);
            assert!(matches!(kind, None | Some(ModelKind::Completion)), "{id}: {kind:?}");
        }
    }

    #[test]
    fn a_free_or_unpriced_model_has_no_price() {
        let free = known("openrouter", "qwen/qwen3-coder:free").expect("free model");
        assert_eq!(free.price, None);
        let unpriced = known("groq", "groq/compound").expect("unpriced model");
        assert_eq!(unpriced.price, None);
        let cache_unknown = known("openai", "gpt-3.5-turbo").expect("model");
        assert_eq!(cache_unknown.price.expect("price").cache_read, None);
    }
}
