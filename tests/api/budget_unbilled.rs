//! Calls that no request is billed for, although their provider charges for them: they count in budgets.

use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

const BUDGETS: &str = "/v1/model-router/budgets";

/// The price of one token, in nano-dollars.
const TOKEN: i64 = 1_000;

/// What a short prompt may be estimated to cost.
const PROMPT: std::ops::Range<i64> = 3 * TOKEN..12 * TOKEN;

/// Models that all have the same price, and a budget that holds many of their calls. Returns its path.
async fn priced(app: &App, models: &[&str]) -> (FakeProvider, String) {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    let price =
        ModelPrice { input: Some(TOKEN * 1_000), output: Some(TOKEN * 1_000), ..ModelPrice::default() };
    for name in models {
        app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await;
        fake.always_for(&format!("{name}-upstream"), Script::answer("Hi"));
    }
    let answer = app.post(BUDGETS, &json!({"period": "day", "hard_limit_nano_dollars": 1_000_000_000})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    (fake, format!("{BUDGETS}/{}", answer.json()["id"].as_str().expect("an id")))
}

async fn spent(app: &App, path: &str) -> i64 {
    app.get(path).await.json()["spent_nano_dollars"].as_i64().expect("a sum")
}

/// An answer without content that ends like this, with 2,000 tokens in the prompt and 1,000 in the answer.
fn empty(reason: &str, stream: bool) -> Script {
    if stream {
        return Script::stream().finish(reason).usage(2_000, 1_000).done();
    }
    Script::json(
        200,
        &json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "upstream",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": reason}],
            "usage": {"prompt_tokens": 2_000, "completion_tokens": 1_000}
        }),
    )
}

on_both_databases! {
    async fn a_caller_that_leaves_before_content_pays_for_its_prompt(app: App) {
        let (fake, path) = priced(&app, &["a"]).await;
        let mut expected = 0;
        let preface = Script::stream().delta(&json!({"role": "assistant"}), None).hang();
        for (number, (stream, script)) in
            [(false, Script::new().hang()), (true, Script::new().hang()), (true, preface)].into_iter().enumerate()
        {
            fake.next_for("a-upstream", script);
            let mut caller = Raw::connect(app.address).await;
            caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": stream}))).await;
            eventually(async || (fake.served() == number + 1).then_some(())).await;
            drop(caller);
            let rows = app.requests(number + 1).await;
            assert!(rows.iter().all(|row| row["cost_nano_dollars"] == 0 && row["outcome"] == "client_closed"), "{rows:?}");
            let sum = eventually(async || Some(spent(&app, &path).await).filter(|sum| *sum > expected)).await;
            assert!(PROMPT.contains(&(sum - expected)), "{sum} after {expected}");
            expected = sum;
        }
        // It stays after a start, and is in no other sum.
        let started = app.beside(|_| {}).await;
        assert_eq!(spent(&started, &path).await, expected);
        let usage = app.get("/v1/model-router/usage").await.json()["items"][0].clone();
        assert_eq!((&usage["cost_nano_dollars"], &usage["unpriced"]), (&json!(0), &json!(0)), "{usage}");
    }

    async fn what_a_provider_reports_before_its_content_is_spent(app: App) {
        let (fake, path) = priced(&app, &["chat"]).await;
        let native = app.organization.provider_at("native", "custom-messages", Some(&fake.base_url())).await;
        let price = ModelPrice { input: Some(TOKEN * 1_000), output: Some(TOKEN * 1_000), ..ModelPrice::default() };
        app.organization.model_like("claude", native, |fields| fields.settings.price = Some(price)).await;
        // The first comment, or ping, follows long after what the provider has sent.
        app.set(&json!({"keepalive_after_ms": 50})).await;
        let app = app.beside(|settings| settings.gateway.keepalive_interval_ms = 20).await;
        let role = json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null});
        let chunk = json!({
            "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "upstream", "choices": [role],
            "usage": {"prompt_tokens": 912, "completion_tokens": 1, "total_tokens": 913}
        });
        let mut expected = 0;
        for (model, script) in [("chat", Script::stream().event(&chunk)), ("claude", Script::message_start())] {
            for (endpoint, sign) in [("chat/completions", "\n: keepalive"), ("messages", "event: ping")] {
                let body = chat_body(&json!({"model": model, "stream": true, "max_tokens": 64})).to_string();
                // Its caller leaves.
                fake.next_for(&format!("{model}-upstream"), script.clone().hang());
                let mut caller = Raw::connect(app.address).await;
                let (key, length) = (&app.organization.key, body.len());
                caller.send(format!("POST /v1/{endpoint} HTTP/1.1\r\nhost: test\r\nx-api-key: {key}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")).await;
                caller.read_until(sign).await;
                drop(caller);
                expected += 913 * TOKEN;
                let sum = eventually(async || Some(spent(&app, &path).await).filter(|sum| *sum >= expected)).await;
                assert_eq!(sum, expected, "{endpoint} {model}");
                // Its deadline ends it.
                fake.next_for(&format!("{model}-upstream"), script.clone().hang());
                let request = app.request(Method::POST, &format!("/v1/{endpoint}")).body(body);
                let request = request.header("content-type", "application/json").header("x-failsoft-deadline-ms", "1100");
                app.call(request, &app.organization.key).await;
                expected += 913 * TOKEN;
                let sum = eventually(async || Some(spent(&app, &path).await).filter(|sum| *sum >= expected)).await;
                assert_eq!(sum, expected, "{endpoint} {model}: a deadline");
            }
        }
        assert!(app.requests(8).await.iter().all(|row| row["cost_nano_dollars"] == 0));
    }

    async fn a_callers_own_deadline_does_not_make_its_prompt_free(app: App) {
        let (fake, path) = priced(&app, &["a"]).await;
        let preface = Script::stream().delta(&json!({"role": "assistant"}), None).hang();
        for (stream, script) in [(false, Script::new().hang()), (true, Script::new().hang()), (true, preface)] {
            let before = spent(&app, &path).await;
            fake.next_for("a-upstream", script);
            let body = chat_body(&json!({"model": "a", "stream": stream}));
            let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &body);
            let answer = app.call(request.header("x-failsoft-deadline-ms", "1100"), &app.organization.key).await;
            assert_eq!(answer.status, 504, "{}", answer.text());
            let sum = spent(&app, &path).await;
            assert!(PROMPT.contains(&(sum - before)), "{sum} after {before}");
        }
        assert!(app.requests(3).await.iter().all(|row| row["cost_nano_dollars"] == 0));
    }

    async fn a_failure_of_the_provider_spends_what_it_reports(app: App) {
        const REASONS: [&str; 4] = ["content_filter", "tool_calls", "MALFORMED_FUNCTION_CALL", "SAFETY"];
        let (fake, path) = priced(&app, &[&["a", "b"], &REASONS[..]].concat()).await;
        fake.next_for("a-upstream", Script::error(503, "overloaded", "busy"));
        assert_eq!(app.chat(&json!({"model": "a", "models": ["b"], "num_retries": 0})).await.header("x-failsoft-model"), "b");
        let mut expected = 5 * TOKEN;
        assert_eq!(spent(&app, &path).await, expected);
        for reason in REASONS {
            for stream in [false, true] {
                fake.next_for(&format!("{reason}-upstream"), empty(reason, stream));
                let answer = app.chat(&json!({"model": reason, "models": ["b"], "stream": stream, "num_retries": 0})).await;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"), "{reason}: {}", answer.text());
                let path_of_row = format!("/v1/model-router/requests/{}", answer.header("x-request-id"));
                let row = eventually(async || Some(app.get(&path_of_row).await.json()).filter(|row| row["outcome"] == "answered")).await;
                assert!(row["cost_nano_dollars"].as_i64().is_some_and(|cost| cost < 100 * TOKEN), "{row}");
                expected += 3_000 * TOKEN + row["cost_nano_dollars"].as_i64().unwrap_or_default();
                assert_eq!(spent(&app, &path).await, expected, "{reason} {stream}");
            }
        }
        // An answer that is passed on, because no other model answers, counts once.
        for stream in [false, true] {
            fake.next_for("a-upstream", empty("content_filter", stream));
            let answer = app.chat(&json!({"model": "a", "stream": stream, "num_retries": 0})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            expected += 3_000 * TOKEN;
            assert_eq!(spent(&app, &path).await, expected, "{stream}");
        }
        let started = app.beside(|_| {}).await;
        assert_eq!(spent(&started, &path).await, expected);
        assert_eq!(app.chat(&json!({"model": "a"})).await.json()["choices"][0]["message"]["content"], Value::from("Hi"));
    }

    async fn a_count_of_a_failed_call_that_its_prompt_contradicts_is_not_believed(app: App) {
        let (fake, path) = priced(&app, &["a"]).await;
        let long = json!([{"role": "user", "content": "two words ".repeat(10_000)}]);
        let low = json!({"prompt_tokens": 1, "completion_tokens": 1});
        let no_choice = json!({"choices": [], "usage": low});
        let error = json!({"error": {"message": "The engine failed.", "type": "server_error"}, "usage": low});
        for (script, stream) in [
            (Script::json(200, &no_choice), false),
            (Script::stream().event(&no_choice).done(), true),
            (Script::json(500, &error), false),
            (Script::stream().event(&error).done(), true),
        ] {
            let before = spent(&app, &path).await;
            fake.next_for("a-upstream", script);
            let answer = app.chat(&json!({"model": "a", "stream": stream, "num_retries": 0, "messages": long})).await;
            assert!(answer.status >= 500, "{}", answer.text());
            let more = spent(&app, &path).await - before;
            assert!(more > 10_000 * TOKEN, "{more}: {}", answer.text());
        }
    }

    async fn the_calls_of_one_request_fit_into_the_budget_together(app: App) {
        let names: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
        let models: Vec<&str> = names.iter().map(String::as_str).collect();
        let (fake, path) = priced(&app, &models).await;
        for number in 0..12 {
            fake.always_for(&format!("m{number}-upstream"), empty("content_filter", false));
        }
        // Room for four calls of 3,000 tokens.
        let hard = 12_500 * TOKEN;
        assert_eq!(app.patch(&path, &json!({"hard_limit_nano_dollars": hard})).await.status, 200);
        // A fallback has to fit beside the calls before it.
        let body = json!({"model": "m0", "models": models[1..], "num_retries": 0, "max_tokens": 1_000});
        let answer = app.chat(&body).await;
        assert_eq!((answer.status, fake.served()), (200, 4), "{}", answer.text());
        assert_eq!(spent(&app, &path).await, 12_000 * TOKEN);
    }

    async fn a_retry_fits_into_the_budget_beside_the_calls_before_it(app: App) {
        let (fake, path) = priced(&app, &["a"]).await;
        let no_choice = json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 1_000}});
        fake.always_for("a-upstream", Script::json(200, &no_choice));
        let hard = 2_100 * TOKEN;
        assert_eq!(app.patch(&path, &json!({"hard_limit_nano_dollars": hard})).await.status, 200);
        let answer = app.chat(&json!({"model": "a", "num_retries": 5, "max_tokens": 1_000})).await;
        assert_eq!((answer.status, fake.served()), (502, 2), "{}", answer.text());
        assert_eq!(spent(&app, &path).await, 2_020 * TOKEN);
    }

    /// Its provider has read the prompt by then. Before, and with an error, it may have read nothing.
    async fn a_failure_after_the_answer_has_begun_spends_the_prompt(app: App) {
        let (fake, path) = priced(&app, &["a"]).await;
        let html = |stream: bool| if stream { Script::stream().chunk("<html>").close() } else { Script::respond(200, &[("content-type", "text/html")], "<html>") };
        let no_choice = json!({"choices": []});
        let error = json!({"error": {"message": "The engine failed.", "type": "server_error"}});
        let cut = |stream: bool| if stream { Script::stream().delta(&json!({"role": "assistant"}), None).reset() } else { Script::respond(200, &[("content-length", "90")], "{\"id\":").reset() };
        let filtered = |stream: bool| if stream { Script::stream().finish("content_filter").done() } else { Script::json(200, &json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": "content_filter"}]})) };
        let mut count = 0;
        for stream in [false, true] {
            for (script, spends) in [
                (html(stream), true),
                (Script::json(200, &no_choice), true),
                (cut(stream), true),
                (filtered(stream), true),
                (Script::json(200, &error), false),
                (Script::json(500, &error), false),
            ] {
                let before = spent(&app, &path).await;
                fake.next_for("a-upstream", script);
                let answer = app.chat(&json!({"model": "a", "stream": stream, "num_retries": 0})).await;
                count += 1;
                let rows = app.requests(count).await;
                let billed = rows.last().expect("a row")["cost_nano_dollars"].as_i64().expect("a cost");
                let more = spent(&app, &path).await - before;
                // A filtered answer is passed on, and billed.
                assert!(if spends { PROMPT.contains(&more) } else { more == 0 }, "{count} {more}: {}", answer.text());
                assert!(billed == 0 || billed == more, "{count}");
            }
        }
    }

    async fn the_usage_of_an_error_is_spent(app: App) {
        let (fake, path) = priced(&app, &["a"]).await;
        let error = json!({"error": {"message": "The engine failed.", "type": "server_error"}, "usage": {"prompt_tokens": 2_000, "completion_tokens": 1_000}});
        let event = Script::stream().event(&error).done();
        let mut expected = 0;
        for (stream, script) in [
            (false, Script::json(500, &error)),
            (false, Script::json(200, &error)),
            (true, Script::json(500, &error)),
            (true, Script::json(200, &error)),
            (true, event),
        ] {
            fake.next_for("a-upstream", script);
            let answer = app.chat(&json!({"model": "a", "stream": stream, "num_retries": 0})).await;
            assert!(answer.status >= 500, "{}", answer.text());
            expected += 3_000 * TOKEN;
            assert_eq!(spent(&app, &path).await, expected, "{}", answer.text());
        }
    }
}
