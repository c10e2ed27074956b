//! What each vendor documents, and what it comes to.

use super::*;

/// The vendor, its usage, and the parts: prompt, answer, cached, written to the cache, reasoning.
const SHAPES: &[(&str, &str, [i64; 5])] = &[
    (
        "openai",
        r#"{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":8,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#,
        [19, 10, 8, 0, 4],
    ),
    (
        "azure",
        r#"{"completion_tokens":33,"prompt_tokens":14,"total_tokens":47,"completion_tokens_details":null,"prompt_tokens_details":null}"#,
        [14, 33, 0, 0, 0],
    ),
    (
        "azure-deployments",
        r#"{"completion_tokens":33,"prompt_tokens":14,"total_tokens":47,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":5,"rejected_prediction_tokens":0},"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":2}}"#,
        [14, 33, 2, 0, 5],
    ),
    ("anthropic", r#"{"prompt_tokens":14,"completion_tokens":33,"total_tokens":47}"#, [14, 33, 0, 0, 0]),
    (
        "anthropic, its own names",
        r#"{"input_tokens":3000,"cache_creation_input_tokens":0,"cache_read_input_tokens":2000,"output_tokens":50,"service_tier":"standard","server_tool_use":{"web_search_requests":0}}"#,
        [5_000, 50, 2_000, 0, 0],
    ),
    (
        "anthropic, more cached than fresh",
        r#"{"input_tokens":12,"cache_creation_input_tokens":495,"cache_read_input_tokens":2000,"output_tokens":50}"#,
        [2_507, 50, 2_000, 495, 0],
    ),
    (
        "a proxy, the cache beside the prompt",
        r#"{"prompt_tokens":12,"completion_tokens":50,"total_tokens":2557,"prompt_tokens_details":{"cached_tokens":2000},"cache_creation_input_tokens":495}"#,
        [2_507, 50, 2_000, 495, 0],
    ),
    (
        "a proxy, the cache inside the prompt",
        r#"{"prompt_tokens":2507,"completion_tokens":50,"total_tokens":2557,"cache_read_input_tokens":2000,"cache_creation_input_tokens":495}"#,
        [2_507, 50, 2_000, 495, 0],
    ),
    (
        "a proxy, only what is written beside the prompt",
        r#"{"prompt_tokens":2012,"completion_tokens":50,"total_tokens":2557,"cache_read_input_tokens":2000,"cache_creation_input_tokens":495}"#,
        [2_507, 50, 2_000, 495, 0],
    ),
    (
        "gemini, thinking only in the total",
        r#"{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}"#,
        [20, 603, 0, 0, 405],
    ),
    ("gemini", r#"{"prompt_tokens":20,"completion_tokens":198,"total_tokens":218}"#, [20, 198, 0, 0, 0]),
    (
        "openrouter",
        r#"{"prompt_tokens":194,"completion_tokens":2,"total_tokens":196,"cost":0.95,"is_byok":false,"prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":100,"audio_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":0,"image_tokens":0}}"#,
        [194, 2, 10, 100, 0],
    ),
    (
        "groq",
        r#"{"queue_time":0.037,"prompt_tokens":18,"prompt_time":0.0006,"completion_tokens":556,"completion_time":0.46,"total_tokens":574,"total_time":0.46}"#,
        [18, 556, 0, 0, 0],
    ),
    (
        "mistral",
        r#"{"prompt_tokens":16,"completion_tokens":34,"total_tokens":50,"prompt_audio_seconds":{}}"#,
        [16, 34, 0, 0, 0],
    ),
    (
        "mistral, with its cache",
        r#"{"prompt_tokens":1600,"completion_tokens":34,"total_tokens":1634,"prompt_tokens_details":{"cached_tokens":1024},"prompt_token_details":{"cached_tokens":1024},"num_cached_tokens":1024}"#,
        [1_600, 34, 1_024, 0, 0],
    ),
    (
        "together",
        r#"{"prompt_tokens":16,"completion_tokens":34,"total_tokens":50,"cached_tokens":0}"#,
        [16, 34, 0, 0, 0],
    ),
    (
        "deepseek",
        r#"{"prompt_tokens":2507,"completion_tokens":50,"total_tokens":2557,"prompt_tokens_details":{"cached_tokens":2000},"completion_tokens_details":{"reasoning_tokens":20},"prompt_cache_hit_tokens":2000,"prompt_cache_miss_tokens":507}"#,
        [2_507, 50, 2_000, 0, 20],
    ),
    (
        "xai, reasoning beside the answer",
        r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"prompt_tokens_details":{"text_tokens":32,"audio_tokens":0,"image_tokens":0,"cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},"num_sources_used":0}"#,
        [32, 103, 6, 0, 94],
    ),
    (
        "fireworks",
        r#"{"prompt_tokens":24,"total_tokens":124,"completion_tokens":100,"prompt_tokens_details":{"cached_tokens":16}}"#,
        [24, 100, 16, 0, 0],
    ),
    ("ollama", r#"{"prompt_tokens":26,"completion_tokens":298,"total_tokens":324}"#, [26, 298, 0, 0, 0]),
    (
        "vllm",
        r#"{"prompt_tokens":9,"total_tokens":21,"completion_tokens":12,"prompt_tokens_details":null}"#,
        [9, 12, 0, 0, 0],
    ),
    (
        "custom: moonshot",
        r#"{"prompt_tokens":19,"completion_tokens":21,"total_tokens":40,"cached_tokens":10}"#,
        [19, 21, 10, 0, 0],
    ),
    (
        "custom: perplexity",
        r#"{"prompt_tokens":8,"completion_tokens":439,"total_tokens":447,"search_context_size":"low","cost":{"input_tokens_cost":0.00001,"output_tokens_cost":0.0066,"request_cost":0.006,"total_cost":0.01261}}"#,
        [8, 439, 0, 0, 0],
    ),
    ("custom: cohere", r#"{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}"#, [9, 4, 0, 0, 0]),
    (
        "custom: cerebras",
        r#"{"prompt_tokens":22,"completion_tokens":16,"total_tokens":38,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#,
        [22, 16, 8, 0, 0],
    ),
    (
        "custom: sambanova",
        r#"{"acceptance_rate":6.6667,"completion_tokens":350,"completion_tokens_after_first_per_sec":248.8,"end_time":1736876083.34,"is_last_response":true,"prompt_tokens":43,"start_time":1736876081.57,"stop_reason":"stop","time_to_first_token":0.18,"total_latency":1.58,"total_tokens":393,"total_tokens_per_sec":247.6}"#,
        [43, 350, 0, 0, 0],
    ),
    (
        "custom: zhipu",
        r#"{"completion_tokens":239,"prompt_tokens":8,"prompt_tokens_details":{"cached_tokens":6},"total_tokens":247}"#,
        [8, 239, 6, 0, 0],
    ),
    (
        "custom: minimax",
        r#"{"total_tokens":249,"total_characters":0,"prompt_tokens":26,"completion_tokens":223,"completion_tokens_details":{"reasoning_tokens":214}}"#,
        [26, 223, 0, 0, 214],
    ),
    (
        "custom: dashscope, a cache that is written",
        r#"{"prompt_tokens":3019,"completion_tokens":104,"total_tokens":3123,"prompt_tokens_details":{"cached_tokens":1000,"cache_creation":{"ephemeral_5m_input_tokens":2000},"cache_creation_input_tokens":2000,"cache_type":"ephemeral"}}"#,
        [3_019, 104, 1_000, 2_000, 0],
    ),
    (
        "custom: doubao",
        r#"{"completion_tokens":1028,"prompt_tokens":43,"total_tokens":1071,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":817}}"#,
        [43, 1_028, 0, 0, 817],
    ),
    (
        "custom: deepinfra",
        r#"{"prompt_tokens":15,"total_tokens":31,"completion_tokens":16,"estimated_cost":0.0000268,"prompt_tokens_details":null}"#,
        [15, 16, 0, 0, 0],
    ),
    (
        "custom: vertex",
        r#"{"completion_tokens":7,"completion_tokens_details":{"reasoning_tokens":0},"extra_properties":{"google":{"traffic_type":"ON_DEMAND"}},"prompt_tokens":5,"total_tokens":12}"#,
        [5, 7, 0, 0, 0],
    ),
    (
        "custom: the responses' names",
        r#"{"input_tokens":36,"input_tokens_details":{"cached_tokens":4},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":40},"total_tokens":123}"#,
        [36, 87, 4, 0, 40],
    ),
    (
        "custom: zeros of another dialect",
        r#"{"prompt_tokens":36,"completion_tokens":87,"total_tokens":123,"input_tokens":0,"output_tokens":0}"#,
        [36, 87, 0, 0, 0],
    ),
    (
        "foundry, with what its platform adds",
        r#"{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":50,"output_tokens":7,"service_tier":"standard"}"#,
        [160, 7, 100, 50, 0],
    ),
    (
        "bedrock-messages",
        r#"{"input_tokens":10,"cache_read_input_tokens":0,"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":0},"output_tokens":7}"#,
        [60, 7, 0, 50, 0],
    ),
    (
        "bedrock, which counts apart what the cache held",
        r#"{"inputTokens":10,"cacheReadInputTokens":100,"cacheWriteInputTokens":50,"cacheDetails":[{"ttl":"5m","inputTokens":50}],"outputTokens":7,"totalTokens":167}"#,
        [160, 7, 100, 50, 0],
    ),
    (
        "gemini-native, with thoughts, a cache and results of tools",
        r#"{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":9,"thoughtsTokenCount":40,"toolUsePromptTokenCount":10,"totalTokenCount":159}"#,
        [110, 49, 60, 0, 40],
    ),
    (
        "vertex-gemini",
        r#"{"promptTokenCount":100,"candidatesTokenCount":9,"totalTokenCount":109,"trafficType":"ON_DEMAND","promptTokensDetails":[{"modality":"TEXT","tokenCount":100}],"candidatesTokensDetails":[{"modality":"TEXT","tokenCount":9}]}"#,
        [100, 9, 0, 0, 0],
    ),
    (
        "vertex-messages",
        r#"{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":7}"#,
        [110, 7, 100, 0, 0],
    ),
    (
        "custom-messages",
        r#"{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":50,"output_tokens":7}"#,
        [160, 7, 100, 50, 0],
    ),
    ("simulated", r#"{"prompt_tokens":9,"completion_tokens":7,"total_tokens":16}"#, [9, 7, 0, 0, 0]),
];

#[test]
fn every_vendors_way_of_counting_comes_to_the_same_parts() {
    for (vendor, text, parts) in SHAPES {
        let usage = settled(text);
        let found = [usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning];
        assert_eq!(found, *parts, "{vendor}");
        assert_eq!((usage.estimated, usage.flag, usage.extras), (false, None, false), "{vendor}");
        assert!(usage.cost(&price(1_000_000, 2_000_000)).is_some(), "{vendor}");
    }
    for preset in crate::providers::presets::PRESETS {
        assert!(SHAPES.iter().any(|(vendor, _, _)| vendor.starts_with(preset.name)), "{}", preset.name);
    }
}

#[test]
fn of_bedrocks_counts_none_includes_another() {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
    let usage = raw(
        r#"{"inputTokens":200,"cacheReadInputTokens":100,"cacheWriteInputTokens":30,"cacheDetails":[{"ttl":"1h","inputTokens":20},{"ttl":"5m","inputTokens":10}],"outputTokens":7,"totalTokens":207}"#,
    );
    let found = of_converse(&usage, Some(&raw("\"flex\"")));
    assert_eq!((found.input, found.output), (Some(330), Some(7)));
    assert_eq!((found.cached, found.cache_write, found.cache_write_1h), (100, 30, 20));
    assert_eq!((found.tier, found.flag, found.writes_by_time), (Some(Tier::Special), None, true));
    assert_eq!(of_converse(&raw("7"), None).flag, Some(Flag::Unusable));
}

#[test]
fn groq_counts_in_an_object_of_its_own() {
    let raw = RawValue::from_string(
        r#"{"id":"req_1","usage":{"prompt_tokens":18,"completion_tokens":5,"total_tokens":23}}"#.to_owned(),
    );
    let found = parse_inside(raw.expect("JSON").get());
    assert_eq!((found.input, found.output, found.present), (Some(18), Some(5), true));
    let raw = RawValue::from_string(r#"{"id":"req_1"}"#.to_owned());
    assert_eq!(parse_inside(raw.expect("JSON").get()), Reported::default());
}

#[test]
fn a_providers_own_bill_is_what_it_costs() {
    let listed = price(1_000_000, 1_000_000);
    for (bill, cost) in [
        (r#""cost":0.95"#, 950_000_000),
        (r#""cost":0.00014"#, 140_000),
        (r#""cost":1e-12"#, 1),
        (r#""cost":0.95,"is_byok":true,"cost_details":{"upstream_inference_cost":19}"#, 19_950_000_000),
        (r#""cost":0.95,"cost_details":{"upstream_inference_cost":19}"#, 19_950_000_000),
        (r#""cost":0.95,"is_byok":false,"cost_details":{"upstream_inference_cost":0.95}"#, 950_000_000),
        (r#""cost":{"total_cost":0.01261}"#, 12_610_000),
        (r#""cost":"0.001""#, 1_000_000),
        (r#""cost":{"total_cost":"0.001"}"#, 1_000_000),
        (r#""cost_in_usd_ticks":"37756000""#, 3_775_600),
        // A fee is not the cost of the answer.
        (r#""cost":0.0001,"is_byok":true"#, 12_000),
        (r#""cost":0.0001,"is_byok":true,"cost_details":{"upstream_inference_cost":null}"#, 12_000),
        (r#""cost":0.0001,"is_byok":true,"cost_details":{"upstream_inference_cost":0}"#, 12_000),
        (r#""cost":0.0001,"is_byok":true,"cost_details":{"upstream_inference_cost":"0.002"}"#, 2_100_000),
        (r#""estimated_cost":0.5"#, 500_000_000),
        (r#""cost_in_usd_ticks":37756000"#, 3_775_600),
        // What is no bill, and a bill of nothing for what has a price.
        (r#""cost":-1"#, 12_000),
        (r#""cost":"free""#, 12_000),
        (r#""cost":"NaN""#, 12_000),
        (r#""cost":1e300"#, 12_000),
        (r#""cost":0"#, 12_000),
    ] {
        let usage = settled(&format!(r#"{{"prompt_tokens":10,"completion_tokens":2,{bill}}}"#));
        assert_eq!(usage.bill(Some(&listed), None).0, Some(cost), "{bill}");
    }
    // Only a price of 0 makes an answer free.
    let nothing = settled(r#"{"prompt_tokens":10,"completion_tokens":2,"cost":0}"#);
    assert_eq!(nothing.bill(None, None), (None, None));
    assert_eq!(nothing.bill(Some(&price(0, 0)), None), (Some(0), Some(CostSource::ListPrice)));
    let plain = settled(r#"{"prompt_tokens":10,"completion_tokens":2}"#);
    assert_eq!(plain.bill(None, None), (None, None));
    assert_eq!(plain.bill(Some(&listed), None), (Some(12_000), Some(CostSource::ListPrice)));
    let own = Some(uuid::Uuid::from_u128(1));
    assert_eq!(plain.bill(Some(&listed), own), (Some(12_000), Some(CostSource::OwnPrice)));
}

#[test]
fn another_tier_is_not_billed_at_the_standard_price() {
    let listed = price(1_000_000, 1_000_000);
    for (tier, cost) in [
        (r#""default""#, Some(12_000)),
        (r#""standard""#, Some(12_000)),
        (r#""on_demand""#, Some(12_000)),
        ("null", Some(12_000)),
        (r#""flex""#, None),
        (r#""priority""#, None),
        (r#""batch""#, None),
        (r#""scale""#, None),
        ("7", None),
    ] {
        let usage =
            settled(&format!(r#"{{"prompt_tokens":10,"completion_tokens":2,"service_tier":{tier}}}"#));
        assert_eq!(usage.bill(Some(&listed), None).0, cost, "{tier}");
    }
}

#[test]
fn sound_pictures_and_searches_cost_their_own_price_or_are_unknown() {
    let listed = price(1_000_000, 2_000_000);
    let hears = ModelPrice { audio_input: Some(10_000_000), audio_output: Some(20_000_000), ..listed };
    let text = r#"{"prompt_tokens":100,"completion_tokens":50,"prompt_tokens_details":{"audio_tokens":40},"completion_tokens_details":{"audio_tokens":30}}"#;
    assert_eq!(settled(text).cost(&listed), None);
    assert_eq!(settled(text).cost(&hears), Some(60_000 + 400_000 + 40_000 + 600_000));
    for extra in [
        r#""completion_tokens_details":{"image_tokens":1290}"#,
        r#""server_tool_use":{"web_search_requests":2}"#,
        r#""num_sources_used":5"#,
        r#""prompt_tokens_details":{"web_search_requests":2}"#,
        r#""completion_tokens_details":{"web_search_requests":2}"#,
        r#""output_tokens_details":{"tools":{"search":[{"name":"web","count":1}]}}"#,
        r#""plugins":{"search":{"count":1,"strategy":"turbo"}}"#,
        r#""tool_usage":{"web_search":2}"#,
        r#""tool_usage":[{"name":"web_search","count":2}]"#,
        r#""x_tools":{"web_search":{"count":1}}"#,
        r#""connectors":{"web_search":1}"#,
        r#""billed_units":{"search_units":1}"#,
        r#""iterations":[{"input_tokens":100,"output_tokens":50,"server_tool_use":{"web_search_requests":1}}]"#,
        r#""prompt_audio_seconds":12"#,
        r#""cache_creation":{"ephemeral_1h_input_tokens":20}"#,
        r#""prompt_tokens_details":{"cache_creation":{"ephemeral_1h_input_tokens":20}}"#,
        r#""prompt_tokens_details":{"cache_creation_token_details":{"ephemeral_1h_input_tokens":20,"ephemeral_5m_input_tokens":0}}"#,
    ] {
        let usage = settled(&format!(r#"{{"prompt_tokens":100,"completion_tokens":50,{extra}}}"#));
        assert_eq!(usage.cost(&hears), None, "{extra}");
    }
    for nothing in [
        r#""prompt_tokens_details":{"web_search_requests":0,"tool_tokens":5}"#,
        r#""plugins":{"search":{"count":0,"strategy":"turbo"}}"#,
        r#""tool_usage":{},"x_tools":null,"search_context_size":"low""#,
        r#""search_time":0.2,"tool_calls":3,"queue_time":0.1"#,
    ] {
        let usage = settled(&format!(r#"{{"prompt_tokens":100,"completion_tokens":50,{nothing}}}"#));
        assert_eq!(usage.cost(&listed), Some(200_000), "{nothing}");
    }
}
