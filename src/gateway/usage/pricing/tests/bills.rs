//! What the usage of each vendor costs at its list price, to the last nano-dollar.

use super::*;
use crate::providers::{known_model, preset};

/// What is special, the preset and its model, the usage, and its cost in nano-dollars.
#[rustfmt::skip]
const BILLS: &[(&str, (&str, &str), &str, i64)] = &[
    (
        "a cached prompt", ("openai", "gpt-4o"),
        r#"{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#,
        86 * 2_500 + 1_920 * 1_250 + 300 * 10_000,
    ),
    (
        "reasoning inside of the answer", ("openai", "gpt-5.4"),
        r#"{"prompt_tokens":100,"completion_tokens":1000,"total_tokens":1100,"completion_tokens_details":{"reasoning_tokens":800}}"#,
        100 * 2_500 + 1_000 * 15_000,
    ),
    (
        "a long prompt", ("openai", "gpt-5.4"),
        r#"{"prompt_tokens":300000,"completion_tokens":10,"total_tokens":300010,"prompt_tokens_details":{"cached_tokens":100000}}"#,
        200_000 * 5_000 + 100_000 * 500 + 10 * 22_500,
    ),
    (
        "a response", ("openai", "gpt-5.4"),
        r#"{"input_tokens":36,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":0},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":40},"total_tokens":123}"#,
        32 * 2_500 + 4 * 250 + 87 * 15_000,
    ),
    (
        "nothing in detail", ("azure", "gpt-4o"),
        r#"{"completion_tokens":33,"prompt_tokens":14,"total_tokens":47,"completion_tokens_details":null,"prompt_tokens_details":null}"#,
        14 * 2_500 + 33 * 10_000,
    ),
    (
        "caches of both times beside the prompt", ("anthropic", "claude-sonnet-4-5"),
        r#"{"input_tokens":12,"cache_read_input_tokens":2000,"cache_creation_input_tokens":495,"cache_creation":{"ephemeral_5m_input_tokens":95,"ephemeral_1h_input_tokens":400},"output_tokens":50,"service_tier":"standard"}"#,
        12 * 3_000 + 2_000 * 300 + 95 * 3_750 + 400 * 6_000 + 50 * 15_000,
    ),
    (
        "thinking inside of the answer", ("anthropic", "claude-opus-4-8"),
        r#"{"input_tokens":7,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"output_tokens":90,"output_tokens_details":{"thinking_tokens":60},"service_tier":"standard"}"#,
        7 * 5_000 + 90 * 25_000,
    ),
    (
        "claude of another cloud", ("foundry", "claude-sonnet-4-5"),
        r#"{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":50},"output_tokens":7}"#,
        10 * 3_000 + 100 * 300 + 50 * 6_000 + 7 * 15_000,
    ),
    (
        "thoughts in the total only", ("gemini", "gemini-3-pro-preview"),
        r#"{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}"#,
        20 * 2_000 + 603 * 12_000,
    ),
    (
        "one token above the limit of the prompt", ("gemini", "gemini-3-pro-preview"),
        r#"{"prompt_tokens":200001,"completion_tokens":1,"total_tokens":200002}"#,
        200_001 * 4_000 + 18_000,
    ),
    (
        "sound in the prompt", ("gemini", "gemini-3-flash-preview"),
        r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"audio_tokens":40}}"#,
        60 * 500 + 40 * 1_000 + 50 * 3_000,
    ),
    (
        "times", ("groq", "llama-3.3-70b-versatile"),
        r#"{"queue_time":0.037,"prompt_tokens":18,"prompt_time":0.0006,"completion_tokens":556,"completion_time":0.46,"total_tokens":574,"total_time":0.46}"#,
        18 * 590 + 556 * 790,
    ),
    (
        "seconds of sound, none", ("mistral", "magistral-medium-latest"),
        r#"{"prompt_tokens":16,"completion_tokens":34,"total_tokens":50,"prompt_audio_seconds":{}}"#,
        16 * 2_000 + 34 * 5_000,
    ),
    (
        "parts of a nano-dollar", ("deepseek", "deepseek-chat"),
        r#"{"prompt_tokens":2508,"completion_tokens":50,"total_tokens":2558,"prompt_tokens_details":{"cached_tokens":2001},"prompt_cache_hit_tokens":2001,"prompt_cache_miss_tokens":507}"#,
        // 2,001 tokens of 2.8 are 5,602.8.
        507 * 140 + 5_603 + 50 * 280,
    ),
    (
        "reasoning beside the answer", ("xai", "grok-4.3"),
        r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"prompt_tokens_details":{"text_tokens":32,"audio_tokens":0,"image_tokens":0,"cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},"num_sources_used":0}"#,
        26 * 1_250 + 6 * 200 + 103 * 2_500,
    ),
    (
        "a cache", ("fireworks", "accounts/fireworks/models/gpt-oss-120b"),
        r#"{"prompt_tokens":24,"total_tokens":124,"completion_tokens":100,"prompt_tokens_details":{"cached_tokens":16}}"#,
        8 * 150 + 16 * 15 + 100 * 600,
    ),
    (
        "a cache in no details", ("together", "MiniMaxAI/MiniMax-M2.5"),
        r#"{"prompt_tokens":16,"completion_tokens":34,"total_tokens":50,"cached_tokens":6}"#,
        10 * 300 + 6 * 60 + 34 * 1_200,
    ),
    (
        "an hour of a long prompt", ("foundry", "claude-opus-4-6"),
        r#"{"input_tokens":100000,"cache_creation_input_tokens":120001,"cache_read_input_tokens":50000,"cache_creation":{"ephemeral_5m_input_tokens":20000,"ephemeral_1h_input_tokens":100001},"output_tokens":503}"#,
        100_000 * 10_000 + 50_000 * 1_000 + 20_000 * 12_500 + 100_001 * 20_000 + 503 * 37_500,
    ),
    (
        "a bill of its own", ("openrouter", "anthropic/claude-sonnet-4.5"),
        r#"{"prompt_tokens":194,"completion_tokens":2,"total_tokens":196,"cost":0.00123,"is_byok":false,"prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":100,"audio_tokens":0},"cost_details":{"upstream_inference_cost":null}}"#,
        1_230_000,
    ),
];

#[test]
fn every_vendors_usage_costs_its_list_price() {
    for (what, (vendor, model), usage, cost) in BILLS {
        let known = known_model(preset(vendor).expect(vendor), model).expect(model);
        let (billed, source) = settled(usage).bill(known.price.as_ref(), None);
        assert_eq!(billed, Some(*cost), "{vendor}, {what}");
        let expected = if *vendor == "openrouter" { CostSource::Provider } else { CostSource::ListPrice };
        assert_eq!(source, Some(expected), "{vendor}, {what}");
    }
}

#[test]
fn the_parts_of_a_usage_are_disjoint_for_every_vendor() {
    for (what, (vendor, _), usage, _) in BILLS {
        let usage = settled(usage);
        let fresh = usage.input - usage.cached - usage.cache_write - usage.audio_input;
        assert!(fresh >= 0 && usage.cache_write_1h <= usage.cache_write, "{vendor}, {what}: {usage:?}");
        assert!(usage.reasoning <= usage.output && usage.audio_output <= usage.output, "{vendor}, {what}");
        assert_eq!((usage.estimated, usage.flag), (false, None), "{vendor}, {what}");
    }
}
