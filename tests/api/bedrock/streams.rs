//! Streams of Bedrock in each dialect of callers.

use serde_json::{Value, json};

use super::{Bedrock, CLAUDE, NOVA, asked, assert_signed, path, post};
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

/// A stream that says Hello.
fn hello() -> Script {
    Script::converse_stream()
        .converse_text("Hel")
        .converse_text("lo")
        .converse_event("contentBlockStop", &json!({"contentBlockIndex": 0}))
        .converse_end("end_turn")
}

/// The text of a stream, in any dialect of callers.
fn text(events: &[String]) -> String {
    let events = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
    let piece = |event: Value| {
        let chat = event["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
        let message = event["delta"]["text"].as_str().map(str::to_owned);
        let is_piece = event["type"] == "response.output_text.delta";
        chat.or(message).or_else(|| event["delta"].as_str().filter(|_| is_piece).map(str::to_owned))
    };
    events.filter_map(piece).collect()
}

on_both_databases! {
    async fn each_caller_gets_a_stream_in_its_dialect(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        // The second time, each byte comes alone.
        for script in [hello(), hello().trickled()] {
            bedrock.fake.always(script);
            for (endpoint, body) in asked("nova", &json!({"stream": true})) {
                let answer = post(&app, endpoint, &body).await;
                assert_eq!(text(&answer.events()), "Hello", "{endpoint}: {}", answer.text());
                let end = match endpoint {
                    "/v1/chat/completions" => "data: [DONE]",
                    "/v1/messages" => "event: message_stop",
                    _ => "event: response.completed",
                };
                assert!(answer.text().contains(end), "{endpoint}: {}", answer.text());
                let sent = bedrock.fake.requests().pop().expect("a call");
                assert_eq!(sent.path, path(NOVA, "converse-stream"));
                assert_eq!(sent.header("accept"), Some("application/vnd.amazon.eventstream"));
                assert_eq!(sent.json().get("stream"), None);
                assert_signed(&sent);
            }
        }
        for row in app.requests(6).await {
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(12), &json!(2)), "{row}");
            assert_eq!(row["outcome"], "answered", "{row}");
        }
    }

    async fn the_usage_that_follows_the_end_reaches_each_caller(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        for script in [hello(), hello().trickled()] {
            bedrock.fake.always(script);
            for (endpoint, body) in asked("nova", &json!({"stream": true})) {
                let mut body = body;
                if endpoint == "/v1/chat/completions" {
                    body["stream_options"] = json!({"include_usage": true});
                }
                let answer = post(&app, endpoint, &body).await;
                let events = answer.events().into_iter().filter_map(|event| serde_json::from_str::<Value>(&event).ok());
                let events: Vec<Value> = events.collect();
                let last = |place: &str| events.iter().rev().find_map(|event| event.pointer(place).filter(|usage| usage.is_object()));
                let (usage, names) = match endpoint {
                    "/v1/chat/completions" => (last("/usage"), ["prompt_tokens", "completion_tokens"]),
                    "/v1/messages" => (last("/usage"), ["cache_read_input_tokens", "output_tokens"]),
                    _ => (last("/response/usage"), ["input_tokens", "output_tokens"]),
                };
                let usage = usage.expect("a usage");
                let prompt = if endpoint == "/v1/messages" { 9 } else { 12 };
                assert_eq!((&usage[names[0]], &usage[names[1]]), (&json!(prompt), &json!(2)), "{endpoint}: {}", answer.text());
                let ends = events.iter().filter(|event| event["choices"][0]["finish_reason"].is_string()).count();
                assert_eq!(ends, usize::from(endpoint == "/v1/chat/completions"), "{endpoint}: {}", answer.text());
            }
        }
    }

    async fn reasoning_without_a_text_reaches_a_caller_of_messages(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let signature = json!({"reasoningContent": {"signature": "c2ln"}});
        bedrock.fake.always(Script::converse_stream().converse_delta(0, &signature).converse_delta(1, &json!({"text": "Hi"})).converse_end("end_turn"));
        let answer = post(&app, "/v1/messages", &json!({
            "model": "claude", "max_tokens": 64, "stream": true, "messages": [{"role": "user", "content": "Hello"}]
        })).await;
        let events: Vec<Value> = answer.events().iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
        let starts: Vec<&Value> = events.iter().map(|event| &event["content_block"]["type"]).filter(|kind| kind.is_string()).collect();
        assert_eq!(starts, ["thinking", "text"], "{}", answer.text());
        let signatures: Vec<&Value> = events.iter().map(|event| &event["delta"]["signature"]).filter(|signature| signature.is_string()).collect();
        assert_eq!(signatures, ["c2ln"], "{}", answer.text());
    }

    async fn reasoning_and_calls_reach_a_caller_of_messages(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let call = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}});
        bedrock.fake.next(
            Script::converse_stream()
                .converse_delta(0, &json!({"reasoningContent": {"text": "Ulm."}}))
                .converse_delta(0, &json!({"reasoningContent": {"signature": "c2lnbmVk"}}))
                .converse_event("contentBlockStop", &json!({"contentBlockIndex": 0}))
                .converse_event("contentBlockStart", &json!({"contentBlockIndex": 1, "start": call}))
                .converse_delta(1, &json!({"toolUse": {"input": "{\"city\":"}}))
                .converse_delta(1, &json!({"toolUse": {"input": "\"Ulm\"}"}}))
                .converse_event("contentBlockStop", &json!({"contentBlockIndex": 1}))
                .converse_end("tool_use"),
        );
        let turns = json!([{"role": "user", "content": "Weather in Ulm?"}]);
        let body = json!({"model": "claude", "max_tokens": 64, "stream": true, "messages": turns});
        let answer = post(&app, "/v1/messages", &body).await;
        let events: Vec<Value> =
            answer.events().iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
        let deltas: Vec<&Value> =
            events.iter().filter(|event| event["type"] == "content_block_delta").map(|event| &event["delta"]).collect();
        assert_eq!(deltas.first().map(|delta| &delta["thinking"]), Some(&json!("Ulm.")), "{}", answer.text());
        assert!(deltas.iter().any(|delta| delta["signature"] == "c2lnbmVk"), "{}", answer.text());
        let input: String = deltas.iter().filter_map(|delta| delta["partial_json"].as_str()).collect();
        assert_eq!(input, r#"{"city":"Ulm"}"#);
        let start = events.iter().find(|event| event["content_block"]["type"] == "tool_use").expect("a call");
        assert_eq!((&start["content_block"]["id"], &start["content_block"]["name"]), (&json!("tooluse_1"), &json!("weather")));
        let end = events.iter().find(|event| event["type"] == "message_delta").expect("an end");
        assert_eq!((&end["delta"]["stop_reason"], &end["usage"]["output_tokens"]), (&json!("tool_use"), &json!(2)));
        assert_eq!(bedrock.fake.request(0).await.path, path(CLAUDE, "converse-stream"));
    }

    async fn a_whole_answer_in_place_of_a_stream_becomes_one(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.fake.always(Script::converse(&json!([{"text": "Hello"}]), "end_turn"));
        for (endpoint, body) in asked("nova", &json!({"stream": true})) {
            let answer = post(&app, endpoint, &body).await;
            assert_eq!(text(&answer.events()), "Hello", "{endpoint}: {}", answer.text());
        }
        for row in app.requests(3).await {
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(12), &json!(2)), "{row}");
        }
    }
}
