//! Streams that wait long for their first frame: headers are sent early, and other models may still answer.

use std::time::{Duration, Instant};

use failsoft::domain::permission::Scope;
use reqwest::Method;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::pick;
use super::recording::hold_up_writers;
use crate::support::app::{Answer, App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

/// One comment in its own chunk.
const COMMENT: &str = "D\r\n: keepalive\n\n\r\n";

/// A server that waits 50 ms for the first frame.
async fn hasty(app: &App, interval_ms: u64) -> App {
    app.set(&json!({"keepalive_after_ms": 50})).await;
    app.beside(|settings| settings.gateway.keepalive_interval_ms = interval_ms).await
}

/// Sends a request and reads until the stream has begun.
async fn begun(app: &App, body: &Value) -> Raw {
    let mut caller = Raw::connect(app.address).await;
    caller.chat(&app.organization.key, &chat_body(body)).await;
    caller.read_until(COMMENT).await;
    caller
}

fn events(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

/// The `failsoft` object, which must be just before `[DONE]`.
fn told(events: &[String]) -> Value {
    let (done, before) = events.split_last().expect("events");
    assert_eq!(done, "[DONE]");
    let (last, content) = before.split_last().expect("a chunk");
    assert!(content.iter().all(|event| !event.contains("failsoft")), "{content:?}");
    let chunk: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!((&chunk["choices"], &chunk["object"]), (&json!([]), &json!("chat.completion.chunk")));
    chunk["failsoft"].clone()
}

fn headers(answer: &Answer) -> [&str; 3] {
    ["x-failsoft-committed", "x-failsoft-model", "x-failsoft-attempts"].map(|name| answer.header(name))
}

fn busy() -> Script {
    Script::error(503, "overloaded", "busy")
}

on_both_databases! {
    async fn headers_and_comments_go_out_while_the_provider_is_silent(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let app = hasty(&app, 20).await;
        let gate = Gate::new();
        // Frames that are held back are not an answer yet.
        fake.next(
            Script::stream().delta(&json!({"role": "assistant"}), None).wait_until(&gate).text("Hi").finish("stop").done(),
        );
        let mut caller = begun(&app, &json!({"model": "a", "stream": true})).await;
        let text = caller.read_until(&COMMENT.repeat(3)).await;
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        for line in ["x-failsoft-committed: keepalive", "content-type: text/event-stream", "cache-control: no-cache", "x-request-id: "] {
            assert!(head.contains(line), "{line}: {head}");
        }
        for unknown in ["x-failsoft-model", "x-failsoft-attempts", "x-failsoft-fallback", "server-timing"] {
            assert!(!head.contains(unknown), "{unknown}: {head}");
        }
        assert!(!text.contains("data:") && app.requests(0).await.is_empty());
        gate.open();
        let text = caller.read_until("[DONE]").await;
        let events = events(&text);
        assert!(events[0].contains("assistant") && events[1].contains("Hi"), "{events:?}");
        let told = told(&events);
        assert_eq!(
            pick(std::slice::from_ref(&told), &["requested", "served", "upstream_calls", "fallback", "cost"]),
            json!([["a", "a", 1, null, null]])
        );
        assert!(told["upstream_ms"].as_f64() >= Some(40.0), "{told}");
        // The provider caused the wait, and frames after the first do not count.
        assert!(told["gateway_ms"].as_f64() < told["upstream_ms"].as_f64(), "{told}");
        assert_eq!(told["attempts"][0]["model"], "a");
        assert_eq!(pick(&app.requests(0).await, &["outcome", "status_code", "served_model"]), json!([["answered", 200, "a"]]));
        assert!(app.events().await.is_empty());
    }

    async fn comments_go_out_while_the_provider_is_silent_after_content(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let app = app.beside(|settings| settings.gateway.keepalive_interval_ms = 20).await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hel").wait_until(&gate).text("lo").finish("stop").done());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        let before = caller.read_until(&COMMENT.repeat(2)).await;
        assert!(before.contains("Hel") && before.contains("x-failsoft-model: a"), "{before}");
        gate.open();
        let all = events(&caller.read_until("[DONE]").await);
        assert!(all.len() == 4 && all[1].contains("lo"), "{all:?}");
        assert_eq!(pick(&app.requests(1).await, &["outcome", "served_model"]), json!([["answered", "a"]]));
    }

    async fn another_model_may_still_answer(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let app = hasty(&app, 15_000).await;
        let (first, second) = (Gate::new(), Gate::new());
        fake.next(Script::new().wait_until(&first).send("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"));
        fake.next(Script::stream().text("From b").wait_until(&second).finish("stop").usage(3, 2).done());
        let mut caller = begun(&app, &json!({"model": "a", "models": ["b"], "stream": true})).await;
        first.open();
        caller.read_until("From b").await;
        // As for every fallback, its event is recorded before its first byte.
        assert_eq!(pick(&app.events().await, &["failed_model", "next_model", "error_class"]), json!([["a", "b", "overloaded"]]));
        assert!(app.requests(0).await.is_empty());
        second.open();
        let text = caller.read_until("[DONE]").await;
        let told = told(&events(&text));
        assert_eq!(
            pick(std::slice::from_ref(&told), &["requested", "served", "upstream_calls", "fallback"]),
            json!([["a", "b", 2, {"from": "a", "class": "overloaded", "hops": 1}]])
        );
        assert_eq!(
            pick(told["attempts"].as_array().expect("a list"), &["model", "status", "error_class"]),
            json!([["a", 503, "overloaded"], ["b", 200, null]])
        );
        assert_eq!(
            pick(&app.requests(0).await, &["outcome", "served_model", "upstream_calls", "hops", "input_tokens"]),
            json!([["answered", "b", 2, 1, 3]])
        );
    }

    async fn when_all_models_fail_the_stream_reports_it(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let app = hasty(&app, 15_000).await;
        let gate = Gate::new();
        fake.next(busy());
        let error = json!({"error": {"message": "slow down", "type": "rate_limit_error", "code": null}}).to_string();
        let refused = format!("HTTP/1.1 429 No\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n{error}", error.len());
        fake.next(Script::new().wait_until(&gate).send(refused));
        let mut caller = begun(&app, &json!({"model": "a", "models": ["b"], "stream": true})).await;
        gate.open();
        let text = caller.read_until("0\r\n\r\n").await;
        let events = events(&text);
        assert_eq!(events.len(), 2, "{text}");
        let [chunk, alone] = [0, 1].map(|number| serde_json::from_str::<Value>(&events[number]).expect("JSON"));
        assert_eq!(alone, json!({"error": chunk["error"]}));
        let rows = app.requests(0).await;
        assert_eq!(chunk["id"], format!("chatcmpl-{}", rows[0]["id"].as_str().expect("an id")));
        assert_eq!((&chunk["object"], &chunk["model"]), (&json!("chat.completion.chunk"), &json!("a")));
        assert_eq!(chunk["created"], crate::support::app::beginning().timestamp());
        assert_eq!(chunk["choices"], json!([{"index": 0, "delta": {}, "finish_reason": "error"}]));
        let error = &chunk["error"];
        assert_eq!((&error["code"], &error["type"], &error["param"]), (&json!(429), &json!("rate_limit_error"), &json!(null)));
        assert!(error["message"].as_str().expect("a message").contains("slow down"), "{error}");
        let metadata = &error["metadata"];
        assert_eq!(metadata["error_type"], "rate_limit_exceeded");
        assert_eq!(
            pick(metadata["attempts"].as_array().expect("a list"), &["model", "error_class"]),
            json!([["a", "overloaded"], ["b", "rate_limited"]])
        );
        assert_eq!(
            pick(&[metadata["headers"].clone()], &["x-failsoft-attempts", "x-failsoft-fallback", "retry-after", "x-should-retry"]),
            json!([["2", "from=a; class=overloaded; hops=2", "7", "false"]])
        );
        assert!(metadata["headers"]["server-timing"].is_string());
        assert_eq!(pick(&rows, &["outcome", "status_code", "error_class"]), json!([["failed", 429, "rate_limited"]]));
        assert_eq!(
            pick(&app.events().await, &["failed_model", "next_model", "error_class"]),
            json!([["a", "b", "overloaded"], ["b", null, "rate_limited"]])
        );
    }

    async fn a_begun_stream_that_cannot_be_recorded_is_not_answered(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let app = hasty(&app, 15_000).await;
        let gate = Gate::new();
        fake.next(busy());
        fake.next(Script::stream().wait_until(&gate).text("SECRET").finish("stop").done());
        let mut caller = begun(&app, &json!({"model": "a", "models": ["b"], "stream": true})).await;
        let lock = hold_up_writers(&app).await;
        gate.open();
        let text = caller.read_until("0\r\n\r\n").await;
        lock.execute_unprepared("ROLLBACK").await.expect("released");
        assert!(!text.contains("SECRET") && !text.contains("[DONE]"), "{text}");
        let chunk: Value = serde_json::from_str(&events(&text)[0]).expect("JSON");
        assert_eq!((&chunk["error"]["code"], &chunk["error"]["metadata"]["error_type"]), (&json!(503), &json!("recording_unavailable")));
        assert_eq!(chunk["error"]["metadata"]["headers"]["x-failsoft-attempts"], "2");
        assert_eq!(pick(&app.requests(1).await, &["outcome", "status_code"]), json!([["failed", 503]]));
    }

    async fn a_filtered_answer_is_returned_when_no_other_model_answers(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let app = hasty(&app, 15_000).await;
        let gate = Gate::new();
        fake.next(Script::stream().delta(&json!({"role": "assistant"}), None).finish("content_filter").done());
        fake.next(Script::new().wait_until(&gate).send("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"));
        let mut caller = begun(&app, &json!({"model": "a", "models": ["b"], "stream": true})).await;
        gate.open();
        let text = caller.read_until("[DONE]").await;
        let events = events(&text);
        assert!(events[1].contains(r#""finish_reason":"content_filter""#), "{events:?}");
        let told = told(&events);
        assert_eq!(told["served"], "a");
        assert_eq!(told["fallback"], json!({"from": "a", "class": "content_policy", "hops": 2}));
        assert_eq!(pick(&app.requests(0).await, &["outcome", "served_model"]), json!([["answered", "a"]]));
    }

    async fn a_disconnected_caller_ends_the_upstream_call(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let key = app.organization.key_like(&[Scope::Inference], |new| new.concurrent_requests = Some(1)).await;
        let app = hasty(&app, 15_000).await;
        let ask = async || {
            let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": "a"})));
            app.call(request, &key).await.status
        };
        fake.next(Script::new().hang());
        fake.always(Script::answer("Hi"));
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until(COMMENT).await;
        // It keeps its slot in the key's concurrency limit while it waits.
        assert_eq!(ask().await, 429);
        let went = Instant::now();
        caller.finish().await;
        fake.client_gone(0).await;
        assert!(went.elapsed() < Duration::from_secs(5), "it took the next comment to notice");
        assert_eq!(
            pick(&app.requests(1).await, &["outcome", "status_code", "served_model", "cost_nano_dollars"]),
            json!([["client_closed", 499, null, 0]])
        );
        assert!(app.events().await.is_empty());
        eventually(async || (ask().await == 200).then_some(())).await;
    }

    async fn requested_metadata_is_sent_once(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let app = hasty(&app, 15_000).await;
        let body = chat_body(&json!({"model": "a", "stream": true})).to_string();
        let length = format!("content-length: {}", body.len());
        let gate = Gate::new();
        fake.next(Script::stream().wait_until(&gate).text("Hi").finish("stop").done());
        let mut caller = Raw::connect(app.address).await;
        caller.head(&app.organization.key, &["x-failsoft-metadata: enabled", &length]).await;
        caller.send(body).await;
        caller.read_until(COMMENT).await;
        gate.open();
        let text = caller.read_until("[DONE]").await;
        assert_eq!(told(&events(&text))["served"], "a");
    }

    async fn without_streaming_or_keepalive_the_headers_come_with_the_answer(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization
            .model_like("slow", provider, |model| {
                model.settings.first_frame_timeout_ms = Some(250);
                model.settings.answer_timeout_ms = Some(250);
            })
            .await;
        app.organization.model("b", provider).await;
        fake.always_for("slow-upstream", Script::new().hang());
        for (settings, stream, committed) in [
            (json!({"keepalive_after_ms": 50}), false, false),
            (json!({"keepalive_after_ms": 0}), true, false),
            (json!({}), true, false),
            (json!({"keepalive_after_ms": 50}), true, true),
        ] {
            app.set(&settings).await;
            let answering = if stream { Script::stream().text("Hi").finish("stop").done() } else { Script::answer("Hi") };
            fake.next_for("b-upstream", answering);
            let answer = app.chat(&json!({"model": "slow", "models": ["b"], "stream": stream})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let expected = if committed { ["keepalive", "", ""] } else { ["", "b", "2"] };
            assert_eq!(headers(&answer), expected, "{settings}, stream: {stream}");
            assert_eq!(answer.text().contains("failsoft"), committed, "{}", answer.text());
        }
    }
}
