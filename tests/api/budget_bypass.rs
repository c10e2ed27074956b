//! Attempts to spend more than a hard budget allows: unreadable bodies, invalid limits, many requests at once, and
//! token counts that claim there was nothing to pay.

mod messages;
mod several_choices;

use std::sync::atomic::{AtomicUsize, Ordering};

use failsoft::providers::ModelPrice;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;

const BUDGETS: &str = "/v1/model-router/budgets";

/// A model at these prices, in micro-dollars per million tokens. A token costs a thousandth of that in nano-dollars.
async fn priced(app: &App, input: i64, output: i64) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    let price = ModelPrice { input: Some(input), output: Some(output), ..ModelPrice::default() };
    app.organization.model_like("a", provider, |fields| fields.settings.price = Some(price)).await;
    fake.always(Script::answer("Hi"));
    fake
}

async fn limited(app: &App, hard: i64) -> String {
    let answer = app.post(BUDGETS, &json!({"period": "day", "hard_limit_nano_dollars": hard})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    format!("{BUDGETS}/{}", answer.json()["id"].as_str().expect("an id"))
}

async fn spent(app: &App, path: &str) -> i64 {
    app.get(path).await.json()["spent_nano_dollars"].as_i64().expect("a sum")
}

async fn raw(app: &App, body: String) -> Answer {
    let request =
        app.request(Method::POST, "/v1/chat/completions").header("content-type", "application/json");
    app.call(request.body(body), &app.organization.key).await
}

/// A stream that waits, and then reports this many completion tokens.
fn held(gate: &Gate, tokens: u64) -> Script {
    held_choices(gate, tokens, 1)
}

/// The same with so many choices.
fn held_choices(gate: &Gate, tokens: u64, choices: u64) -> Script {
    let choice = |index: u64| json!({"index": index, "delta": {"content": "Hi"}, "finish_reason": "stop"});
    let others: Vec<Value> = (1..choices).map(choice).collect();
    let usage = json!({"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": tokens}});
    let begun = Script::stream().text("Hi").wait_until(gate).finish("stop");
    begun.event(&json!({"id": "x", "choices": others})).event(&usage).done()
}

/// Sends this many requests at once; returns how many were answered.
async fn at_once(app: &App, number: usize, more: &Value, gate: &Gate) -> usize {
    let calls = (0..number).map(|_| app.chat(more));
    let (answers, ()) = tokio::join!(futures_util::future::join_all(calls), async {
        // The others are refused while the first ones are still running.
        eventually(async || (app.events().await.len() >= number.min(50) / 2).then_some(())).await;
        gate.open();
    });
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 402)));
    answers.iter().filter(|answer| answer.status == 200).count()
}

/// Of fifty streams at once, a budget for ten answers of 1,000 tokens lets ten in.
async fn ten_of_fifty(app: &App, limits: &Value) {
    let fake = priced(app, 1_000_000, 1_000_000).await;
    let hard = 10 * 1_050 * 1_000;
    let path = limited(app, hard).await;
    let gate = Gate::new();
    fake.always(held_choices(&gate, 1_000, limits["n"].as_u64().unwrap_or(1)));
    let mut body = limits.clone();
    (body["model"], body["stream"]) = (json!("a"), json!(true));
    assert_eq!(at_once(app, 50, &body, &gate).await, 10);
    assert!(eventually(async || Some(spent(app, &path).await).filter(|spent| *spent > 0)).await <= hard);
}

/// An answer with 2,000 tokens in the prompt and 1,000 in the answer, and these members in its usage.
fn answer_with(usage: &str, stream: bool) -> Script {
    let usage = format!(r#"{{"prompt_tokens":2000,"completion_tokens":1000{usage}}}"#);
    if stream {
        let usage: Value = serde_json::from_str(&usage).expect("JSON");
        let last = json!({"id": "x", "choices": [], "usage": usage});
        return Script::stream().text("Hi").finish("stop").event(&last).done();
    }
    let choice = r#"{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}"#;
    let body = format!(r#"{{"id":"x","choices":[{choice}],"usage":{usage}}}"#);
    Script::respond(200, &[("content-type", "application/json")], body)
}

/// The row of a request, as soon as it is there.
async fn row(app: &App, answer: &Answer) -> Value {
    let path = format!("/v1/model-router/requests/{}", answer.header("x-request-id"));
    eventually(async || Some(app.get(&path).await.json()).filter(|row| row["outcome"] == "answered")).await
}

/// Members of the body, in addition to its model.
const SHAPES: [&str; 22] = [
    r#""messages":[{"role":"user","content":"Hello"}]"#,
    r#""messages":[{"role":"user","content":"Hello","tool_calls":null,"tool_calls":null}]"#,
    r#""messages":[{"role":"user","content":"Hello","content":"Hello"}]"#,
    r#""messages":[null,{"role":"user","content":"Hello"}]"#,
    r#""messages":[{"role":"user","content":"Hello"},7,true,"x",[]]"#,
    r#""messages":[]"#,
    r#""messages":null"#,
    r#""messages":"Hello""#,
    r#""messages":{"role":"user","content":"Hello"}"#,
    r#""messages":7"#,
    r#""prompt":"Hello""#,
    r#""temperature":1"#,
    r#""messages":[{"role":"user","content":null}]"#,
    r#""messages":[{"role":"user","content":[]}]"#,
    r#""messages":[{"role":"user","content":[null]}]"#,
    r#""messages":[{"role":"user","content":{"text":"Hello"}}]"#,
    r#""messages":[{"role":"user","content":[{"type":"text","text":"Hello","text":"Hello"}]}]"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":0"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":-1"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":1e300"#,
    r#""messages":[{"role":"user","content":"Hello"}],"n":128"#,
    r#""messages":[],"max_tokens":1,"stream":true"#,
];

/// Any JSON, including objects with duplicate members.
fn any_json() -> impl Strategy<Value = String> {
    const LEAVES: [&str; 16] = [
        "null",
        "true",
        "0",
        "-1",
        "1",
        "1e9",
        "2.5",
        "-0.0",
        "99999999999999999999",
        "1e999",
        "\"\"",
        "\"Hello\"",
        "\"7\"",
        "[]",
        "{}",
        "[[]]",
    ];
    const NAMES: [&str; 9] =
        ["role", "content", "text", "type", "tool_calls", "image_url", "name", "function_call", ""];
    prop::sample::select(&LEAVES[..]).prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        let member = (prop::sample::select(&NAMES[..]), inner.clone());
        let object = prop::collection::vec(member, 0..4).prop_map(|members| {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        });
        let list = prop::collection::vec(inner, 0..4).prop_map(|entries| format!("[{}]", entries.join(",")));
        prop_oneof![object, list]
    })
}

/// Members of the body, in addition to its model.
fn any_members() -> impl Strategy<Value = String> {
    let optional = |names: &'static [&'static str]| {
        (prop::sample::select(names), any_json()).prop_map(|(name, value)| format!(",\"{name}\":{value}"))
    };
    let messages = optional(&["messages", "messages", "messages", "prompt", "input"]);
    let limit = optional(&["max_tokens", "max_completion_tokens", "max_output_tokens"]);
    let choices = optional(&["n", "best_of", "tools", "temperature"]);
    (messages, limit, choices, any::<bool>()).prop_map(|(messages, limit, choices, limited)| {
        if limited { format!("{messages}{limit}{choices}") } else { messages }
    })
}

on_both_databases! {
    async fn no_generated_shape_passes_a_used_up_budget(app: App) {
        let fake = priced(&app, 0, 1_000_000).await;
        let path = limited(&app, 1_000).await;
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert!(spent(&app, &path).await > 1_000);
        let mut runner = TestRunner::deterministic();
        for _ in 0..150 {
            let members = any_members().new_tree(&mut runner).expect("a body").current();
            let answer = raw(&app, format!(r#"{{"model":"a"{members}}}"#)).await;
            assert!(matches!(answer.status, 400 | 402), "{members}: {}", answer.text());
        }
        assert_eq!(fake.served(), 1);
    }

    async fn a_used_up_budget_refuses_every_shape_of_request(app: App) {
        let fake = priced(&app, 1_000_000, 1_000_000).await;
        let provider = app.organization.provider("others", &fake).await;
        for (name, input, output) in [("answers cost", 0, 1_000_000), ("prompts cost", 1_000_000, 0), ("unpriced", -1, -1)] {
            let part = |amount: i64| Some(amount).filter(|amount| *amount >= 0);
            let price = ModelPrice { input: part(input), output: part(output), ..ModelPrice::default() };
            app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await;
        }
        let path = limited(&app, 1_000_000).await;
        fake.next(Script::json(200, &json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 2_000, "completion_tokens": 2_000}})));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert_eq!(spent(&app, &path).await, 4_000_000);
        for model in ["a", "answers cost", "prompts cost", "unpriced"] {
            for shape in SHAPES {
                let answer = raw(&app, format!(r#"{{"model":"{model}",{shape}}}"#)).await;
                assert_eq!(answer.status, 402, "{model} {shape}: {}", answer.text());
            }
        }
        assert_eq!(fake.served(), 1);
    }

    async fn a_model_that_is_free_is_called_although_the_budget_is_used_up(app: App) {
        let _fake = priced(&app, 0, 0).await;
        limited(&app, 0).await;
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
    }

    async fn fifty_at_once_reserve_the_larger_limit(app: App) {
        ten_of_fifty(&app, &json!({"max_tokens": 1, "max_completion_tokens": 1_000})).await;
    }

    async fn fifty_at_once_with_a_limit_of_zero_have_none(app: App) {
        let fake = priced(&app, 1_000_000, 1_000_000).await;
        let hard = 1_000_000;
        let path = limited(&app, hard).await;
        let gate = Gate::new();
        fake.always(held(&gate, 4_000));
        let answered = at_once(&app, 50, &json!({"model": "a", "stream": true, "max_tokens": 0}), &gate).await;
        assert!((1..=2).contains(&answered), "{answered}");
        let spent = eventually(async || Some(spent(&app, &path).await).filter(|spent| *spent > 0)).await;
        assert!(spent <= hard + 4_009 * 1_000, "{spent}");
    }

    async fn two_hundred_at_once_without_a_limit_exceed_it_by_one_answer_at_most(app: App) {
        let fake = priced(&app, 1_000_000, 1_000_000).await;
        let (hard, answer) = (1_000_000, 4_009 * 1_000);
        let path = limited(&app, hard).await;
        let gate = Gate::new();
        fake.always(held(&gate, 4_000));
        let answered = at_once(&app, 200, &json!({"model": "a", "stream": true}), &gate).await;
        assert!((1..=2).contains(&answered), "{answered}");
        let spent = eventually(async || Some(spent(&app, &path).await).filter(|spent| *spent > 0)).await;
        assert!(spent <= hard + answer, "{spent}");
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 402);
    }

    /// The provider counts as much as the model can: its whole window, and the longest answer.
    async fn of_fifty_at_once_of_any_shape_one_fits_into_the_room_of_one(app: App) {
        const WINDOW: i64 = 4_000;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), cache_read: Some(2_000_000), ..ModelPrice::default() };
        app.organization.model_like("a", provider, |fields| {
            fields.settings.price = Some(price);
            fields.settings.context_window = Some(WINDOW);
            fields.settings.max_output_tokens = Some(500);
        }).await;
        let part = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
        let path = limited(&app, 1).await;
        for (number, shape) in [
            part(json!({"type": "file", "file": {"file_id": "f"}})),
            part(json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "opus"}})),
            part(json!({"type": "video_url", "video_url": {"url": "https://a.example/x"}})),
            json!({"messages": [{"role": "assistant", "audio": {"id": "x"}}]}),
            json!({"web_search_options": {}, "max_tokens": 500}),
            json!({"tools": [{"type": "file_search", "vector_store_ids": ["v"]}], "max_tokens": 900_000}),
            part(json!({"type": "document_url", "document_url": "https://a.example/x.pdf"})),
            part(json!({"type": "image_url", "image_url": {"url": "https://a.example/x.pdf"}})),
            part(json!({"type": "text", "text": "Read fileid://file-fe-1"})),
            json!({"data_sources": [{"type": "azure_search"}]}),
            json!({"tools": [{"type": "builtin_function", "function": {"name": "$web_search"}}]}),
        ].into_iter().enumerate() {
            let before = spent(&app, &path).await;
            // Room for one call, and a little less than for two.
            let room = 2 * (WINDOW * 2_000 + 500 * 1_000) - 1;
            assert_eq!(app.patch(&path, &json!({"hard_limit_nano_dollars": before + room})).await.status, 200);
            let gate = Gate::new();
            let usage = json!({"prompt_tokens": WINDOW, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": WINDOW}});
            let last = json!({"id": "x", "choices": [], "usage": usage});
            fake.always(Script::stream().text("Hi").wait_until(&gate).finish("stop").event(&last).done());
            let mut body = shape.clone();
            (body["model"], body["stream"]) = (json!("a"), json!(true));
            let refused = AtomicUsize::new(0);
            let calls = (0..50).map(async |_| {
                let answer = app.chat(&body).await;
                refused.fetch_add(1, Ordering::Relaxed);
                answer
            });
            // All others are refused while the first one is still running.
            let (answers, ()) = tokio::join!(futures_util::future::join_all(calls), async {
                eventually(async || (refused.load(Ordering::Relaxed) == 49).then_some(())).await;
                gate.open();
            });
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{shape}");
            assert_eq!(fake.served(), number + 1, "{shape}");
            let more = eventually(async || Some(spent(&app, &path).await - before).filter(|more| *more > 0)).await;
            assert!(more <= room, "{shape}: {more}");
        }
    }

    async fn an_unknown_cost_counts_what_is_known_of_it(app: App) {
        let fake = priced(&app, 1_000_000, 1_000_000).await;
        let provider = app.organization.provider("others", &fake).await;
        for (name, input, output) in [("input only", Some(1_000_000), None), ("output only", None, Some(1_000_000))] {
            let price = ModelPrice { input, output, ..ModelPrice::default() };
            app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await;
        }
        let path = limited(&app, 1_000_000_000).await;
        let other = app.beside(|_| {}).await;
        let (mut expected, mut unpriced) = (0, 0);
        for (body, usage, counted) in [
            (json!({"model": "a", "service_tier": "zzz"}), "", 3_000_000),
            (json!({"model": "a", "service_tier": "flex"}), "", 3_000_000),
            (json!({"model": "a", "service_tier": 5}), "", 3_000_000),
            (json!({"model": "a"}), r#","prompt_tokens_details":{"audio_tokens":1900}"#, 3_000_000),
            (json!({"model": "a"}), r#","completion_tokens_details":{"audio_tokens":900}"#, 3_000_000),
            (json!({"model": "a"}), r#","completion_tokens_details":{"image_tokens":900}"#, 3_000_000),
            (json!({"model": "a"}), r#","server_tool_use":{"web_search_requests":3}"#, 3_000_000),
            (json!({"model": "a"}), r#","num_search_queries":2"#, 3_000_000),
            (json!({"model": "input only"}), "", 2_000_000),
            (json!({"model": "output only"}), "", 1_000_000),
        ] {
            for stream in [false, true] {
                fake.next(answer_with(usage, stream));
                let mut body = body.clone();
                body["stream"] = json!(stream);
                let answer = app.chat(&body).await;
                assert_eq!(answer.status, 200, "{body}: {}", answer.text());
                assert_eq!(row(&app, &answer).await["cost_nano_dollars"], Value::Null, "{body} {usage}");
                (expected, unpriced) = (expected + counted, unpriced + 1);
                assert_eq!(spent(&app, &path).await, expected, "{body} {usage}");
            }
        }
        // The sums of usage do not have it.
        let usage = app.get("/v1/model-router/usage").await.json()["items"][0].clone();
        assert_eq!((&usage["cost_nano_dollars"], &usage["unpriced"]), (&Value::Null, &json!(unpriced)), "{usage}");
        // A drill counts, too.
        fake.next(answer_with("", false));
        let drill = app.request(Method::POST, "/v1/chat/completions").header("x-failsoft-drill", "input only=timeout");
        let body = chat_body(&json!({"model": "input only", "models": ["a"], "service_tier": "flex"}));
        assert_eq!(app.call(with_json(drill, &body), &app.organization.key).await.status, 200);
        expected += 3_000_000;
        assert_eq!(spent(&app, &path).await, expected);
        // It is counted in other processes, after a start, and by budgets that are made later.
        eventually(async || (spent(&other, &path).await == expected).then_some(())).await;
        let started = app.beside(|_| {}).await;
        assert_eq!(spent(&started, &path).await, expected);
        let answer = app.post(BUDGETS, &json!({"period": "month", "hard_limit_nano_dollars": expected})).await;
        assert_eq!(answer.json()["spent_nano_dollars"], expected, "{}", answer.text());
        eventually(async || Some(app.get(&path).await.json()).filter(|budget| budget["unpriced_requests"] == unpriced + 1)).await;
        for app in [&app, &other, &started] {
            let refused = async || app.chat(&json!({"model": "a", "service_tier": "flex"})).await.status == 402;
            eventually(async || refused().await.then_some(())).await;
        }
    }

    async fn an_invalid_token_count_is_not_a_free_answer(app: App) {
        let fake = priced(&app, 1_000_000, 1_000_000).await;
        for usage in [
            r#"{"prompt_tokens":-5,"completion_tokens":-7}"#,
            r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#,
            r#"{"prompt_tokens":-0.0,"completion_tokens":"0"}"#,
            r#"{"prompt_tokens":9e99,"completion_tokens":-9e99}"#,
            r#"{"prompt_tokens":null,"completion_tokens":false}"#,
            r#"{"cost":-1}"#,
        ] {
            let body = format!(r#"{{"id":"x","choices":[{{"index":0,"message":{{"content":"Four words are here"}},"finish_reason":"stop"}}],"usage":{usage}}}"#);
            fake.next(Script::respond(200, &[("content-type", "application/json")], body));
            let answer = app.chat(&json!({"model": "a"})).await;
            let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
            let cost = row["cost_nano_dollars"].as_i64().unwrap_or_default();
            assert!((5_000..50_000).contains(&cost), "{usage}: {row}");
            assert_eq!(row["estimated"], true, "{usage}");
            assert!(row["usage_flag"].is_string(), "{usage}: {row}");
        }
        assert_eq!(chat_body(&json!({}))["messages"][0]["content"], "Hello");
    }
}
