//! Streams before their first content: another model may still answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::pick;
use crate::support::app::chat_body;
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

fn role() -> Value {
    json!({"role": "assistant", "content": "", "refusal": null})
}

fn second() -> Script {
    Script::stream().delta(&role(), None).text("From second").finish("stop").usage(3, 2).done()
}

on_both_databases! {
    async fn whatever_comes_before_content_leaves_room_for_another(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        fake.always_for("second-upstream", second());
        let error = json!({"error": {"message": "busy", "code": 503}});
        let typed = json!({"error": {"message": "busy", "type": "overloaded_error", "code": null}});
        let held = || Script::stream().chunk(": ping\n\n").delta(&role(), None);
        let invalid = "invalid_response";
        let cases: Vec<(&str, Script, &str)> = vec![
            ("an error instead of a stream", Script::error(503, "overloaded", "busy"), "overloaded"),
            ("an error frame", Script::stream().event(&error).done(), "overloaded"),
            ("an error frame of a vendor's", Script::stream().chunk(format!("event: error\ndata: {typed}\n\n")).end(), "overloaded"),
            ("an error frame after others", held().event(&error).end(), "overloaded"),
            ("an error frame with a choice", held().event(&json!({"error": {"message": "x", "code": 429}, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]})).done(), "rate_limited"),
            ("an error with a JSON type", Script::json(200, &error), "overloaded"),
            ("an error without a type", Script::respond(200, &[], error.to_string()), "overloaded"),
            ("an error on many lines", Script::respond(200, &[], "{\n\n \"error\": {\n\n\"message\": \"busy\", \"code\": 503}}\n\n"), "overloaded"),
            ("nothing", Script::stream().end(), invalid),
            ("nothing at all", Script::respond(200, &[("content-type", "text/event-stream")], ""), invalid),
            ("only [DONE]", Script::stream().done(), invalid),
            ("only pings", Script::stream().chunk(": ping\n\n").chunk(": ping\n\n").end(), invalid),
            ("only a role", held().end(), invalid),
            ("only a role and [DONE]", held().done(), invalid),
            ("only usage", Script::stream().usage(3, 0).done(), invalid),
            ("an empty finish reason", Script::stream().delta(&role(), Some("")).done(), invalid),
            ("a finish reason that says error", held().finish("error").done(), invalid),
            ("a page", Script::stream().chunk("<html><body>Sorry</body></html>").end(), invalid),
            ("a page with its type", Script::respond(200, &[("content-type", "text/html")], "<p>Sorry</p>"), invalid),
            ("a broken frame", held().chunk("data: {\"choices\": [\n\n").done(), invalid),
            ("a frame that is no object", Script::stream().chunk("data: [1]\n\n").done(), invalid),
            ("half a frame", held().chunk("data: {\"choices\": [{\"delta\": {\"content\": \"x").end(), invalid),
            ("a reset", Script::stream().delta(&role(), None).reset(), "unavailable"),
            ("a reset before the head", Script::new().reset(), "unavailable"),
            ("the filter", held().finish("content_filter").done(), "content_policy"),
            ("more than is held", (0..70).fold(Script::stream(), |script, _| script.event(&json!({"choices": [], "x": "x".repeat(32_000)}))).text("late").done(), invalid),
            ("no list of choices", held().event(&json!({"choices": {"surprise": true}})).event(&json!({"choices": 5})).done(), invalid),
            ("choices that are no objects", held().event(&json!({"choices": [5, "x", ["y"]]})).event(&json!({"choices": [{"index": 0, "delta": "z"}]})).done(), invalid),
            ("tool calls that never come", held().delta(&json!({"content": "", "tool_calls": []}), None).finish("tool_calls").done(), invalid),
            ("a function call that never comes", held().delta(&json!({"function_call": null}), Some("function_call")).usage(3, 2).done(), invalid),
        ];
        for (name, script, class) in &cases {
            fake.next_for("first-upstream", script.clone());
            let answer = app.chat(&json!({"model": "first", "models": ["second"], "stream": true})).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(answer.header("x-failsoft-model"), "second", "{name}");
            let told = answer.header("x-failsoft-fallback").to_owned();
            // A reset may arrive before or after the data sent before it.
            let classes = if name.contains("reset") { vec![*class, invalid] } else { vec![*class] };
            assert!(classes.iter().any(|class| told == format!("from=first; class={class}; hops=1")), "{name}: {told}");
            let events = answer.events();
            assert_eq!(events.len(), 4, "{name}: {events:?}");
            assert!(events[1].contains("From second") && events[3] == "[DONE]", "{name}: {events:?}");
            assert!(events[..3].iter().all(|event| event.contains(r#""model":"second""#)), "{name}: {events:?}");
        }
        let events = app.events().await;
        assert_eq!(events.len(), cases.len());
        assert!(events.iter().all(|event| event["invocation_type"] == "chat_completion_stream"));
        assert_eq!(pick(&events[..1], &["failed_model", "next_model"]), json!([["first", "second"]]));
        let rows = app.requests(cases.len()).await;
        assert!(rows.iter().all(|row| row["outcome"] == "answered" && row["streamed"] == true && row["input_tokens"] == 3));
    }

    async fn held_frames_go_out_in_their_order_once_a_real_one_comes(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let gate = Gate::new();
        let filter = json!({"choices": [], "prompt_filter_results": [{"x": 1}]});
        fake.next(
            Script::stream()
                .chunk(": one\n\n")
                .event(&filter)
                .chunk(": two\r\n\r\n")
                .delta(&role(), None)
                .wait_until(&gate)
                .text("Hi")
                .finish("stop")
                .done(),
        );
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        fake.request(0).await;
        gate.open();
        let text = caller.read_until("[DONE]").await;
        let places: Vec<usize> = ["\n:\n\n", "prompt_filter_results", "\n:\r\n\r\n", r#""role":"assistant""#, r#""Hi""#]
            .iter()
            .map(|part| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}")))
            .collect();
        assert!(places.is_sorted(), "{text}");
    }

    async fn comments_and_roles_may_come_for_minutes_before_content(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let comment = ": OPENROUTER PROCESSING\n\n";
        let role = format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": role(), "finish_reason": null}]}));
        for (many, passed) in [(comment.repeat(50_000), 16 * 1024), (role.repeat(5_000), usize::MAX), ([comment, &role].concat().repeat(3_000), usize::MAX)] {
            fake.next(Script::stream().chunk(&many).text("late").finish("stop").done());
            let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-fallback")), (200, "none"));
            let text = answer.text();
            assert!(text.contains("late") && text.ends_with("data: [DONE]\n\n"));
            // Few comments pass, without their texts; all chunks do.
            assert!(text.starts_with(&many[..1]) && !text.contains("PROCESSING"), "{text}");
            assert!(text.matches(":\n\n").count() * 3 <= 16 * 1024 && text.len() <= passed.saturating_add(1_000));
            assert_eq!(text.matches(r#""role":"assistant""#).count(), many.matches(r#""role":"assistant""#).count());
        }
        assert!(app.events().await.is_empty());
    }

    async fn nothing_reaches_the_caller_before_the_first_real_frame(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        let gate = Gate::new();
        fake.next(Script::stream().chunk(": ping\n\n").delta(&role(), None).usage(1, 0).wait_until(&gate).reset());
        fake.next(second());
        let mut caller = Raw::connect(app.address).await;
        let body = chat_body(&json!({"model": "first", "models": ["second"], "stream": true}));
        caller.chat(&app.organization.key, &body).await;
        fake.request(0).await;
        gate.open();
        let text = caller.read_until("[DONE]").await;
        // If the first model's frames had been forwarded, its name would be in the head.
        assert!(text.contains("x-failsoft-model: second") && !text.contains("ping"), "{text}");
    }

    async fn what_counts_as_content_is_the_first_ones(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        let tool = json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]});
        for script in [
            Script::stream().text(" "),
            Script::stream().delta(&tool, None),
            Script::stream().delta(&json!({"reasoning_content": "hm"}), None),
            Script::stream().delta(&json!({"refusal": "no"}), None),
            Script::stream().delta(&json!({}), Some("length")),
            Script::stream().delta(&json!({"a_field_of_tomorrow": {"x": 1}}), None),
            Script::stream().event(&json!({"choices": [{"text": "old"}]})),
            // What comes before content passes with it, whatever it is.
            Script::stream().event(&json!({"choices": {"surprise": true}})).text("x"),
            // Calls in earlier chunks, under either name, and of one choice of two.
            Script::stream().delta(&tool, None).delta(&json!({}), Some("tool_calls")),
            Script::stream().delta(&json!({"function_call": {"name": "f", "arguments": "{}"}}), None).delta(&json!({}), Some("function_call")),
            Script::stream().event(&json!({"choices": [{"index": 1, "delta": {}, "finish_reason": "tool_calls"}]})).delta(&tool, Some("tool_calls")),
            Script::stream().chunk("data: {\"a\":1}\ndata: {\"b\":2}\n\n"),
        ] {
            fake.next(script.finish("stop").done());
            let answer = app.chat(&json!({"model": "first", "models": ["second"], "stream": true})).await;
            assert_eq!(answer.header("x-failsoft-model"), "first", "{}", answer.text());
            assert!(answer.text().ends_with("data: [DONE]\n\n"));
        }
        assert!(app.events().await.is_empty());
    }

    async fn a_stream_without_done_or_usage_is_whole_once_it_has_finished(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::stream().text("Hello there").finish("stop").end());
        let answer = app.chat(&json!({"model": "a", "stream": true})).await;
        let events = answer.events();
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(!answer.text().contains("error"));
        // Not even a final blank line, without which clients would drop the event.
        fake.next(Script::stream().text("Hello there").chunk(r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#).end());
        let answer = app.chat(&json!({"model": "a", "stream": true})).await;
        assert!(answer.text().ends_with("\"provider\":\"fake\"}\n\n"), "{}", answer.text());
        for row in app.requests(2).await {
            assert_eq!((&row["outcome"], &row["estimated"]), (&json!("answered"), &json!(true)));
            assert!(row["output_tokens"].as_i64() > Some(0) && row["input_tokens"].as_i64() > Some(0));
        }
    }

    async fn done_is_the_end_whatever_the_connection_does(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let ended = || Script::stream().text("Hi").finish("stop").chunk("data: [DONE]\n\n");
        for script in [ended().hang(), ended().chunk("data: {\"choices\":[]}\n\n").hang(), ended().close()] {
            fake.next(script);
            let answer = app.chat(&json!({"model": "a", "stream": true})).await;
            assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());
        }
        fake.all_closed().await;
        assert!(app.requests(3).await.iter().all(|row| row["outcome"] == "answered"));
    }

    async fn an_event_over_64_mib_is_no_answer(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        let mebibyte = format!("100000\r\n{}\r\n", "x".repeat(1024 * 1024));
        fake.next(Script::stream().chunk("data: {\"choices\":[{\"delta\":{\"content\":\"").repeat(mebibyte, Duration::from_millis(1)));
        fake.next(second());
        let answer = app.chat(&json!({"model": "first", "models": ["second"], "stream": true})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=first; class=invalid_response; hops=1");
        fake.client_gone(0).await;
        assert_eq!(app.events().await[0]["matched_rule"], "answer:line_too_long");
    }

    async fn an_event_as_long_as_a_picture_arrives(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let picture = "x".repeat(12 * 1024 * 1024);
        fake.next(Script::stream().text("Look: ").text(&picture).finish("stop").done());
        let answer = app.chat(&json!({"model": "a", "stream": true})).await;
        assert!(answer.text().len() > picture.len() && answer.text().ends_with("data: [DONE]\n\n"));
        assert_eq!(app.requests(1).await[0]["outcome"], "answered");
    }

    async fn a_stream_that_no_model_began_is_a_plain_error(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        fake.next(Script::stream().done());
        fake.next(Script::error(429, "rate_limit_exceeded", "slow down"));
        let answer = app.chat(&json!({"model": "first", "models": ["second"], "stream": true})).await;
        assert_eq!((answer.status, answer.header("content-type")), (429, "application/json"));
        let classes = pick(answer.json()["error"]["metadata"]["attempts"].as_array().expect("a list"), &["error_class"]);
        assert_eq!(classes, json!([["invalid_response"], ["rate_limited"]]));
    }
}
