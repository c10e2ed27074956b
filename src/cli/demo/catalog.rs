//! The demo's models and their fallbacks.

use entity::ids::ProviderId;

use crate::domain::error::Result;
use crate::domain::fallback_type::FallbackType;
use crate::domain::fallback_type::FallbackType::{ContentPolicy, ContextWindow, General};
use crate::domain::operation::ModelKind;
use crate::providers::{ModelPrice, StreamOptions};
use crate::store::{ModelFields, ModelSettings, NewFallback, NewProvider, OrgStore, ProviderLimits};

/// A model of the demo and its fallback.
struct DemoModel {
    name: &'static str,
    kind: ModelKind,
    upstream: &'static str,
    price: ModelPrice,
    /// Its fallback, and for which failures.
    fallback: Option<(FallbackType, &'static str)>,
}

/// An invented price in micro-dollars per million tokens: 4 and 16 dollars.
const EXPENSIVE: ModelPrice = ModelPrice {
    input: Some(4_000_000),
    output: Some(16_000_000),
    reasoning: None,
    cache_read: Some(1_000_000),
    cache_write: None,
    cache_write_1h: None,
    audio_input: None,
    audio_output: None,
    long_prompt: None,
};
/// An invented price of 0.25 and 1 dollar.
const CHEAP: ModelPrice = ModelPrice {
    input: Some(250_000),
    output: Some(1_000_000),
    reasoning: None,
    cache_read: Some(25_000),
    cache_write: None,
    cache_write_1h: None,
    audio_input: None,
    audio_output: None,
    long_prompt: None,
};

const MODELS: &[DemoModel] = &[
    model("steady", "sim/steady", CHEAP, None),
    model("demo/steady", "sim/steady", CHEAP, None),
    model("smart", "sim/error-503", EXPENSIVE, Some((General, "steady"))),
    model("demo/smart", "sim/error-503", EXPENSIVE, Some((General, "demo/steady"))),
    model("rate-limited", "sim/rate-limited", EXPENSIVE, Some((General, "steady"))),
    model("short-window", "sim/context-overflow", CHEAP, Some((ContextWindow, "steady"))),
    model("filtered", "sim/content-filter", EXPENSIVE, Some((ContentPolicy, "steady"))),
    model("slow", "sim/slow-10s", EXPENSIVE, Some((General, "steady"))),
    model("flaky", "sim/flaky-40", EXPENSIVE, Some((General, "steady"))),
    model("garbage", "sim/garbage", EXPENSIVE, Some((General, "steady"))),
    model("hopeless", "sim/error-500", EXPENSIVE, Some((General, "out-of-quota"))),
    model("out-of-quota", "sim/quota-exhausted", EXPENSIVE, None),
    embedding("embed", "sim/error-503", EXPENSIVE, Some((General, "embed-steady"))),
    embedding("embed-steady", "sim/steady", CHEAP, None),
];

/// The name for the vectors of the demo, which are the same for all simulated models.
const VECTOR_SPACE: &str = "simulated";

/// A short timeout, so that a request to 'slow' does not wait long.
const TIMEOUT_MS: i64 = 2_000;

const fn model(
    name: &'static str,
    upstream: &'static str,
    price: ModelPrice,
    fallback: Option<(FallbackType, &'static str)>,
) -> DemoModel {
    DemoModel { name, kind: ModelKind::Chat, upstream, price, fallback }
}

const fn embedding(
    name: &'static str,
    upstream: &'static str,
    price: ModelPrice,
    fallback: Option<(FallbackType, &'static str)>,
) -> DemoModel {
    DemoModel { kind: ModelKind::Embedding, ..model(name, upstream, price, fallback) }
}

/// Creates the provider, the models and the fallbacks in an empty organization.
///
/// # Errors
/// The database is not writable.
pub(super) async fn fill(organization: &OrgStore) -> Result<()> {
    let provider = NewProvider {
        name: "simulated".to_owned(),
        preset: "simulated".to_owned(),
        base_url: None,
        credential: None,
        stream_options: StreamOptions::Auto,
        limits: ProviderLimits::default(),
    };
    let provider = organization.provider_create(provider).await?;
    for model in MODELS {
        organization.model_create(fields(model, provider.id)).await?;
    }
    for model in MODELS {
        let Some((fallback_type, fallback)) = model.fallback else { continue };
        let fallback = NewFallback {
            model: model.name.to_owned(),
            fallback_models: vec![fallback.to_owned()],
            fallback_type,
            triggers: None,
        };
        organization.fallback_set(fallback, None).await?;
    }
    Ok(())
}

fn fields(model: &DemoModel, provider_id: ProviderId) -> ModelFields {
    ModelFields {
        name: model.name.to_owned(),
        provider_id,
        upstream_model: model.upstream.to_owned(),
        settings: ModelSettings {
            kind: model.kind,
            vector_space: (model.kind == ModelKind::Embedding).then(|| VECTOR_SPACE.to_owned()),
            context_window: Some(128_000),
            max_output_tokens: (model.kind == ModelKind::Chat).then_some(16_000),
            price: Some(model.price),
            first_frame_timeout_ms: Some(TIMEOUT_MS),
            answer_timeout_ms: Some(TIMEOUT_MS),
            // A model that fails on purpose would fail again; a retry would only slow the demo down.
            num_retries: Some(0),
            ..ModelSettings::default()
        },
        enabled: true,
    }
}
