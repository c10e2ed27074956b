//! What no caller can use is a failure, alike in whole answers and in streams; what a caller can use passes, in
//! whatever form it arrives.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

fn chunk(choice: &Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})
}

/// A choice as a whole answer.
fn whole(choice: &Value) -> Script {
    Script::json(
        200,
        &json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}),
    )
}

fn choice(name: &str, said: &Value, end: Option<&str>) -> Value {
    json!({"index": 0, name: said, "finish_reason": end})
}

async fn two_models(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a", "b"]).await;
    fake.always_for("b-upstream", Script::answer("From b"));
    fake
}

/// The model that answers and the class of the first failure.
async fn served(app: &App, stream: bool) -> (String, String) {
    let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": stream})).await;
    (answer.header("x-failsoft-model").to_owned(), answer.header("x-failsoft-fallback").to_owned())
}

on_both_databases! {
    async fn what_is_no_content_is_none_in_either_form(app: App) {
        let fake = two_models(&app).await;
        let nameless = json!([{"index": 0, "id": "t", "type": "function", "function": {"arguments": "{}"}}]);
        let numbered = json!([{"index": 0, "id": "t", "type": "function", "function": {"name": 7, "arguments": "{}"}}]);
        for (said, ends) in [
            (json!({"content": 5}), vec![None]),
            (json!({"content": true}), vec![None]),
            (json!({"content": {"text": "x"}}), vec![None]),
            (json!({"content": [5, null]}), vec![None]),
            (json!({"content": null, "tool_calls": nameless}), vec![None, Some("stop"), Some("tool_calls")]),
            (json!({"content": null, "tool_calls": numbered}), vec![None, Some("stop"), Some("tool_calls")]),
            (json!({"content": null, "tool_calls": {"function": {"name": "f"}}}), vec![Some("tool_calls")]),
            (json!({"content": null, "function_call": {"arguments": "{}"}}), vec![Some("stop"), Some("function_call")]),
            (Value::Null, vec![None, Some("stop")]),
            (json!("text"), vec![None, Some("stop")]),
        ] {
            for end in ends {
                let delta = chunk(&choice("delta", &said, end));
                for (stream, script) in [
                    (false, whole(&choice("message", &said, end))),
                    (true, Script::stream().event(&delta).done()),
                    (false, Script::stream().event(&delta).done()),
                    (true, whole(&choice("message", &said, end))),
                ] {
                    fake.next_for("a-upstream", script);
                    let expected = ("b".to_owned(), "from=a; class=invalid_response; hops=1".to_owned());
                    assert_eq!(served(&app, stream).await, expected, "{said} {end:?} stream: {stream}");
                }
            }
        }
        // A legacy completion, which chat clients cannot read.
        let legacy = json!({"index": 0, "text": "Hello", "finish_reason": "stop"});
        for (stream, script) in [(false, whole(&legacy)), (true, Script::stream().event(&chunk(&legacy)).done())] {
            fake.next_for("a-upstream", script);
            assert_eq!(served(&app, stream).await.0, "b", "stream: {stream}");
        }
        // The name never comes, and the end is in a chunk of its own.
        let script = Script::stream().delta(&json!({"tool_calls": nameless}), None).finish("stop").done();
        fake.next_for("a-upstream", script);
        assert_eq!(served(&app, true).await.0, "b");
    }

    async fn a_call_in_pieces_arrives_as_it_was_sent(app: App) {
        let fake = two_models(&app).await;
        let piece = |function: Value| json!({"tool_calls": [{"index": 0, "function": function}]});
        let named = json!({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}]});
        let script = || {
            Script::stream()
                .delta(&json!({"role": "assistant", "content": null}), None)
                .delta(&named, None)
                .delta(&piece(json!({"arguments": "{\"x\""})), None)
                .delta(&piece(json!({"arguments": ":1}"})), None)
                .finish("tool_calls")
                .done()
        };
        fake.next_for("a-upstream", script());
        let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
        assert_eq!((answer.header("x-failsoft-model"), answer.events().len()), ("a", 6), "{}", answer.text());
        fake.next_for("a-upstream", script());
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await.json();
        assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"], json!({"name": "f", "arguments": "{\"x\":1}"}));
        let rows = app.requests(2).await;
        assert!(rows.iter().all(|row| row["output_tokens"].as_i64().is_some_and(|tokens| tokens > 0)), "{rows:?}");
    }

    /// Some servers send the whole answer as one event, and some repeat it at the end.
    async fn a_message_inside_a_stream_becomes_chunks_unless_it_repeats_them(app: App) {
        let fake = two_models(&app).await;
        let message = choice("message", &json!({"role": "assistant", "content": "Hello"}), Some("stop"));
        fake.next_for("a-upstream", Script::stream().event(&chunk(&message)).done());
        let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
        assert_eq!(answer.header("x-failsoft-model"), "a");
        let events: Vec<Value> = answer.events().iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
        assert_eq!(events[0]["choices"][0]["delta"]["content"], "Hello", "{}", answer.text());
        assert_eq!(events[1]["choices"][0]["finish_reason"], "stop", "{}", answer.text());
        assert!(answer.text().ends_with("data: [DONE]\n\n") && !answer.text().contains("\"message\""));

        let script = Script::stream().text("Hel").text("lo").event(&chunk(&message)).done();
        fake.next_for("a-upstream", script);
        let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
        assert_eq!(answer.header("x-failsoft-model"), "a");
        assert_eq!(answer.text().matches("\"delta\":{\"content\"").count(), 2, "{}", answer.text());
        fake.next_for("a-upstream", Script::stream().text("Hel").text("lo").finish("stop").done());
        app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
        let rows = app.requests(3).await;
        assert_eq!(rows[1]["output_tokens"], rows[2]["output_tokens"], "the repeated text counts once");
    }

    async fn frames_that_carry_nothing_keep_the_connection_open(app: App) {
        let fake = two_models(&app).await;
        let empty = ["null", "[]", "{}", "ping", "\"ping\"", "heartbeat", "\"\""];
        let before = empty.iter().fold(Script::stream(), |script, data| script.chunk(format!("data: {data}\n\n")));
        let script = before.chunk("event: ping\ndata: {}\n\n").text("Hel").chunk("data: null\n\n").chunk("data: ping\n\n");
        let script = script.text("lo").finish("stop").done();
        for stream in [true, false] {
            fake.next_for("a-upstream", script.clone());
            let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": stream})).await;
            assert_eq!(answer.header("x-failsoft-model"), "a", "{}", answer.text());
            let chunks = answer.events();
            assert!(!stream || chunks.len() == 4 && chunks.iter().all(|chunk| chunk.contains("choices") || chunk == "[DONE]"), "{chunks:?}");
            assert!(stream || answer.json()["choices"][0]["message"]["content"] == "Hello", "{}", answer.text());
        }
        // Nothing else comes, or it is an error after all.
        for (script, class) in [
            (Script::stream().chunk("data: null\n\n").done(), "invalid_response"),
            (Script::stream().chunk("data: ping\n\n").end(), "invalid_response"),
            (Script::stream().chunk("data: {}\n\n").chunk("data: Internal Server Error\n\n").end(), "invalid_response"),
            (Script::stream().chunk("event: error\ndata: null\n\n").end(), "unavailable"),
        ] {
            fake.next_for("a-upstream", script);
            let expected = ("b".to_owned(), format!("from=a; class={class}; hops=1"));
            assert_eq!(served(&app, true).await, expected);
        }
    }

    async fn a_complete_answer_on_a_connection_that_stays_open_is_complete(app: App) {
        let fake = two_models(&app).await;
        let answer = r#"{"id":"c","choices":[{"index":0,"message":{"content":"Hi {}"},"finish_reason":"stop"}]}"#;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
        let (first, second) = answer.split_at(answer.find("{}").expect("braces") + 2);
        for stream in [false, true] {
            for parts in [vec![answer], vec![first, second]] {
                let script = parts.iter().fold(Script::new().send(head), |script, part| script.send(part)).hang();
                fake.next_for("a-upstream", script);
                assert_eq!(served(&app, stream).await.0, "a", "stream: {stream}, {} parts", parts.len());
            }
        }
        fake.all_closed().await;
    }
}
