//! The demo's models, and which stand behind which.

use entity::ids::ProviderId;

use crate::domain::error::Result;
use crate::domain::fallback_type::FallbackType;
use crate::domain::fallback_type::FallbackType::{ContentPolicy, ContextWindow, General};
use crate::providers::{Capabilities, StreamOptions};
use crate::store::{ModelFields, NewFallback, NewProvider, OrgStore, PriceFields};

/// A model of the demo.
struct DemoModel {
    name: &'static str,
    upstream: &'static str,
    price: PriceFields,
    /// The model behind it, and for which failures.
    fallback: Option<(FallbackType, &'static str)>,
}

/// In micro-dollars per million tokens: 4 and 16 dollars. Made up, as are the models.
const DEAR: PriceFields = PriceFields {
    input: Some(4_000_000),
    output: Some(16_000_000),
    cache_read: Some(1_000_000),
    cache_write: None,
    audio_input: None,
    audio_output: None,
    long_prompt: None,
};
/// 0.25 and 1 dollar.
const CHEAP: PriceFields = PriceFields {
    input: Some(250_000),
    output: Some(1_000_000),
    cache_read: Some(25_000),
    cache_write: None,
    audio_input: None,
    audio_output: None,
    long_prompt: None,
};

const MODELS: &[DemoModel] = &[
    model("steady", "sim/steady", CHEAP, None),
    model("demo/steady", "sim/steady", CHEAP, None),
    model("smart", "sim/error-503", DEAR, Some((General, "steady"))),
    model("demo/smart", "sim/error-503", DEAR, Some((General, "demo/steady"))),
    model("rate-limited", "sim/rate-limited", DEAR, Some((General, "steady"))),
    model("short-window", "sim/context-overflow", CHEAP, Some((ContextWindow, "steady"))),
    model("filtered", "sim/content-filter", DEAR, Some((ContentPolicy, "steady"))),
    model("slow", "sim/slow-10s", DEAR, Some((General, "steady"))),
    model("flaky", "sim/flaky-40", DEAR, Some((General, "steady"))),
    model("garbage", "sim/garbage", DEAR, Some((General, "steady"))),
    model("hopeless", "sim/error-500", DEAR, Some((General, "out-of-quota"))),
    model("out-of-quota", "sim/quota-exhausted", DEAR, None),
];

/// Short, so that who tries 'slow' does not wait long.
const TIMEOUT_MS: i64 = 2_000;

const fn model(
    name: &'static str,
    upstream: &'static str,
    price: PriceFields,
    fallback: Option<(FallbackType, &'static str)>,
) -> DemoModel {
    DemoModel { name, upstream, price, fallback }
}

/// Puts the provider, the models and the fallbacks into an empty organization.
///
/// # Errors
/// The database cannot be written.
pub(super) async fn fill(organization: &OrgStore) -> Result<()> {
    let provider = NewProvider {
        name: "simulated".to_owned(),
        preset: "simulated".to_owned(),
        base_url: None,
        credential: None,
        stream_options: StreamOptions::Auto,
    };
    let provider = organization.provider_create(provider).await?;
    for model in MODELS {
        organization.model_create(fields(model, provider.id)).await?;
    }
    for model in MODELS {
        let Some((fallback_type, behind)) = model.fallback else { continue };
        let fallback = NewFallback {
            model: model.name.to_owned(),
            fallback_models: vec![behind.to_owned()],
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
        context_window: Some(128_000),
        max_output_tokens: Some(16_000),
        capabilities: Capabilities::default(),
        price: Some(model.price),
        parameter_rules: None,
        first_frame_timeout_ms: Some(TIMEOUT_MS),
        answer_timeout_ms: Some(TIMEOUT_MS),
        // What fails on purpose fails again; a second try would only make the demo slower.
        num_retries: Some(0),
        enabled: true,
    }
}
