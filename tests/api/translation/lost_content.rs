//! Answers of which nothing is left for a caller of another dialect, and calls that no caller can act on: whole or streamed,
//! the next model answers, or the stream has no normal end.

use serde_json::{Value, json};

use super::{call, catalog, completion, message};
use crate::support::app::{Answer, App};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A chunk of another choice than the first one.
fn second_choice() -> Value {
    json!({"id": "c", "choices": [{"index": 1, "delta": {"content": "second"}, "finish_reason": "stop"}]})
}

/// The start of a block.
fn block(index: u64, block: &Value) -> Value {
    json!({"index": index, "content_block": block})
}

/// The types of the events of a message, or `chunk`.
fn kinds(answer: &Answer) -> Vec<String> {
    let kind = |data: &String| {
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        data["type"].as_str().unwrap_or("chunk").to_owned()
    };
    answer.events().iter().map(kind).collect()
}

async fn last_row(app: &App, count: usize) -> Value {
    app.requests(count).await.pop().expect("a row")
}

on_both_databases! {
    async fn a_completion_of_which_nothing_is_left_moves_on(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("claude-upstream", Script::message("Hi"));
        let image = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]);
        let lost = [json!({"content": null, "images": image}), json!({"audio": {"id": "a", "data": "aGk="}}), json!({"of_next_year": {"a": 1}})];
        let mut count = 0;
        for delta in &lost {
            let begun = || Script::stream().delta(&json!({"role": "assistant", "content": ""}), None).delta(delta, None).delta(delta, None);
            for (script, stream) in [
                (completion(delta, "stop"), false),
                (completion(delta, "stop"), true),
                (begun().finish("stop").usage(3, 2).done(), true),
                (begun().finish("stop").end(), true),
                (begun().finish("stop").close(), true),
                (begun().done(), true),
                (begun().event(&second_choice()).finish("stop").done().trickled(), true),
            ] {
                fake.next_for("gpt-upstream", script);
                fake.next_for("claude-upstream", if stream { Script::message_stream("Hi") } else { Script::message("Hi") });
                let answer = message(&app, &json!({"model": "gpt", "models": ["claude"], "stream": stream})).await;
                count += 1;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{delta} {stream}: {}", answer.text());
                assert_eq!(answer.header("x-failsoft-fallback"), "from=gpt; class=invalid_response; hops=1");
                let row = last_row(&app, count).await;
                assert_eq!(row["attempts"][0]["matched_rule"], "answer:no_content", "{row}");
            }
        }
        // Without another model, it is an error, not an empty answer.
        fake.next_for("gpt-upstream", Script::stream().event(&second_choice()).finish("stop").done());
        let failed = message(&app, &json!({"model": "gpt", "stream": true})).await;
        assert_eq!((failed.status, &failed.json()["error"]["type"]), (502, &json!("api_error")), "{}", failed.text());
        // What has something left is an answer, and so is a normal end without any content.
        for script in [Script::stream().delta(&lost[0], None).text("Hi").finish("stop").done(), Script::stream().finish("stop").done()] {
            fake.next_for("gpt-upstream", script);
            let answer = message(&app, &json!({"model": "gpt", "models": ["claude"], "stream": true})).await;
            assert_eq!((answer.header("x-failsoft-model"), kinds(&answer).last().map(String::as_str)), ("gpt", Some("message_stop")), "{}", answer.text());
        }
    }

    async fn a_message_of_which_nothing_is_left_moves_on(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let mut count = 0;
        for lost in [
            json!({"type": "redacted_thinking", "data": "aGk="}),
            json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            json!({"type": "of_next_year", "a": 1}),
        ] {
            let whole = || Script::json(200, &json!({"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [lost], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}}));
            let begun = || Script::message_start().named("content_block_start", block(0, &lost)).named("content_block_stop", json!({"index": 0}));
            for (script, stream) in [
                (whole(), false),
                (whole(), true),
                (begun().message_delta("end_turn").message_stop(), true),
                (begun().message_delta("end_turn").end(), true),
                (begun().message_delta("end_turn").close(), true),
            ] {
                fake.next_for("claude-upstream", script);
                fake.next_for("gpt-upstream", if stream { Script::stream().text("Hi").finish("stop").done() } else { Script::answer("Hi") });
                let answer = app.chat(&json!({"model": "claude", "models": ["gpt"], "stream": stream})).await;
                count += 1;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{lost} {stream}: {}", answer.text());
                let row = last_row(&app, count).await;
                assert_eq!(row["attempts"][0]["matched_rule"], "answer:no_content", "{row}");
            }
        }
    }

    async fn a_broken_call_has_no_normal_end(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let pieces = |pieces: &[&str]| {
            let begun = Script::stream().text("Hi").delta(&call(0, Some("c"), Some("f"), ""), None);
            pieces.iter().fold(begun, |script, piece| script.delta(&call(0, None, None, piece), None))
        };
        let mut count = 0;
        for (input, valid) in [
            (&["{\"a\":", "1}"][..], true), (&[], true), (&[" "], true),
            (&["{\"a\":"], false), (&["{\"a\":1}", "}"], false), (&["[1]"], false), (&["go"], false),
        ] {
            for script in [pieces(input).finish("tool_calls").usage(3, 2).done(), pieces(input).finish("tool_calls").end(), pieces(input).finish("stop").close()] {
                fake.next_for("gpt-upstream", script);
                let answer = message(&app, &json!({"model": "gpt", "models": ["claude"], "stream": true})).await;
                let kinds = kinds(&answer);
                count += 1;
                let (end, outcome) = if valid { ("message_stop", "answered") } else { ("error", "interrupted") };
                assert_eq!(kinds.last().map(String::as_str), Some(end), "{input:?}: {}", answer.text());
                assert_eq!(kinds.iter().any(|kind| kind == "message_delta"), valid, "{input:?}: {}", answer.text());
                assert_eq!(last_row(&app, count).await["outcome"], outcome, "{input:?}");
            }
        }
        let interrupted = app.events().await;
        assert!(!interrupted.is_empty() && interrupted.iter().all(|event| event["error_class"] == "stream_interrupted"), "{interrupted:?}");
        // The limit of the answer may cut a call off.
        fake.next_for("gpt-upstream", pieces(&["{\"a\":"]).finish("length").done());
        let cut = message(&app, &json!({"model": "gpt", "stream": true})).await;
        assert_eq!(kinds(&cut).last().map(String::as_str), Some("message_stop"), "{}", cut.text());
        let tool = |input: &[&str], reason: &str| {
            let begun = Script::message_start().named("content_block_start", block(0, &json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})));
            let piece = |script: Script, piece: &&str| script.block_delta(&json!({"type": "input_json_delta", "partial_json": piece}));
            input.iter().fold(begun, piece).message_delta(reason).message_stop()
        };
        for (input, reason, valid) in [(&["{", "}"][..], "tool_use", true), (&[], "tool_use", true), (&["{"], "max_tokens", true), (&["{"], "tool_use", false)] {
            fake.next_for("claude-upstream", tool(input, reason));
            let answer = app.chat(&json!({"model": "claude", "models": ["gpt"], "stream": true})).await;
            assert_eq!(answer.text().contains("[DONE]"), valid, "{input:?} {reason}: {}", answer.text());
            assert_eq!(answer.text().contains("\"finish_reason\":\"error\""), !valid, "{input:?} {reason}: {}", answer.text());
            assert!(valid || !answer.text().contains("\"finish_reason\":\"tool_calls\""), "{}", answer.text());
        }
        assert_eq!(last_row(&app, count + 5).await["outcome"], "interrupted");
    }

    async fn an_answer_cut_off_in_its_call_is_an_answer(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("claude-upstream", Script::message("Hi"));
        let cut = json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\":\"abc"}}
        ]});
        for stream in [false, true] {
            fake.next_for("gpt-upstream", completion(&cut, "length"));
            let answer = message(&app, &json!({"model": "gpt", "models": ["claude"], "stream": stream})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
            assert!(answer.text().contains("\"max_tokens\""), "{}", answer.text());
            // A stream shows the beginning of the call, as Claude's own does.
            assert_eq!(answer.text().contains("tool_use"), stream, "{}", answer.text());
            if !stream {
                assert_eq!(answer.json()["content"], json!([]), "{}", answer.text());
            }
        }
        assert_eq!(last_row(&app, 2).await["outcome"], "answered");
        assert_eq!(app.events().await, Vec::<Value>::new());
        // Without a limit that explains it, the call is broken.
        fake.next_for("gpt-upstream", completion(&cut, "tool_calls"));
        let answer = message(&app, &json!({"model": "gpt", "models": ["claude"]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{}", answer.text());
    }

    async fn a_mere_done_is_an_end_for_every_caller(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("gpt-upstream", Script::stream().text("Hi").done());
        let answer = app.chat(&json!({"model": "gpt", "stream": true})).await;
        assert!(answer.text().contains("[DONE]") && !answer.text().contains("\"error\""), "{}", answer.text());
        let answer = message(&app, &json!({"model": "gpt", "stream": true})).await;
        assert_eq!(kinds(&answer).last().map(String::as_str), Some("message_stop"), "{}", answer.text());
        assert!(answer.text().contains("\"end_turn\""), "{}", answer.text());
        assert_eq!(last_row(&app, 2).await["outcome"], "answered");
    }

    async fn events_without_lines_between_them_end_once(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let chunk = |delta: Value, end: Value| format!("data: {}\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}));
        let squeezed = chunk(json!({"content": "Hi"}), Value::Null) + &chunk(json!({}), json!("stop")) + "data: [DONE]\n\n";
        fake.next(Script::stream().chunk(squeezed).end());
        let answer = message(&app, &json!({"model": "gpt", "stream": true})).await;
        let kinds = kinds(&answer);
        assert_eq!(kinds[kinds.len() - 2..], ["message_delta", "message_stop"], "{}", answer.text());
        assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
    }
}
