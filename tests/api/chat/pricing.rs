//! The cost of an answer: by the price when it began, and the provider's token counts.

use failsoft::providers::ModelPrice;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{App, chat_body};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

/// A model at 1 dollar per million prompt tokens and 2 dollars per million completion tokens: 1,000 and 2,000
/// nano-dollars each.
async fn priced(app: &App, fake: &FakeProvider, name: &str) -> Uuid {
    let provider = app.organization.provider(&format!("fake {name}"), fake).await;
    let price = ModelPrice {
        input: Some(1_000_000),
        output: Some(2_000_000),
        cache_read: Some(100_000),
        cache_write: Some(1_250_000),
        ..ModelPrice::default()
    };
    app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await
}

fn counted(usage: &str) -> Script {
    let body = format!(
        r#"{{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"Four words are here"}},"finish_reason":"stop"}}],"usage":{usage}}}"#
    );
    Script::respond(200, &[("content-type", "application/json")], body)
}

fn tokens(row: &Value) -> [i64; 5] {
    ["input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"]
        .map(|name| row[name].as_i64().unwrap_or_else(|| panic!("{name} of {row}")))
}

on_both_databases! {
    async fn the_tier_of_a_stream_may_be_in_any_chunk(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        let chunk = |tier: &str| json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "upstream", "service_tier": tier, "choices": [{"index": 0, "delta": {"content": "Hello"}}]});
        for (number, (asked, tier, cost)) in [
            ("priority", "default", json!(10 * 1_000 + 5 * 2_000)),
            ("auto", "priority", Value::Null),
            ("priority", "priority", Value::Null),
        ].into_iter().enumerate() {
            fake.next(Script::stream().event(&chunk(tier)).finish("stop").usage(10, 5).done());
            let answer = app.chat(&json!({"model": "a", "stream": true, "service_tier": asked})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!(row["cost_nano_dollars"], cost, "{asked} {tier}: {row}");
        }
    }

    async fn an_answer_costs_what_its_price_said_when_it_began(app: App) {
        let fake = FakeProvider::start().await;
        let model = priced(&app, &fake, "a").await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hel").wait_until(&gate).finish("stop").usage(10, 5).done());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("Hel").await;
        let path = format!("/v1/model-router/models/{model}");
        let dearer = json!({"price": {"input": 7_000_000, "output": 9_000_000, "cache_read": null, "cache_write": null}});
        assert_eq!(app.patch(&path, &dearer).await.status, 200);
        fake.next(Script::answer("Hi"));
        app.chat(&json!({"model": "a"})).await;
        gate.open();
        caller.read_until("[DONE]").await;
        let rows = app.requests(2).await;
        let of = |streamed: bool| rows.iter().find(|row| row["streamed"] == streamed).expect("a row");
        assert_eq!(of(true)["cost_nano_dollars"], 10 * 1_000 + 5 * 2_000);
        assert_eq!(of(false)["cost_nano_dollars"], 3 * 7_000 + 2 * 9_000);
        assert!(of(true)["model_price_id"].is_string());
        assert_ne!(of(true)["model_price_id"], of(false)["model_price_id"]);
    }

    async fn reasoning_may_have_a_price_of_its_own(app: App) {
        let fake = FakeProvider::start().await;
        let model = priced(&app, &fake, "a").await;
        let path = format!("/v1/model-router/models/{model}");
        let price = json!({
            "input": 2_000_000, "output": 8_000_000, "reasoning": 3_000_000, "cache_read": null, "cache_write": null,
            "long_prompt": {"above": 1_000, "input": 4_000_000, "output": 16_000_000, "reasoning": 6_000_001, "cache_read": null, "cache_write": null}
        });
        let changed = app.patch(&path, &json!({"price": price})).await;
        assert_eq!((changed.status, &changed.json()["price"]), (200, &price), "{}", changed.text());
        assert_eq!(app.get(&path).await.json()["price"], price);
        for (number, (prompt, cost)) in [
            (19, 19 * 2_000 + 400 * 8_000 + 98 * 3_000),
            // 98 tokens of 6,000.001 nano-dollars: what is below half a nano-dollar is rounded off.
            (1_001, 1_001 * 4_000 + 400 * 16_000 + 98 * 6_000),
        ].into_iter().enumerate() {
            let total = prompt + 498;
            fake.next(counted(&format!(
                r#"{{"prompt_tokens":{prompt},"completion_tokens":498,"total_tokens":{total},"completion_tokens_details":{{"reasoning_tokens":98}}}}"#
            )));
            assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!((&row["reasoning_tokens"], &row["cost_nano_dollars"]), (&json!(98), &json!(cost)), "{row}");
        }
        for refused in [json!({"reasoning": -1}), json!({"reasoning": "3"}), json!({"long_prompt": {"above": 9, "reasoning": 0.5}})] {
            assert_eq!(app.patch(&path, &json!({"price": refused})).await.status, 422, "{refused}");
        }
    }

    async fn each_kind_of_token_has_its_price(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        fake.next(counted(r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,"prompt_tokens_details":{"cached_tokens":40,"cache_write_tokens":20},"completion_tokens_details":{"reasoning_tokens":6}}"#));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let row = app.requests(1).await[0].clone();
        assert_eq!(tokens(&row), [100, 10, 40, 20, 6]);
        assert_eq!(row["cost_nano_dollars"], 40 * 1_000 + 40 * 100 + 20 * 1_250 + 10 * 2_000);
        assert_eq!((&row["estimated"], &row["usage_flag"]), (&json!(false), &json!(null)));
    }

    async fn hostile_usage_is_estimated_or_read_and_flagged(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        for (usage, flag, estimated) in [
            (r#"{"prompt_tokens":-1,"completion_tokens":-9223372036854775808}"#, "clamped", true),
            (r#"{"prompt_tokens":9223372036854775808,"completion_tokens":1}"#, "clamped", true),
            (r#"{"prompt_tokens":1e308,"completion_tokens":1e308}"#, "clamped", true),
            (r#"{"prompt_tokens":"12","completion_tokens":"NaN"}"#, "clamped", true),
            (r#"{"prompt_tokens":1,"completion_tokens":1,"completion_tokens":7}"#, "contradictory", false),
            (r#"{"prompt_tokens":0,"completion_tokens":0}"#, "contradictory", true),
            (r#"{"prompt_tokens":1,"completion_tokens":1},"usage":{"prompt_tokens":1,"completion_tokens":0}"#, "contradictory", false),
            (r#"{"prompt_tokens":1,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":5}}"#, "contradictory", false),
            (r#"[[{"prompt_tokens":[{}]}]]"#, "unusable", true),
            (r#""none""#, "unusable", true),
            ("{}", "unusable", true),
            ("null", "", true),
        ] {
            fake.next(counted(usage));
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!(answer.status, 200, "{usage}: {}", answer.text());
            let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
            assert_eq!((row["usage_flag"].as_str().unwrap_or_default(), &row["estimated"]), (flag, &json!(estimated)), "{usage}");
            assert!(tokens(&row).iter().all(|tokens| (0..=100_000_000).contains(tokens)), "{usage}: {row}");
            assert!(row["cost_nano_dollars"].as_i64().is_some_and(|cost| (1..=1_000_000_000_000).contains(&cost)), "{usage}: {row}");
        }
        // A stream whose usage has another model's name.
        let other = json!({"id": "x", "model": "somebody-else", "choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}});
        fake.next(Script::stream().text("Hello").finish("stop").event(&other).done());
        let answer = app.chat(&json!({"model": "a", "stream": true})).await;
        let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
        assert_eq!((&row["usage_flag"], &row["input_tokens"], &row["cost_nano_dollars"]), (&json!("contradictory"), &json!(4), &json!(8_000)));
        assert!(app.get("/v1/model-router/requests?limit=1").await.json()["items"][0]["usage_flag"].is_string());
    }

    async fn only_the_answering_model_costs_anything(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        priced(&app, &fake, "b").await;
        fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
        fake.next_for("b-upstream", Script::answer("Hi"));
        app.chat(&json!({"model": "a", "models": ["b"]})).await;
        app.chat(&json!({"model": "a"})).await;
        // Neither content nor an end.
        fake.next_for("b-upstream", Script::respond(200, &[("content-type", "application/json")], r#"{"choices":[{"index":0,"message":{"role":"assistant","content":""}}],"usage":{"prompt_tokens":9,"completion_tokens":9}}"#));
        app.chat(&json!({"model": "b"})).await;
        let rows = app.requests(3).await;
        let costs: Vec<&Value> = rows.iter().map(|row| &row["cost_nano_dollars"]).collect();
        assert_eq!(costs, [&json!(3 * 1_000 + 2 * 2_000), &json!(0), &json!(0)]);
        assert_eq!((&rows[2]["outcome"], &rows[2]["output_tokens"]), (&json!("failed"), &Value::Null));
    }

    async fn a_stream_that_is_cut_is_billed_for_what_was_delivered(app: App) {
        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "cut").await;
        app.organization.model_like("whole", provider, |fields| fields.upstream_model = "sim/steady".to_owned()).await;
        let sentences = [
            "Please tell me in a few words what the weather will be like in Bern on Tuesday, and what I should wear.",
            "fn main() { let total: u64 = values.iter().map(|value| value.len() as u64).sum(); println!(\"{total}\"); }",
            "Die Rechnung wird am Ende des Monats gestellt und enthält alle Anfragen, die beantwortet wurden.",
            "1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233: what comes next, and why is it so?",
        ];
        let whole = async |said: &str| {
            let messages = json!([{"role": "user", "content": said}]);
            let asked = json!({"model": "whole", "stream": true, "stream_options": {"include_usage": true}, "messages": messages});
            let events = app.chat(&asked).await.events();
            let usage = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok()).find(|event| event["usage"].is_object());
            (messages, usage.expect("a count")["usage"].clone(), events)
        };
        // The provider reports usage for some complete answers, which calibrates estimates for it.
        for said in sentences {
            let (messages, _, events) = whole(said).await;
            fake.next(events.iter().fold(Script::stream(), |script, event| script.chunk(format!("data: {event}\n\n"))).end());
            app.chat(&json!({"model": "cut", "stream": true, "messages": messages})).await;
        }
        let near = |ours: &Value, theirs: u64| {
            let ours = ours.as_u64().expect("tokens");
            ours.abs_diff(theirs) * 20 <= theirs.max(20)
        };
        for said in sentences {
            let (messages, usage, events) = whole(&format!("{said} Thank you.")).await;
            // The same answer, cut after each of its pieces; the provider counts a piece as a token.
            let pieces: Vec<&String> = events.iter().filter(|event| event.contains("\"content\"") && !event.contains("\"role\"")).collect();
            assert_eq!(json!(pieces.len()), usage["completion_tokens"]);
            for delivered in 1..=pieces.len() {
                let script = pieces.iter().take(delivered).fold(Script::stream(), |script, piece| script.chunk(format!("data: {piece}\n\n")));
                fake.next(script.end());
                let answer = app.chat(&json!({"model": "cut", "stream": true, "messages": messages})).await;
                let row = app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json();
                assert_eq!((&row["outcome"], &row["estimated"]), (&json!("interrupted"), &json!(true)));
                assert!(near(&row["output_tokens"], delivered as u64), "{delivered} of {said}: {row}");
                assert!(near(&row["input_tokens"], usage["prompt_tokens"].as_u64().expect("tokens")), "{usage}: {row}");
                assert_eq!(row["cost_nano_dollars"].as_i64(), Some(tokens(&row)[0] * 1_000 + tokens(&row)[1] * 2_000));
            }
        }
    }
}
