//! Answers in another format than requested, unusual but valid stream ends, and connections that were closed while
//! idle: none of them is a failure.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pick;
use crate::support::app::Answer;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The chunks of a complete stream.
fn chunks(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    let mut events = answer.events();
    assert_eq!(events.pop().as_deref(), Some("[DONE]"), "{}", answer.text());
    events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect()
}

/// One answer with everything that a conversion must keep.
fn completion() -> Value {
    json!({
        "id": "c-1", "object": "chat.completion", "created": 7, "model": "theirs", "system_fingerprint": "fp", "extra": {"kept": [1]},
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant", "content": "Hello", "reasoning_content": "Hm", "refusal": null,
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                    {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}
                ]
            },
            "logprobs": {"content": [{"token": "Hello", "logprob": -0.5}]},
            "finish_reason": "tool_calls"
        }],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    })
}

/// The same as the events of a stream.
fn events() -> String {
    let chunk = |choice: Value| json!({"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "theirs", "choices": [choice]});
    let delta = |delta: Value| chunk(json!({"index": 0, "delta": delta, "finish_reason": null}));
    let call = |call: Value| delta(json!({"tool_calls": [call]}));
    let usage = json!({"id": "c-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}});
    let chunks = [
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"reasoning_content": "Hm"})),
        delta(json!({"content": "Hel"})),
        chunk(
            json!({"index": 0, "delta": {"content": "lo"}, "logprobs": {"content": [{"token": "Hello", "logprob": -0.5}]}}),
        ),
        call(
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\""}}),
        ),
        call(json!({"index": 0, "function": {"arguments": ":1}"}})),
        call(
            json!({"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}),
        ),
        chunk(json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"})),
        usage,
    ];
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

fn finished() -> Script {
    Script::stream().text("Hello").finish("stop")
}

on_both_databases! {
    async fn a_json_answer_to_a_stream_request_becomes_a_stream(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        for kind in ["application/json", "text/event-stream", "text/plain"] {
            fake.next(Script::respond(200, &[("content-type", kind)], format!("{:#}", completion())));
            let body = json!({"model": "a", "models": ["b"], "stream": true, "stream_options": {"include_usage": true}});
            let answer = app.chat(&body).await;
            assert_eq!(answer.header("x-failsoft-fallback"), "none", "{}", answer.text());
            let chunks = chunks(&answer);
            assert_eq!(chunks.len(), 3, "{chunks:?}");
            for chunk in &chunks {
                assert_eq!(
                    pick(std::slice::from_ref(chunk), &["id", "object", "created", "model", "provider", "extra"]),
                    json!([["c-1", "chat.completion.chunk", 7, "a", "fake", {"kept": [1]}]])
                );
            }
            let whole = &completion()["choices"][0];
            let delta = &chunks[0]["choices"][0]["delta"];
            assert_eq!((&delta["role"], &delta["content"], &delta["reasoning_content"]), (&json!("assistant"), &json!("Hello"), &json!("Hm")));
            assert_eq!(chunks[0]["choices"][0]["logprobs"], whole["logprobs"]);
            for (index, call) in delta["tool_calls"].as_array().expect("calls").iter().enumerate() {
                assert_eq!((&call["index"], &call["function"]), (&json!(index), &whole["message"]["tool_calls"][index]["function"]));
            }
            assert_eq!(chunks[1]["choices"], json!([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]));
            assert_eq!((&chunks[2]["choices"], &chunks[2]["usage"]["total_tokens"]), (&json!([]), &json!(5)));
        }
        // Callers that did not request usage do not get the usage chunk, but usage is billed anyway.
        fake.next(Script::json(200, &completion()));
        let answer = app.chat(&json!({"model": "a", "stream": true})).await;
        assert_eq!(chunks(&answer).len(), 2);
        let rows = app.requests(4).await;
        assert_eq!(pick(&rows[3..], &["outcome", "input_tokens", "output_tokens", "estimated"]), json!([["answered", 3, 2, false]]));
        assert!(app.events().await.is_empty());
    }

    async fn events_are_a_stream_with_any_content_type(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let body = events() + "data: [DONE]\n\n";
        for kind in ["application/json", "text/html", "text/plain; charset=utf-8", ""] {
            let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &[("content-type", kind)] };
            fake.next(Script::respond(200, headers, &body));
            let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
            assert_eq!((answer.header("x-failsoft-fallback"), chunks(&answer).len()), ("none", 8), "{}", answer.text());
        }
        assert!(app.events().await.is_empty());
    }

    async fn events_for_a_whole_answer_are_put_together(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let done = "data: [DONE]\n\n";
        let crlf = |text: String| text.replace('\n', "\r\n");
        for script in [
            Script::stream().chunk(events()).chunk(done).end(),
            Script::stream().chunk(crlf(events())).chunk(crlf(done.to_owned())).end(),
            Script::stream().chunk(": ping\n\n").chunk(events()).chunk(done).hang(),
            Script::stream().chunk(events()).end(),
            Script::stream().chunk(events()).close(),
            Script::respond(200, &[("content-type", "application/json")], events()),
        ] {
            fake.next(script);
            let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-fallback")), (200, "none"), "{}", answer.text());
            let mut expected = completion();
            let members = expected.as_object_mut().expect("an object");
            (members["model"], members["system_fingerprint"]) = (json!("a"), Value::Null);
            members.insert("provider".to_owned(), json!("fake"));
            members.remove("extra");
            expected["choices"][0]["message"].as_object_mut().expect("an object").remove("refusal");
            assert_eq!(answer.json(), expected);
        }
        let rows = app.requests(6).await;
        assert!(rows.iter().all(|row| row["outcome"] == "answered" && row["input_tokens"] == 3), "{rows:?}");
        // What does not end a stream elsewhere does not end it here either; an error is reported as that error.
        for (script, class) in [
            (Script::stream().text("Hel").end(), "invalid_response"),
            (Script::stream().text("Hel").close(), "invalid_response"),
            (Script::stream().text("Hel").event(&json!({"error": {"code": 429}})).done(), "rate_limited"),
            (Script::stream().chunk("event: error\ndata: no\n\n").done(), "unavailable"),
            (Script::stream().delta(&json!({"role": "assistant"}), None).finish("SAFETY").done(), "content_policy"),
        ] {
            fake.next(script);
            fake.next(Script::answer("From b"));
            let answer = app.chat(&json!({"model": "a", "models": ["b"], "num_retries": 0})).await;
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"), "{}", answer.text());
        }
    }

    async fn a_finish_reason_ends_the_stream(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        for (name, script) in [
            ("silence after the usage", finished().usage(3, 2).hang()),
            ("silence after the end", finished().hang()),
            ("pings after the end", finished().usage(3, 2).chunk(": ping\n\n").hang()),
            ("a connection that breaks", finished().usage(3, 2).close()),
            ("half a usage", finished().chunk("data: {\"choices\":[],\"usa").close()),
            ("half a [DONE]", finished().chunk("data: [DO").end()),
        ] {
            fake.next(script);
            let began = Instant::now();
            let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
            assert!(began.elapsed() < Duration::from_secs(10), "{name}");
            let chunks = chunks(&answer);
            assert_eq!(chunks[0]["choices"][0]["delta"]["content"], "Hello", "{name}");
            assert!(!answer.text().contains("error"), "{name}: {}", answer.text());
        }
        for number in 0..3 {
            fake.client_gone(number).await;
        }
        assert!(app.requests(6).await.iter().all(|row| row["outcome"] == "answered"));
        assert!(app.events().await.is_empty());
    }

    async fn every_choice_must_have_ended(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let choice = |index: u8, delta: Value, end: Value| json!({"choices": [{"index": index, "delta": delta, "finish_reason": end}]});
        let both = Script::stream()
            .event(&choice(0, json!({"content": "one"}), Value::Null))
            .event(&choice(0, json!({}), json!("stop")))
            .event(&choice(1, json!({"content": "two"}), Value::Null))
            .event(&choice(1, json!({}), json!("stop")))
            .hang();
        fake.next(both);
        let answer = app.chat(&json!({"model": "a", "stream": true, "n": 2})).await;
        assert_eq!(chunks(&answer).len(), 4, "{}", answer.text());
        // One of them breaks off, so the answer is incomplete.
        let half = Script::stream()
            .event(&choice(0, json!({"content": "one"}), json!("stop")))
            .event(&choice(1, json!({"content": "tw"}), Value::Null))
            .end();
        fake.next(half);
        let answer = app.chat(&json!({"model": "a", "stream": true, "n": 2})).await;
        assert!(answer.text().contains(r#""finish_reason":"error""#), "{}", answer.text());
        let outcomes = pick(&app.requests(2).await, &["outcome"]);
        assert_eq!(outcomes, json!([["answered"], ["interrupted"]]));
    }

    async fn an_empty_error_is_ignored(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        for error in [json!({}), Value::Null, json!(""), json!({"code": null, "message": "", "type": null, "param": null}), json!({"code": 0, "message": "success"})] {
            let mut answer = completion();
            answer["error"] = error.clone();
            fake.next(Script::json(200, &answer));
            let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
            assert_eq!(answer.header("x-failsoft-model"), "a", "{error}: {}", answer.text());
            let chunk = json!({"error": error, "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]});
            fake.next(Script::stream().event(&chunk).done());
            let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
            assert_eq!(answer.header("x-failsoft-model"), "a", "{error}: {}", answer.text());
        }
        assert!(app.events().await.is_empty());
    }

    async fn an_end_of_an_unknown_word_is_passed_on_when_no_other_model_answered(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let odd = || Script::json(200, &json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": "banana"}]}));
        fake.next(odd());
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"], "num_retries": 0})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=invalid_response; hops=1");
        assert_eq!(app.events().await[0]["matched_rule"], "finish_reason:unknown");
        fake.next(odd());
        let answer = app.chat(&json!({"model": "a", "num_retries": 0})).await;
        assert_eq!((answer.status, &answer.json()["choices"][0]["finish_reason"]), (200, &json!("banana")));
        // With content any finish reason is accepted, and so is an empty choice beside one with content.
        for body in [
            json!({"choices": [{"message": {"content": "x"}, "finish_reason": "SAFETY"}]}),
            json!({"choices": [{"message": {"content": null}, "finish_reason": "SAFETY"}, {"index": 1, "message": {"content": "x"}, "finish_reason": "stop"}]}),
        ] {
            fake.next(Script::json(200, &body));
            let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
            assert_eq!(answer.json()["choices"], body["choices"]);
        }
    }

    async fn a_connection_that_was_closed_while_idle_is_no_failure(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        // The last one sends what belongs to the answer before it.
        let stray = Script::new().send("0\r\n\r\n").close();
        for (number, closed) in [Script::new().reset(), Script::new().close(), stray].into_iter().enumerate() {
            let from = fake.served();
            for stream in [false, true] {
                fake.next(Script::answer("Hello"));
                assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
                fake.next(closed.clone());
                fake.next(if stream { finished().done() } else { Script::answer("Hello") });
                let answer = app.chat(&json!({"model": "a", "models": ["b"], "num_retries": 0, "stream": stream})).await;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "a"), "{}", answer.text());
                assert_eq!((answer.header("x-failsoft-attempts"), answer.header("x-failsoft-fallback")), ("1", "none"));
            }
            let calls: Vec<usize> = fake.requests().iter().skip(from).map(|request| request.connection).collect();
            assert_eq!((calls.len(), calls[0] == calls[1], calls[1] == calls[2]), (6, true, false), "{number}: {calls:?}");
            let bodies: Vec<Value> = fake.requests().iter().skip(from).map(|request| request.json()["model"].clone()).collect();
            assert!(bodies.iter().all(|model| model == "a-upstream"), "{bodies:?}");
        }
        assert!(app.events().await.is_empty());
        // Only once: a break on a new connection is a failure.
        fake.next(Script::answer("Hello"));
        app.chat(&json!({"model": "a"})).await;
        fake.next(Script::new().close());
        fake.next(Script::new().close());
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"], "num_retries": 0})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=unavailable; hops=1");
        assert_eq!(pick(&app.events().await, &["matched_rule", "attempts"]), json!([["connect:reset", 1]]));
    }
}
