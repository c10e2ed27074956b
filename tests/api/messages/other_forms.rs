//! Answers in the other form than the one that was asked for, and streams that Anthropic's SDKs cannot read as they come.

use serde_json::{Value, json};

use super::{catalog, message, names};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The start of a call.
fn call(block: &Value) -> Script {
    Script::message_start().named("content_block_start", json!({"index": 0, "content_block": block}))
}

/// A piece of the input of a call.
fn input(json: &str) -> Value {
    json!({"type": "input_json_delta", "partial_json": json})
}

on_both_databases! {
    async fn events_for_a_whole_message_are_put_together(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        let whole = || Script::message_start().text_start().text_delta("Hi ").named("ping", json!({})).text_delta("there").message_delta("end_turn");
        for script in [
            whole().message_stop(),
            whole().message_stop().trickled(),
            whole().chunk("data: [DONE]\n\n").message_stop(),
            // It is complete, however it ends.
            whole().end(),
            whole().close(),
        ] {
            fake.next(script);
            let answer = message(&app, &json!({"model": "a"})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let body = answer.json();
            assert_eq!((&body["type"], &body["model"], &body["stop_reason"]), (&json!("message"), &json!("a"), &json!("end_turn")));
            assert_eq!(body["content"], json!([{"type": "text", "text": "Hi there"}]));
            assert_eq!(answer.header("content-type"), "application/json");
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(912), &json!(31)), "{row}");
        }
        fake.next(
            call(&json!({"type": "tool_use", "id": "t", "name": "n", "input": {}}))
                .block_delta(&input("{\"city\": "))
                .block_delta(&input("\"Ulm\"}"))
                .message_delta("tool_use")
                .message_stop(),
        );
        let answer = message(&app, &json!({"model": "a"})).await;
        assert!(answer.text().contains(r#""input":{"city": "Ulm"}"#), "{}", answer.text());
        // A refusal passes if no other model answers.
        fake.next(Script::message_start().message_delta("refusal").message_stop());
        let refused = message(&app, &json!({"model": "a"})).await;
        assert_eq!((refused.status, &refused.json()["stop_reason"]), (200, &json!("refusal")), "{}", refused.text());
    }

    async fn a_whole_message_in_place_of_a_stream_has_the_usage_that_sdks_read(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        for (usage, input, output) in [
            (json!({"input_tokens": 3, "output_tokens": 2}), 3, 2),
            (json!({"input_tokens": 3}), 3, 0),
            (json!(null), 0, 0),
        ] {
            let body = json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "x", "usage": usage,
                "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"
            });
            fake.next(Script::json(200, &body));
            let answer = message(&app, &json!({"model": "a", "stream": true})).await;
            let events: Vec<Value> = answer.events().iter().map(|data| serde_json::from_str(data).expect("JSON")).collect();
            let counts = json!({"input_tokens": input, "output_tokens": output});
            assert_eq!((&events[0]["message"]["usage"], &events[4]["usage"]), (&counts, &counts), "{}", answer.text());
            // What SDKs need to find is not taken for the provider's count.
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!((&row["usage_flag"], &row["estimated"]), (&Value::Null, &json!(output == 0)), "{row}");
            assert!(row["output_tokens"].as_i64().is_some_and(|tokens| tokens > 0), "{row}");
        }
    }

    async fn events_that_are_no_whole_message_fail_over(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        fake.always_for("b-upstream", Script::message("Hi"));
        let begun = || Script::message_start().text_start().text_delta("Hel");
        let overloaded = json!({"error": {"type": "overloaded_error", "message": "Overloaded"}});
        let tool = || call(&json!({"type": "tool_use", "id": "t", "name": "n", "input": {}}));
        for (script, class) in [
            (begun().named("error", overloaded).end(), "overloaded"),
            (begun().end(), "invalid_response"),
            (begun().close(), "invalid_response"),
            (begun().message_delta("error").message_stop(), "invalid_response"),
            (Script::stream().text_start().text_delta("Hi").message_delta("end_turn").message_stop(), "invalid_response"),
            (Script::message_start().text_delta("Hi").message_delta("end_turn").message_stop(), "invalid_response"),
            (tool().block_delta(&input("{\"a\"")).message_delta("tool_use").message_stop(), "invalid_response"),
            (call(&json!({"type": "tool_use", "id": "t", "name": ""})).message_delta("tool_use").message_stop(), "invalid_response"),
            (Script::message_start().message_delta("refusal").message_stop(), "content_policy"),
            (Script::stream().chunk("data: <html>\n\n").end(), "invalid_response"),
        ] {
            fake.next_for("a-upstream", script);
            let answer = message(&app, &json!({"model": "a", "models": ["b"]})).await;
            assert_eq!(answer.status, 200, "{class}: {}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"));
        }
    }

    async fn events_get_the_names_without_which_sdks_skip_them(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        let event = |name: &str, mut data: Value, kind: &str| {
            data["type"] = kind.into();
            let line = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
            format!("{line}data: {data}\n\n")
        };
        let stream = |name: &str| {
            [
                event(name, json!({"message": {"id": "msg_1", "model": "x", "usage": {"input_tokens": 3, "output_tokens": 1}}}), "message_start"),
                event(name, json!({"index": 0, "content_block": {"type": "text", "text": ""}}), "content_block_start"),
                event(name, json!({"index": 0, "delta": {"type": "text_delta", "text": "Hel"}}), "content_block_delta"),
                event(name, json!({"index": 0, "delta": {"type": "text_delta", "text": "lo"}}), "content_block_delta"),
                event(name, json!({"index": 0}), "content_block_stop"),
                event(name, json!({"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}), "message_delta"),
                event(name, json!({}), "message_stop"),
            ]
            .concat()
        };
        let expected = [
            "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
            "message_delta", "message_stop",
        ];
        for name in ["", "message"] {
            for script in [Script::stream().chunk(stream(name)).end(), Script::stream().chunk(stream(name)).end().trickled()] {
                fake.next(script);
                let answer = message(&app, &json!({"model": "a", "stream": true})).await;
                assert_eq!(names(&answer), expected, "{}", answer.text());
                let data = |text: &str| text.lines().filter(|line| line.starts_with("data: ")).map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(data(&answer.text()), data(&stream(name).replace("\"model\":\"x\"", "\"model\":\"a\"")));
            }
        }
        // Where the blank lines between events are missing, too.
        let squeezed = stream("").replace("}\n\ndata: ", "}\ndata: ");
        fake.next(Script::stream().chunk(squeezed).end());
        let answer = message(&app, &json!({"model": "a", "stream": true})).await;
        assert_eq!(names(&answer), expected, "{}", answer.text());
        // Where its data has no type, an event is known by its name.
        let typed = r#"data: {"delta":{"stop_reason":"end_turn"},"type":"message_delta""#;
        let named = "event: message_delta\ndata: {\"delta\":{\"stop_reason\":\"end_turn\"}";
        assert!(stream("").contains(typed));
        fake.next(Script::stream().chunk(stream("").replace(typed, named)).end());
        let answer = message(&app, &json!({"model": "a", "stream": true})).await;
        assert_eq!(names(&answer), expected, "{}", answer.text());
        assert!(app.requests(6).await.iter().all(|row| row["outcome"] == "answered" && row["output_tokens"] == 2));
    }
}
