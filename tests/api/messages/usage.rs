//! Tokens and money: counts of the start and the end of a stream are one usage, and its parts have prices of their own.

use failsoft::providers::ModelPrice;
use serde_json::json;

use super::message;
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A model with prices in micro-dollars per million tokens.
async fn priced(app: &App, fake: &FakeProvider) {
    let provider = app.organization.provider_at("claude", "custom-messages", Some(&fake.base_url())).await;
    app.organization
        .model_like("a", provider, |model| {
            model.settings.price = Some(ModelPrice {
                input: Some(3_000_000),
                output: Some(15_000_000),
                cache_read: Some(300_000),
                cache_write: Some(3_750_000),
                ..ModelPrice::default()
            });
        })
        .await;
}

on_both_databases! {
    async fn the_counts_of_a_stream_are_merged(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake).await;
        let begun = || Script::message_start().text_start().text_delta("Hello there");
        let end = |usage: serde_json::Value| {
            begun().named("message_delta", json!({"delta": {"stop_reason": "end_turn"}, "usage": usage})).message_stop()
        };
        // 12 fresh and 900 cached tokens of the prompt, 31 of the answer.
        let cost = 12 * 3_000 + 900 * 300 + 31 * 15_000;
        for script in [
            end(json!({"output_tokens": 31})),
            end(json!({"input_tokens": 12, "output_tokens": 31})),
            end(json!({"input_tokens": null, "output_tokens": 31, "cache_read_input_tokens": 900})),
            // Some servers send a zero for what only the first event counted.
            end(json!({"input_tokens": 0, "output_tokens": 31, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0})),
        ] {
            fake.next(script);
            let answer = message(&app, &json!({"model": "a", "stream": true})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(
                (&row["input_tokens"], &row["cached_tokens"], &row["output_tokens"]),
                (&json!(912), &json!(900), &json!(31)),
                "{row}"
            );
            assert_eq!((&row["cost_nano_dollars"], &row["usage_flag"]), (&json!(cost), &json!(null)), "{row}");
            assert_eq!(row["estimated"], false, "{row}");
        }
    }

    async fn a_whole_message_is_billed_by_its_parts(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake).await;
        fake.always(Script::json(200, &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "x",
            "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 50, "output_tokens": 7, "service_tier": "standard"}
        })));
        message(&app, &json!({"model": "a"})).await;
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(
            (&row["input_tokens"], &row["cached_tokens"], &row["cache_write_tokens"], &row["output_tokens"]),
            (&json!(160), &json!(100), &json!(50), &json!(7)),
            "{row}"
        );
        assert_eq!(row["cost_nano_dollars"], 10 * 3_000 + 100 * 300 + 50 * 3_750 + 7 * 15_000, "{row}");
    }

    async fn tokens_that_are_cached_for_an_hour_have_a_price_of_their_own(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("claude", "custom-messages", Some(&fake.base_url())).await;
        let price = json!({"input": 3_000_000, "output": 15_000_000, "cache_write": 3_750_000});
        let mut hourly = price.clone();
        hourly["cache_write_1h"] = 6_000_000.into();
        // The prompts below are long: their prices are those of long prompts alone.
        let mut long = hourly.clone();
        long["long_prompt"] = json!({"above": 59, "input": 6_000_000, "output": 22_500_000, "cache_write": 7_500_000});
        let mut long_hourly = long.clone();
        long_hourly["long_prompt"]["cache_write_1h"] = 12_000_000.into();
        for (name, price) in [("without", &price), ("with", &hourly), ("long", &long), ("long-with", &long_hourly)] {
            let model = json!({"name": name, "provider_id": provider, "upstream_model": "x", "price": price});
            let created = app.post("/v1/model-router/models", &model).await;
            assert_eq!((created.status, &created.json()["price"]["cache_write_1h"]), (201, &price["cache_write_1h"]), "{}", created.text());
            let stored = created.json()["price"]["long_prompt"]["cache_write_1h"].clone();
            assert_eq!(stored, price["long_prompt"]["cache_write_1h"], "{name}");
        }
        fake.always(Script::json(200, &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "x",
            "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 10, "cache_creation_input_tokens": 50, "output_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
            }
        })));
        for (name, cost) in [
            ("without", json!(null)),
            ("with", json!(10 * 3_000 + 20 * 3_750 + 30 * 6_000 + 7 * 15_000)),
            ("long", json!(null)),
            ("long-with", json!(10 * 6_000 + 20 * 7_500 + 30 * 12_000 + 7 * 22_500)),
        ] {
            message(&app, &json!({"model": name})).await;
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!((&row["cache_write_tokens"], &row["cost_nano_dollars"]), (&json!(50), &cost), "{row}");
        }
    }

    async fn what_the_price_does_not_cover_is_unknown(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake).await;
        let one = json!({"type": "message", "input_tokens": 10, "output_tokens": 7});
        for (more, known) in [
            (json!({"service_tier": "standard", "speed": "standard", "inference_geo": "not_available"}), true),
            (json!({"iterations": [one]}), true),
            (json!({"iterations": [{"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500}, one]}), false),
            (json!({"speed": "fast", "service_tier": "standard"}), false),
            (json!({"inference_geo": "us"}), false),
        ] {
            let mut usage = json!({"input_tokens": 10, "output_tokens": 7});
            usage.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let content = json!([{"type": "text", "text": "Hi"}]);
            fake.next(Script::json(200, &json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "x", "content": content,
                "stop_reason": "end_turn", "usage": usage
            })));
            message(&app, &json!({"model": "a"})).await;
            let row = app.requests(1).await.pop().expect("a row");
            let cost = if known { json!(10 * 3_000 + 7 * 15_000) } else { json!(null) };
            assert_eq!(row["cost_nano_dollars"], cost, "{more}");
            let counted = if more.to_string().contains("compaction") { (180_010, 3_507) } else { (10, 7) };
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(counted.0), &json!(counted.1)), "{more}");
        }
    }

    async fn an_interrupted_stream_is_billed_for_what_was_delivered(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake).await;
        let text = "word ".repeat(200);
        fake.always(Script::message_start().text_start().text_delta(&text).close());
        message(&app, &json!({"model": "a", "stream": true})).await;
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!((&row["outcome"], &row["estimated"]), (&json!("interrupted"), &json!(true)), "{row}");
        assert_eq!(row["input_tokens"], 912, "{row}");
        // The count at the start is one token, and far more was delivered.
        assert!(row["output_tokens"].as_i64().is_some_and(|tokens| tokens > 100), "{row}");
    }

    async fn calls_that_the_vendor_runs_are_priced_only_once_they_are_counted(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake).await;
        let begun = |kind: &str| {
            let block = json!({"type": kind, "id": "s", "name": "web_search", "input": {}});
            Script::message_start().named("content_block_start", json!({"index": 0, "content_block": block}))
        };
        let counted = |searches: u64| {
            let usage = json!({"output_tokens": 31, "server_tool_use": {"web_search_requests": searches}});
            json!({"delta": {"stop_reason": "end_turn"}, "usage": usage})
        };
        for (script, known) in [
            (begun("server_tool_use").close(), false),
            (begun("tool_use").close(), true),
            (begun("server_tool_use").named("message_delta", counted(1)).message_stop(), false),
            (begun("server_tool_use").named("message_delta", counted(0)).message_stop(), true),
        ] {
            fake.next(script);
            message(&app, &json!({"model": "a", "stream": true})).await;
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(row["cost_nano_dollars"].is_number(), known, "{row}");
        }
        // A whole message without usage counts none.
        let content = json!([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]);
        fake.next(Script::json(200, &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "x", "content": content, "stop_reason": "end_turn"
        })));
        message(&app, &json!({"model": "a"})).await;
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(row["cost_nano_dollars"], json!(null), "{row}");
    }

    async fn nothing_is_billed_for_failures(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake).await;
        fake.always(Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        message(&app, &json!({"model": "a"})).await;
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!((&row["outcome"], &row["cost_nano_dollars"]), (&json!("failed"), &json!(0)), "{row}");
    }
}
