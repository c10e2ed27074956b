//! Streams that break after content: no second model is spliced in, and the caller gets an error in the stream.

use serde_json::{Value, json};

use super::pick;
use crate::support::app::{Answer, chat_body};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

/// The chunk that ends a broken stream. Only the error follows it.
fn last_chunk(answer: &Answer) -> Value {
    let events = answer.events();
    let [.., chunk, error] = events.as_slice() else { panic!("{events:?}") };
    let chunk: Value = serde_json::from_str(chunk).expect("JSON");
    assert_eq!(serde_json::from_str::<Value>(error).expect("JSON"), json!({"error": chunk["error"]}));
    assert!(answer.text().ends_with(&format!("data: {error}\n\n")), "{}", answer.text());
    chunk
}

on_both_databases! {
    async fn an_error_after_content_ends_the_stream_with_an_error_chunk(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        let begun = || Script::stream().text("Hel").text("lo");
        let error = json!({"error": {"message": "the backend fell over", "code": 500}});
        let native = |reason: &str| json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "native_finish_reason": reason}]});
        let cases = [
            ("stream:error", begun().event(&error).done()),
            ("stream:error", begun().event(&json!({"object": "error", "message": "no", "code": 500})).done()),
            ("stream:error", begun().chunk("event: error\ndata: {\"message\":\"no\"}\n\n").done()),
            ("stream:error", begun().chunk("event: error\ndata: the backend fell over\n\n").done()),
            ("stream:error", begun().event(&json!({"choices": null, "error_message": "no"})).done()),
            ("stream:error", begun().event(&json!({"base_resp": {"status_code": 1013, "status_msg": "no"}})).done()),
            ("stream:error", begun().event(&json!({"choices": [{"index": 0, "delta": {}, "error": {"code": 429}}]})).done()),
            ("stream:error", begun().chunk("{\"error\":{\"message\":\"no\"}}\n\n").done()),
            ("stream:error", begun().finish("stop").event(&error).done()),
            ("stream:ended", begun().end()),
            ("stream:reset", begun().close()),
            ("stream:garbage", begun().chunk("data: {\"choices\": [\n\n").done()),
            ("stream:garbage", begun().chunk("<html></html>\n\n").done()),
            ("stream:garbage", begun().finish("error").done()),
            ("stream:garbage", begun().finish("stop").finish("error").done()),
            ("stream:garbage", begun().event(&native("network_error")).done()),
            ("stream:garbage", begun().event(&native("SAFETY")).done()),
        ];
        for (rule, script) in &cases {
            fake.next(script.clone());
            let answer = app.chat(&json!({"model": "first", "models": ["second"], "stream": true})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "first"));
            assert!(answer.text().contains("Hel") && !answer.text().contains("[DONE]"), "{rule}: {}", answer.text());
            let chunk = last_chunk(&answer);
            assert_eq!(
                (&chunk["id"], &chunk["object"], &chunk["created"], &chunk["model"]),
                (&json!("chatcmpl-fake"), &json!("chat.completion.chunk"), &json!(1_700_000_000), &json!("first"))
            );
            assert_eq!(chunk["choices"], json!([{"index": 0, "delta": {}, "finish_reason": "error"}]));
            let error = &chunk["error"];
            assert!(error["code"].is_u64() && error["message"].is_string() && error["type"].is_string(), "{error}");
            assert!(error.get("param").is_some());
        }
        assert_eq!(fake.served(), cases.len());
        let events = app.events().await;
        let rules: Vec<&Value> = events.iter().map(|event| &event["matched_rule"]).collect();
        let expected: Vec<&str> = cases.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(json!(rules), json!(expected));
        for event in &events {
            assert_eq!(
                (&event["error_class"], &event["failed_model"], &event["next_model"], &event["router_config_id"]),
                (&json!("stream_interrupted"), &json!("first"), &json!(null), &json!(null))
            );
        }
        for row in app.requests(cases.len()).await {
            assert_eq!(
                (&row["outcome"], &row["error_class"], &row["estimated"], &row["served_model"]),
                (&json!("interrupted"), &json!("stream_interrupted"), &json!(true), &json!("first"))
            );
            assert!(row["output_tokens"].as_i64() > Some(0), "{row}");
            let attempts = row["attempts"].as_array().expect("the attempts");
            assert_eq!(attempts.len(), 1, "{row}");
            assert_eq!(attempts[0]["error_class"], "stream_interrupted", "{row}");
            assert!(cases.iter().any(|(rule, _)| attempts[0]["matched_rule"] == *rule), "{row}");
        }
    }

    async fn a_break_after_a_failover_is_two_events(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("first", provider, |model| model.settings.first_frame_timeout_ms = Some(250)).await;
        app.organization.model("second", provider).await;
        app.organization.model("third", provider).await;
        fake.next(Script::new().hang());
        fake.next(Script::stream().text("Hel").end());
        let answer = app.chat(&json!({"model": "first", "models": ["second", "third"], "stream": true})).await;
        assert_eq!(last_chunk(&answer)["model"], "second");
        let events = app.events().await;
        assert_eq!(
            pick(&events, &["failed_model", "next_model", "error_class", "hop"]),
            json!([["first", "second", "timeout", 1], ["second", null, "stream_interrupted", 2]])
        );
        assert_eq!(fake.served(), 2);
        // Each has its own time: the first one's does not count for the second one.
        let whole = app.requests(1).await[0]["total_ms"].as_i64();
        let took: i64 = events.iter().filter_map(|event| event["duration_ms"].as_i64()).sum();
        assert!(took >= 240 && Some(took) <= whole, "{events:?} {whole:?}");
    }

    async fn an_interrupted_stream_is_billed_for_what_was_delivered(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let price = failsoft::providers::ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..Default::default() };
        app.organization.model_like("a", provider, |model| model.settings.price = Some(price)).await;
        fake.next(Script::stream().text(&"x".repeat(400)).end());
        app.chat(&json!({"model": "a", "stream": true})).await;
        // The provider's own usage, if it came before the end.
        let counted = json!({"choices": [{"delta": {"content": "x"}}], "usage": {"prompt_tokens": 10, "completion_tokens": 20}});
        fake.next(Script::stream().event(&counted).end());
        app.chat(&json!({"model": "a", "stream": true})).await;
        let rows = app.requests(2).await;
        let output = rows[0]["output_tokens"].as_i64().expect("a count");
        assert!((90..=110).contains(&output), "{output}");
        let input = rows[0]["input_tokens"].as_i64().expect("a count");
        assert_eq!(rows[0]["cost_nano_dollars"], (input + output) * 1_000);
        assert_eq!(pick(&rows[1..], &["input_tokens", "output_tokens", "cost_nano_dollars", "estimated"]), json!([[10, 20, 30_000, true]]));
    }

    async fn content_arrives_as_it_is_sent_and_not_at_the_end(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let gates = [Gate::new(), Gate::new()];
        fake.next(
            Script::stream().text("one").wait_until(&gates[0]).text("two").wait_until(&gates[1]).finish("stop").done(),
        );
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        let text = caller.read_until("one").await;
        assert!(!text.contains("two"));
        gates[0].open();
        let text = caller.read_until("two").await;
        assert!(!text.contains("stop"));
        gates[1].open();
        caller.read_until("[DONE]").await;
    }
}
