//! Where and how each vendor's stream reports its usage, and what is recorded of it.

use serde_json::{Value, json};

use crate::support::app::chat_body;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

/// The vendor, the `choices` and the other members of its chunks, and the tokens: prompt, answer, cached, reasoning.
type Shape = (&'static str, &'static [(&'static str, &'static str)], [i64; 4]);

const TEXT: &str = r#"[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}]"#;
const END: &str = r#"[{"index":0,"delta":{},"finish_reason":"stop"}]"#;
const EMPTY: &str = r#"[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#;

const SHAPES: &[Shape] = &[
    (
        "openai, azure, ollama, vllm: in a chunk of its own",
        &[
            (TEXT, r#""usage":null"#),
            (END, r#""usage":null"#),
            (
                "[]",
                r#""usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":8,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4}}"#,
            ),
        ],
        [19, 10, 8, 4],
    ),
    (
        "openrouter: in a chunk with an empty delta",
        &[
            (TEXT, r#""provider":"x""#),
            (END, r#""provider":"x""#),
            (
                EMPTY,
                r#""usage":{"prompt_tokens":194,"completion_tokens":20,"total_tokens":214,"cost":0.95,"is_byok":false,"prompt_tokens_details":{"cached_tokens":10},"completion_tokens_details":{"reasoning_tokens":12}}"#,
            ),
        ],
        [194, 20, 10, 12],
    ),
    (
        "groq: in an object of its own",
        &[
            (EMPTY, r#""x_groq":{"id":"req_1"}"#),
            (TEXT, r#""system_fingerprint":"fp""#),
            (
                END,
                r#""x_groq":{"id":"req_1","usage":{"queue_time":0.03,"prompt_tokens":18,"prompt_time":0.0006,"completion_tokens":56,"completion_time":0.46,"total_tokens":74,"total_time":0.46,"prompt_tokens_details":{"cached_tokens":16}}}"#,
            ),
        ],
        [18, 56, 16, 0],
    ),
    (
        "mistral, together, fireworks, cohere, cerebras, zhipu: with the end",
        &[
            (TEXT, r#""p":"abc""#),
            (
                END,
                r#""usage":{"prompt_tokens":16,"total_tokens":50,"completion_tokens":34,"prompt_tokens_details":{"cached_tokens":0}}"#,
            ),
        ],
        [16, 34, 0, 0],
    ),
    (
        "deepseek: with the end, in hits and misses",
        &[
            (TEXT, r#""usage":null"#),
            (
                END,
                r#""usage":{"prompt_tokens":2507,"completion_tokens":50,"total_tokens":2557,"completion_tokens_details":{"reasoning_tokens":20},"prompt_cache_hit_tokens":2000,"prompt_cache_miss_tokens":507}"#,
            ),
        ],
        [2_507, 50, 2_000, 20],
    ),
    (
        "xai: in a chunk of its own, reasoning beside the answer",
        &[
            (TEXT, r#""system_fingerprint":"fp""#),
            (END, r#""system_fingerprint":"fp""#),
            (
                "[]",
                r#""usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"prompt_tokens_details":{"text_tokens":32,"cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94},"num_sources_used":0}"#,
            ),
        ],
        [32, 103, 6, 94],
    ),
    (
        "gemini: in every chunk, growing, thinking in the total",
        &[
            (TEXT, r#""usage":{"prompt_tokens":20,"completion_tokens":2,"total_tokens":427}"#),
            (END, r#""usage":{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}"#),
        ],
        [20, 603, 0, 405],
    ),
    (
        "anthropic: in a chunk of its own",
        &[
            (TEXT, ""),
            (END, ""),
            ("[]", r#""usage":{"prompt_tokens":14,"completion_tokens":33,"total_tokens":47}"#),
        ],
        [14, 33, 0, 0],
    ),
    (
        "perplexity: in every chunk, growing, with a bill",
        &[
            (
                TEXT,
                r#""usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,"search_context_size":"low"}"#,
            ),
            (
                END,
                r#""usage":{"prompt_tokens":8,"completion_tokens":439,"total_tokens":447,"citation_tokens":8233,"num_search_queries":3,"cost":{"input_tokens_cost":0.1,"total_cost":0.95}}"#,
            ),
        ],
        [8, 439, 0, 0],
    ),
    (
        "sambanova: in a chunk of its own, between measurements",
        &[
            (TEXT, ""),
            (END, ""),
            (
                "[]",
                r#""usage":{"acceptance_rate":6.66,"completion_tokens":350,"is_last_response":true,"prompt_tokens":43,"total_latency":1.58,"total_tokens":393,"total_tokens_per_sec":247.6}"#,
            ),
        ],
        [43, 350, 0, 0],
    ),
    (
        "minimax: with the whole message at the end",
        &[
            (TEXT, ""),
            (
                r#"[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hello"}}]"#,
                r#""usage":{"total_tokens":249,"total_characters":0,"prompt_tokens":26,"completion_tokens":223},"base_resp":{"status_code":0,"status_msg":""}"#,
            ),
        ],
        [26, 223, 0, 0],
    ),
    (
        "dashscope: in a chunk of its own, with a cache",
        &[
            (TEXT, r#""usage":null"#),
            (END, r#""usage":null"#),
            (
                "[]",
                r#""usage":{"prompt_tokens":3019,"completion_tokens":104,"total_tokens":3123,"prompt_tokens_details":{"cached_tokens":2048}}"#,
            ),
        ],
        [3_019, 104, 2_048, 0],
    ),
    (
        "moonshot: inside the choice",
        &[
            (TEXT, ""),
            (
                r#"[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":1336,"completion_tokens":31,"total_tokens":1367,"cached_tokens":1280,"prompt_tokens_details":{"cached_tokens":1280}}}]"#,
                "",
            ),
        ],
        [1_336, 31, 1_280, 0],
    ),
    (
        "moonshot: inside the choice, then beside it",
        &[
            (TEXT, ""),
            (
                r#"[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":1336,"completion_tokens":31,"total_tokens":1367,"cached_tokens":1280}}]"#,
                "",
            ),
            (
                "[]",
                r#""usage":{"prompt_tokens":1336,"completion_tokens":32,"total_tokens":1368,"cached_tokens":1280}"#,
            ),
        ],
        [1_336, 32, 1_280, 0],
    ),
    (
        "moonshot: inside each of two choices",
        &[
            (TEXT, ""),
            (r#"[{"index":1,"delta":{"content":"Hi"},"finish_reason":null,"usage":null}]"#, ""),
            (
                r#"[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":19,"completion_tokens":13,"total_tokens":32}}]"#,
                "",
            ),
            (
                r#"[{"index":1,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":19,"completion_tokens":8,"total_tokens":27}}]"#,
                "",
            ),
        ],
        [19, 21, 0, 0],
    ),
];

/// Shapes of the usage itself, wherever it is: with the tokens, and whether a price of tokens covers it.
const FORMS: &[(&str, &str, [i64; 4], bool)] = &[
    (
        "anthropic's, with cache writes by their time",
        r#""usage":{"input_tokens":12,"cache_read_input_tokens":2000,"cache_creation_input_tokens":495,"cache_creation":{"ephemeral_5m_input_tokens":495,"ephemeral_1h_input_tokens":0},"output_tokens":50}"#,
        [2_507, 50, 2_000, 0],
        true,
    ),
    (
        "anthropic's, with nothing but cache writes by their time",
        r#""usage":{"input_tokens":12,"cache_read_input_tokens":2000,"cache_creation":{"ephemeral_5m_input_tokens":495},"output_tokens":50}"#,
        [2_507, 50, 2_000, 0],
        true,
    ),
    (
        "anthropic's, with cache writes for an hour, which have another price",
        r#""usage":{"input_tokens":12,"cache_creation":{"ephemeral_5m_input_tokens":95,"ephemeral_1h_input_tokens":400},"output_tokens":50}"#,
        [507, 50, 0, 0],
        false,
    ),
    (
        "converse's",
        r#""usage":{"inputTokens":12,"cacheReadInputTokens":2000,"cacheWriteInputTokens":495,"outputTokens":50}"#,
        [2_507, 50, 2_000, 0],
        true,
    ),
    (
        "gemini's",
        r#""usageMetadata":{"promptTokenCount":20,"candidatesTokenCount":198,"thoughtsTokenCount":405,"cachedContentTokenCount":8,"totalTokenCount":623}"#,
        [20, 603, 8, 405],
        true,
    ),
    (
        "gemini's, without a total",
        r#""usageMetadata":{"promptTokenCount":20,"candidatesTokenCount":198,"thoughtsTokenCount":105}"#,
        [20, 303, 0, 105],
        true,
    ),
    (
        "gemini's, with nothing but thoughts",
        r#""usageMetadata":{"promptTokenCount":20,"thoughtsTokenCount":105,"totalTokenCount":125}"#,
        [20, 105, 0, 105],
        true,
    ),
    (
        "gemini's names in a usage, with tools",
        r#""usage":{"promptTokenCount":20,"toolUsePromptTokenCount":30,"candidatesTokenCount":198,"totalTokenCount":248}"#,
        [50, 198, 0, 0],
        true,
    ),
    (
        "gemini's other spelling, with a generated image",
        r#""usage_metadata":{"prompt_token_count":20,"candidates_token_count":198,"total_token_count":218,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":190}]}"#,
        [20, 198, 0, 0],
        false,
    ),
];

/// The whole answer that a stream of these chunks would be.
fn whole(chunks: &[(&str, &str)]) -> String {
    let last =
        chunks.iter().rev().find(|(choices, more)| more.contains("_tokens") || choices.contains("_tokens"));
    let (choices, more) = last.expect("a usage");
    let (_, usage) = choices.split_once(r#""usage":"#).map_or(("", String::new()), |(before, after)| {
        (before, format!(r#","usage":{}"#, after.trim_end_matches("}]").to_owned()))
    });
    let choice = format!(
        r#"{{"index":0,"message":{{"role":"assistant","content":"Hello"}},"finish_reason":"stop"{usage}}}"#
    );
    let more = if more.is_empty() { String::new() } else { format!(",{more}") };
    format!(r#"{{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{choice}]{more}}}"#)
}

fn streamed(chunks: &[(&str, &str)]) -> Script {
    let chunk = |script: Script, (choices, more): &(&str, &str)| {
        let more = if more.is_empty() { String::new() } else { format!(",{more}") };
        script.chunk(format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":{choices}{more}}}\n\n"
        ))
    };
    chunks.iter().fold(Script::stream(), chunk).done()
}

fn tokens(row: &Value) -> [i64; 4] {
    ["input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"]
        .map(|name| row[name].as_i64().unwrap_or_else(|| panic!("{name} of {row}")))
}

on_both_databases! {
    async fn every_vendors_usage_is_recorded_wherever_a_stream_has_it(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        for (vendor, chunks, expected) in SHAPES {
            fake.next(streamed(chunks));
            let answer = app.chat(&json!({"model": "a", "stream": true})).await;
            assert!(answer.text().contains("Hello") && answer.text().ends_with("data: [DONE]\n\n"), "{vendor}: {}", answer.text());
            let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
            assert_eq!(tokens(&row), *expected, "{vendor}");
            assert_eq!((&row["estimated"], &row["usage_flag"]), (&json!(false), &Value::Null), "{vendor}");
            let billed = vendor.starts_with("openrouter") || vendor.starts_with("perplexity");
            let cost = if billed { json!(950_000_000) } else { Value::Null };
            assert_eq!(row["cost_nano_dollars"], cost, "{vendor}");
        }
    }

    async fn every_vendors_usage_is_recorded_wherever_a_whole_answer_has_it(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        for (vendor, chunks, expected) in SHAPES.iter().filter(|(vendor, _, _)| !vendor.contains("each of two")) {
            // As JSON, and as events for a caller who wants one JSON text.
            for script in [Script::respond(200, &[], whole(chunks)), streamed(chunks)] {
                fake.next(script);
                let answer = app.chat(&json!({"model": "a"})).await;
                assert_eq!(answer.status, 200, "{vendor}: {}", answer.text());
                let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
                assert_eq!(tokens(&row), *expected, "{vendor}: {}", answer.text());
                assert_eq!((&row["estimated"], &row["usage_flag"]), (&json!(false), &Value::Null), "{vendor}");
            }
        }
        let two = r#"{"choices":[
            {"index":0,"message":{"content":"a"},"finish_reason":"stop","usage":{"prompt_tokens":19,"completion_tokens":13,"total_tokens":32}},
            {"index":1,"message":{"content":"b"},"finish_reason":"stop","usage":{"prompt_tokens":19,"completion_tokens":8,"total_tokens":27}}]}"#;
        fake.next(Script::respond(200, &[], two));
        let answer = app.chat(&json!({"model": "a", "n": 2})).await;
        assert!(answer.text().contains(r#""usage":{"prompt_tokens":19,"completion_tokens":13,"total_tokens":32}"#));
        let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
        assert_eq!((tokens(&row), &row["estimated"]), ([19, 21, 0, 0], &json!(false)));
    }

    async fn every_form_of_usage_counts_in_every_place(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let price = |model: &mut failsoft::store::ModelFields| {
            model.settings.price = Some(failsoft::providers::ModelPrice {
                input: Some(1), output: Some(1), cache_read: Some(1), cache_write: Some(1), ..Default::default()
            });
        };
        app.organization.model_like("a", provider, price).await;
        for (form, usage, expected, covered) in FORMS {
            let inside = usage.split_once(':').map(|(_, usage)| format!(r#""usage":{usage}"#)).expect("a usage");
            let delta = format!(r#"[{{"index":0,"delta":{{{inside}}},"finish_reason":"stop"}}]"#);
            let message = format!(
                r#"{{"choices":[{{"index":0,"message":{{"content":"Hello",{inside}}},"finish_reason":"stop"}}]}}"#
            );
            let whole = format!(
                r#"{{"choices":[{{"index":0,"message":{{"content":"Hello"}},"finish_reason":"stop"}}],{usage}}}"#
            );
            for (place, stream, script) in [
                ("in a chunk", true, streamed(&[(TEXT, ""), (END, usage)])),
                ("in a chunk of its own", true, streamed(&[(TEXT, ""), (END, ""), ("[]", usage)])),
                ("in a delta", true, streamed(&[(TEXT, ""), (&delta, "")])),
                ("in an answer", false, Script::respond(200, &[], whole)),
                ("in a message", false, Script::respond(200, &[], message)),
                ("in a stream for an answer", false, streamed(&[(TEXT, ""), (END, usage)])),
                ("in a delta for an answer", false, streamed(&[(TEXT, ""), (&delta, "")])),
            ] {
                fake.next(script);
                let answer = app.chat(&json!({"model": "a", "stream": stream})).await;
                assert_eq!(answer.status, 200, "{form} {place}: {}", answer.text());
                let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
                assert_eq!(tokens(&row), *expected, "{form} {place}: {row}");
                assert_eq!((&row["estimated"], &row["usage_flag"]), (&json!(false), &Value::Null), "{form} {place}");
                assert_eq!(!row["cost_nano_dollars"].is_null(), *covered, "{form} {place}: {row}");
            }
        }
    }

    async fn a_stream_that_its_caller_leaves_is_billed_by_what_its_choices_reported(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let end = json!({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 40, "completion_tokens": 30}}]});
        fake.next(Script::stream().text("Hello").event(&end).chunk(": more\n\n").hang());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "n": 2, "stream": true}))).await;
        caller.read_until("\n:\n").await;
        drop(caller);
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["outcome"], tokens(&row)), (&json!("client_closed"), [40, 30, 0, 0]));
    }
}
