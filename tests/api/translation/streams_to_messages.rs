//! Streams of chat completions as streams of messages.

use serde_json::{Value, json};

use super::{call, catalog, message};
use crate::support::app::Answer;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The events of a stream as `index type what`, with the data that matters.
fn events(answer: &Answer) -> Vec<String> {
    let line = |data: &String| {
        let data: Value = serde_json::from_str(data).expect("JSON");
        let delta = &data["delta"];
        let block = &data["content_block"];
        let what = ["text", "thinking", "partial_json", "stop_reason", "signature"]
            .iter()
            .find_map(|name| delta[name].as_str());
        let what =
            what.or_else(|| block["name"].as_str()).or_else(|| block["type"].as_str()).unwrap_or_default();
        let index = data["index"].as_u64().map(|index| format!("{index} ")).unwrap_or_default();
        format!("{index}{} {what}", data["type"].as_str().expect("a type")).trim_end().to_owned()
    };
    answer.events().iter().map(line).collect()
}

/// A stream with reasoning, text and two calls in pieces that alternate.
fn interleaved() -> Script {
    Script::stream()
        .delta(&json!({"role": "assistant", "content": "", "reasoning_content": "T"}), None)
        .text("Hel")
        .text("lo")
        .delta(&call(0, Some("call_1"), Some("f"), ""), None)
        .delta(&call(0, None, None, "{\"a\""), None)
        .delta(&call(1, Some("call_2"), Some("g"), "{"), None)
        .delta(&call(0, None, None, ":1}"), None)
        .delta(&call(1, None, None, "}"), None)
        .finish("tool_calls")
        .usage(12, 31)
        .done()
}

on_both_databases! {
    async fn blocks_come_one_after_the_other(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(interleaved());
        let answer = message(&app, &json!({"model": "gpt", "stream": true})).await;
        assert_eq!(fake.request(0).await.json()["stream_options"], json!({"include_usage": true}));
        assert_eq!(events(&answer), [
            "message_start", "0 content_block_start thinking", "0 content_block_delta T", "0 content_block_delta ZmFpbHNvZnQ=",
            "0 content_block_stop", "1 content_block_start text", "1 content_block_delta Hel", "1 content_block_delta lo",
            "1 content_block_stop", "2 content_block_start f", "2 content_block_delta {\"a\"", "2 content_block_delta :1}",
            "2 content_block_stop", "3 content_block_start g", "3 content_block_delta {}", "3 content_block_stop",
            "message_delta tool_use", "message_stop",
        ], "{}", answer.text());
        let start: Value = serde_json::from_str(&answer.events()[0]).expect("JSON");
        assert_eq!((&start["message"]["model"], &start["message"]["id"]), (&json!("gpt"), &json!("msg_fake")));
        assert!(start["message"]["usage"]["input_tokens"].as_i64().is_some_and(|tokens| tokens > 0), "{start}");
        assert!(answer.text().contains(r#""usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":31}"#));
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!((&row["outcome"], &row["input_tokens"], &row["output_tokens"]), (&json!("answered"), &json!(12), &json!(31)), "{row}");
    }

    async fn the_pieces_of_the_body_make_no_difference(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let asked = json!({"model": "gpt", "stream": true});
        fake.next(interleaved());
        let whole = message(&app, &asked).await;
        fake.next(interleaved().trickled());
        // The estimate of the prompt is better once the provider has counted it.
        assert_eq!(events(&message(&app, &asked).await), events(&whole));
    }

    async fn every_complete_stream_has_one_end(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let begun = || Script::stream().text("Hi");
        for (script, stop) in [
            (begun().finish("stop").done(), "end_turn"),
            (begun().finish("stop").end(), "end_turn"),
            (begun().finish("stop").close(), "end_turn"),
            (begun().finish("length").usage(1, 2).done(), "max_tokens"),
            (begun().finish("content_filter").done(), "refusal"),
            (begun().finish("tool_calls").done(), "end_turn"),
            (begun().delta(&call(0, Some("c"), Some("f"), "{}"), None).finish("stop").done(), "tool_use"),
            (begun().delta(&json!({"function_call": {"name": "f", "arguments": "{}"}}), None).finish("function_call").done(), "tool_use"),
            (Script::answer("Hi"), "end_turn"),
            (Script::stream().finish("stop").done(), "end_turn"),
        ] {
            fake.next(script);
            let answer = message(&app, &json!({"model": "gpt", "stream": true})).await;
            let events = events(&answer);
            assert_eq!(events[events.len() - 2..], [format!("message_delta {stop}"), "message_stop".to_owned()], "{}", answer.text());
            assert_eq!(events.iter().filter(|event| event.starts_with("message_")).count(), 3, "{}", answer.text());
            assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
            let tools = events.iter().any(|event| event.ends_with("content_block_start f"));
            assert_eq!(tools, stop == "tool_use", "{}", answer.text());
        }
        assert!(app.requests(10).await.iter().all(|row| row["outcome"] == "answered"));
    }

    async fn a_break_after_content_is_one_error_event(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let begun = || Script::stream().text("Hel");
        for script in [
            begun().close(),
            begun().end(),
            begun().event(&json!({"error": {"message": "Overloaded", "code": "overloaded"}})).end(),
            begun().chunk("data: {\"choices\":\n\n").end(),
        ] {
            fake.next(script);
            let answer = message(&app, &json!({"model": "gpt", "models": ["claude"], "stream": true})).await;
            let events = events(&answer);
            assert_eq!(events.last().map(String::as_str), Some("error"), "{}", answer.text());
            assert!(!events.iter().any(|event| event == "message_stop" || event.starts_with("message_delta")), "{}", answer.text());
        }
        assert!(app.requests(4).await.iter().all(|row| row["outcome"] == "interrupted"));
    }

    async fn metadata_is_an_event_of_its_own(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(Script::stream().text("Hi").finish("stop").usage(1, 2).done());
        let body = json!({"model": "gpt", "max_tokens": 9, "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
        let request = crate::support::app::with_json(app.request(reqwest::Method::POST, "/v1/messages"), &body);
        let answer = app.call(request.header("x-failsoft-metadata", "enabled"), &app.organization.key).await;
        assert!(answer.text().contains("event: failsoft\ndata: {\"type\":\"failsoft\""), "{}", answer.text());
        assert_eq!(events(&answer).last().map(String::as_str), Some("message_stop"));
    }
}
