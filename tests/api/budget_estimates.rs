//! What budgets reserve: the dearest that a call can cost, whatever other callers and providers have reported, and for as
//! long as it runs.

use failsoft::domain::permission::Scope;
use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

const BUDGETS: &str = "/v1/model-router/budgets";

/// A model `a` at this price, in micro-dollars per million tokens.
async fn priced(app: &App, price: ModelPrice) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    app.organization.model_like("a", provider, |fields| fields.settings.price = Some(price)).await;
    fake.always(Script::answer("Hi"));
    fake
}

/// Prices of the prompt and the answer.
fn plain(input: i64, output: i64) -> ModelPrice {
    ModelPrice { input: Some(input), output: Some(output), ..ModelPrice::default() }
}

async fn limited(app: &App, budget: &Value) -> String {
    let answer = app.post(BUDGETS, budget).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    format!("{BUDGETS}/{}", answer.json()["id"].as_str().expect("an id"))
}

async fn spent(app: &App, path: &str) -> i64 {
    app.get(path).await.json()["spent_nano_dollars"].as_i64().expect("a sum")
}

async fn chat_with(app: &App, key: &str, more: &Value) -> Answer {
    app.call(with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(more)), key).await
}

/// An answer with this usage.
fn answer_with(usage: &Value) -> Script {
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": "Found it, here it is."}, "finish_reason": "stop"});
    Script::json(200, &json!({"id": "x", "choices": [choice], "usage": usage}))
}

/// A prompt of this text.
fn prompt(text: &str) -> Value {
    json!({"model": "a", "messages": [{"role": "user", "content": text}]})
}

/// The cost of a stream without usage, in nano-dollars.
async fn cost_of_stream(app: &App, fake: &FakeProvider, key: &str, text: &str) -> i64 {
    fake.next(Script::stream().text("Hi").finish("stop").done());
    let mut body = prompt(text);
    body["stream"] = json!(true);
    let answer = chat_with(app, key, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let path = format!("/v1/model-router/requests/{}", answer.header("x-request-id"));
    let row =
        eventually(async || Some(app.get(&path).await.json()).filter(|row| row["outcome"] == "answered"))
            .await;
    row["cost_nano_dollars"].as_i64().expect("a cost")
}

on_both_databases! {
    async fn one_callers_counts_do_not_change_what_others_pay(app: App) {
        let fake = priced(&app, plain(1_000_000, 1_000_000)).await;
        let other = app.organization.key_with(&[Scope::Inference]).await;
        let words = "some words of an ordinary prompt ".repeat(200);
        let before = cost_of_stream(&app, &fake, &other, &words).await;
        let dashes = "-".repeat(20_000);
        for (body, tokens) in [
            (json!({"web_search_options": {}}), 12_000),
            (json!({}), 12_000),
            (json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "Read it."}, {"type": "file", "file": {"file_id": "f"}}]}]}), 9_000),
            (json!({"messages": [{"role": "user", "content": dashes}]}), 60),
            (json!({"messages": [{"role": "user", "content": words}]}), 3_000),
        ] {
            for _ in 0..25 {
                fake.next(answer_with(&json!({"prompt_tokens": tokens, "completion_tokens": 6})));
                let mut body = body.clone();
                body["model"] = json!("a");
                assert_eq!(app.chat(&body).await.status, 200);
            }
            let after = cost_of_stream(&app, &fake, &other, &words).await;
            assert!(after.abs_diff(before) * 100 <= before.unsigned_abs() * 12, "{after}, before {before}");
        }
    }

    async fn the_dearest_tokens_that_can_occur_are_reserved(app: App) {
        let price = ModelPrice {
            cache_write: Some(10_000_000),
            audio_input: Some(40_000_000),
            audio_output: Some(80_000_000),
            ..plain(1_000_000, 2_000_000)
        };
        let fake = priced(&app, price).await;
        let speech = json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": format!("UklGR{}", "x".repeat(12_800)), "format": "wav"}}]}]);
        let words = json!([{"role": "user", "content": "some words of an ordinary prompt ".repeat(20)}]);
        let mut path = String::new();
        // A hard limit in micro-dollars, and what fits into it.
        for (hard, body, fits) in [
            (3_000, json!({"max_tokens": 1_000}), true),
            (50_000, json!({"max_tokens": 1_000, "modalities": ["text"]}), true),
            (50_000, json!({"max_tokens": 1_000, "modalities": ["text", "audio"], "audio": {"voice": "a", "format": "wav"}}), false),
            (50_000, json!({"max_tokens": 1_000, "modalities": ["text", "AUDIO"]}), false),
            (90_000, json!({"max_tokens": 1_000, "modalities": ["text", "audio"]}), true),
            (25_000, json!({"max_tokens": 1, "messages": speech}), false),
            (40_000, json!({"max_tokens": 1, "messages": speech}), true),
            (900, json!({"max_tokens": 1, "messages": words}), false),
            (1_800, json!({"max_tokens": 1, "messages": words}), true),
        ] {
            let before = fake.served();
            if path.is_empty() {
                path = limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": hard * 1_000})).await;
            }
            // What was spent does not matter.
            let hard = hard * 1_000 + spent(&app, &path).await;
            assert_eq!(app.patch(&path, &json!({"hard_limit_nano_dollars": hard})).await.status, 200);
            let mut body = body.clone();
            body["model"] = json!("a");
            let answer = app.chat(&body).await;
            let (status, calls) = if fits { (200, 1) } else { (402, 0) };
            assert_eq!((answer.status, fake.served() - before), (status, calls), "{hard} {body}: {}", answer.text());
        }
    }

    async fn content_of_unknown_size_reserves_the_window(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let price = ModelPrice { cache_read: Some(5_000_000), ..plain(1_000_000, 1_000_000) };
        app.organization.model_like("a", provider, |fields| {
            fields.settings.price = Some(price);
            fields.settings.context_window = Some(10_000);
        }).await;
        app.organization.model_like("unknown window", provider, |fields| fields.settings.price = Some(price)).await;
        fake.always(Script::answer("Hi"));
        let path = limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": 1})).await;
        let user = |part: Value| json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]});
        let mut cases = vec![
            json!({"messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "audio": {"id": "audio_1"}}, {"role": "user", "content": "Again."}]}),
            json!({"web_search_options": {}}),
            json!({"tools": [{"type": "web_search_preview"}]}),
            json!({"extra_body": {"google": {"cached_content": "cachedContents/a"}}}),
        ];
        cases.extend([
            json!({"type": "audio_url", "audio_url": {"url": "https://a.example/x.mp3"}}),
            json!({"type": "video_url", "video_url": {"url": "https://a.example/x.mp4"}}),
            json!({"type": "input_audio", "input_audio": {"data": "T2dnUwACAAAA", "format": "ogg"}}),
            json!({"type": "file", "file": {"file_id": "file-1"}}),
            json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}}),
            json!({"type": "image_url", "image_url": {"url": "data:application/pdf;base64,AAAA"}}),
        ].map(user));
        // Ten thousand tokens of the dearest kind, and one of the answer.
        let window = 10_000 * 5_000 + 1_000;
        for case in cases {
            for (model, room, fits) in [("a", window - 1, false), ("a", window, true), ("unknown window", 1_000_000 * 5_000, false), ("unknown window", 1_100_000 * 5_000, true)] {
                let before = fake.served();
                let hard = room + spent(&app, &path).await;
                assert_eq!(app.patch(&path, &json!({"hard_limit_nano_dollars": hard})).await.status, 200);
                let mut body = case.clone();
                (body["model"], body["max_tokens"]) = (json!(model), json!(1));
                let answer = app.chat(&body).await;
                let (status, calls) = if fits { (200, 1) } else { (402, 0) };
                assert_eq!((answer.status, fake.served() - before), (status, calls), "{model} {room} {case}: {}", answer.text());
            }
        }
    }

    /// A caller that leaves such a stream before its usage has used no less than what was reserved.
    async fn content_of_unknown_size_has_an_unknown_cost_if_it_is_not_counted(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("a", provider, |fields| {
            fields.settings.price = Some(plain(1_000_000, 1_000_000));
            fields.settings.context_window = Some(10_000);
        }).await;
        let path = limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": 15_000_000})).await;
        fake.next(Script::stream().text("Hi").hang());
        let mut caller = Raw::connect(app.address).await;
        let body = json!({"model": "a", "stream": true, "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]});
        caller.chat(&app.organization.key, &body).await;
        caller.read_until("Hi").await;
        drop(caller);
        let row = eventually(async || app.requests(1).await.pop().filter(|row| row["outcome"] == "client_closed")).await;
        assert_eq!((&row["cost_nano_dollars"], &row["estimated"]), (&Value::Null, &json!(true)), "{row}");
        let known = eventually(async || Some(spent(&app, &path).await).filter(|spent| *spent > 0)).await;
        assert!((10_000_000..10_010_000).contains(&known), "{known}");
        assert_eq!(app.chat(&body).await.status, 402);
    }

    async fn the_models_own_limit_is_reserved_where_a_request_has_none(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("a", provider, |fields| {
            fields.settings.price = Some(plain(0, 1_000_000));
            fields.settings.max_output_tokens = Some(4_000);
        }).await;
        fake.always(Script::answer("Hi"));
        let path = limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": 3_999_999})).await;
        for body in [json!({"model": "a"}), json!({"model": "a", "max_tokens": -1}), json!({"model": "a", "max_tokens": 9_000})] {
            assert_eq!(app.chat(&body).await.status, 402, "{body}");
        }
        assert_eq!(app.chat(&json!({"model": "a", "max_tokens": 3_999})).await.status, 200);
        let hard = 4_000_000 + spent(&app, &path).await;
        assert_eq!(app.patch(&path, &json!({"hard_limit_nano_dollars": hard})).await.status, 200);
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert_eq!(fake.served(), 2);
    }

    async fn a_free_model_that_is_billed_keeps_to_the_budget(app: App) {
        let fake = priced(&app, plain(0, 0)).await;
        let path = limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": 1_000_000})).await;
        fake.next(answer_with(&json!({"prompt_tokens": 9, "completion_tokens": 9, "cost": 0.01})));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert_eq!(spent(&app, &path).await, 10_000_000);
        let refused = app.chat(&json!({"model": "a"})).await;
        assert_eq!((refused.status, fake.served()), (402, 1), "{}", refused.text());
    }

    async fn what_is_billed_like_an_answer_is_reserved_like_one(app: App) {
        let fake = priced(&app, plain(1_000_000, 2_000_000)).await;
        let provider = app.organization.provider_at("claude", "custom-messages", Some(&fake.base_url())).await;
        let price = plain(1_000_000, 2_000_000);
        app.organization.model_like("claude", provider, |fields| fields.settings.price = Some(price)).await;
        limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": 1_700_000})).await;
        let prediction = json!({"type": "content", "content": "word ".repeat(1_000)});
        let thinking = |budget: u32| json!({"type": "enabled", "budget_tokens": budget});
        fake.always_for("claude-upstream", Script::message("Hi"));
        for (path, body, status) in [
            ("/v1/chat/completions", json!({"model": "a", "max_tokens": 1, "prediction": prediction}), 402),
            ("/v1/chat/completions", json!({"model": "a", "max_tokens": 1}), 200),
            ("/v1/messages", json!({"model": "claude", "max_tokens": 1, "thinking": thinking(1_024)}), 402),
            // The limit of the answer includes it.
            ("/v1/messages", json!({"model": "claude", "max_tokens": 500, "thinking": thinking(400)}), 200),
        ] {
            let request = with_json(app.request(Method::POST, path), &chat_body(&body));
            let answer = app.call(request, &app.organization.key).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text());
        }
    }

    async fn what_waits_for_a_running_request_may_be_tried_again(app: App) {
        let fake = priced(&app, plain(1_000_000, 1_000_000)).await;
        let path = limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": 10_000_000})).await;
        let small = app.post("/v1/identity/api-keys", &json!({"name": "small", "scopes": ["inference"]})).await.json();
        let gate = Gate::new();
        fake.next(Script::stream().text("Hi").wait_until(&gate).finish("stop").usage(3, 2).done());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("Hi").await;
        // It states no limit, so it has all of the budget until it ends.
        let waits = app.chat(&json!({"model": "a", "max_tokens": 1})).await;
        let headers = (waits.status, waits.header("retry-after"), waits.header("x-should-retry"));
        assert_eq!(headers, (402, "1", "true"), "{}", waits.text());
        assert!(waits.text().contains("running requests have reserved") && !waits.text().contains("resets at"), "{}", waits.text());
        let never = app.chat(&json!({"model": "a", "max_tokens": 20_000})).await;
        assert_eq!((never.status, never.header("retry-after"), never.header("x-should-retry")), (402, "", "false"), "{}", never.text());
        gate.open();
        caller.read_until("[DONE]").await;
        assert_eq!(app.chat(&json!({"model": "a", "max_tokens": 1})).await.status, 200);
        // A key with a budget of its own takes no more than that from the others.
        let key = small["key"].as_str().expect("a key").to_owned();
        limited(&app, &json!({"api_key_id": small["id"], "period": "day", "hard_limit_nano_dollars": 1_000_000})).await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hi").wait_until(&gate).finish("stop").usage(3, 2).done());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("Hi").await;
        assert_eq!(app.chat(&json!({"model": "a", "max_tokens": 8_000})).await.status, 200);
        let alone = chat_with(&app, &key, &json!({"model": "a", "max_tokens": 1})).await;
        assert_eq!((alone.status, alone.header("retry-after")), (402, "1"), "{}", alone.text());
        gate.open();
        caller.read_until("[DONE]").await;
        eventually(async || (spent(&app, &path).await == 20_000).then_some(())).await;
    }

    async fn names_in_another_case_are_read_as_some_servers_read_them(app: App) {
        let fake = priced(&app, plain(1_000_000, 1_000_000)).await;
        limited(&app, &json!({"period": "day", "hard_limit_nano_dollars": 1_000_000})).await;
        for body in [
            json!({"model": "a", "max_tokens": 1, "Max_Tokens": 9_000}),
            json!({"model": "a", "Model": "dear"}),
            json!({"model": "a", "n": 1, "N": 100}),
            json!({"model": "a", "max_tokens": 1, "max_to\u{212a}ens": 9_000}),
        ] {
            let answer = app.chat(&body).await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("duplicate_field")), "{body}");
        }
        let answer = app.chat(&json!({"model": "a", "Max_Tokens": 9_000, "max_completion_tokens": 1})).await;
        assert_eq!(answer.status, 402, "{}", answer.text());
        assert_eq!(fake.served(), 0);
    }
}
