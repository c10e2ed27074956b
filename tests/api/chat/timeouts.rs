//! Time limits: a silent provider is abandoned, and the deadline for the whole request is kept.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{called, pick};
use crate::support::app::{App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;

/// Models `slow` with a short time limit, and `b`.
async fn catalog(app: &App, fake: &FakeProvider) {
    let provider = app.organization.provider("fake", fake).await;
    app.organization
        .model_like("slow", provider, |model| {
            model.settings.first_frame_timeout_ms = Some(250);
            model.settings.answer_timeout_ms = Some(250);
        })
        .await;
    app.organization.model("b", provider).await;
}

/// A port on which connections never open: its queue is full, and the kernel drops further attempts.
async fn full_port() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a loopback port is free");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("a bound socket has an address");
    let mut waiting = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        waiting.push(connected.expect("a place in the queue"));
        assert!(waiting.len() < 64, "the queue of the port has no end");
    }
    (listener, waiting)
}

on_both_databases! {
    async fn a_connection_that_does_not_open_is_left_for_the_next(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["b"]).await;
        let (listener, _waiting) = full_port().await;
        let base_url = format!("http://{}/v1", listener.local_addr().expect("a bound socket has an address"));
        let full = app.organization.provider_at("full", "custom", Some(&base_url)).await;
        app.organization.model("a", full).await;
        let hasty = app.beside(|settings| settings.gateway.connect_seconds = 1).await;
        fake.next(Script::answer("From b"));
        fake.next(Script::stream().text("From b").finish("stop").done());
        for stream in [false, true] {
            let answer = hasty.chat(&json!({"model": "a", "models": ["b"], "stream": stream})).await;
            assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=timeout; hops=1", "{}", answer.text());
            let event = hasty.events().await.pop().expect("an event");
            assert_eq!(
                pick(std::slice::from_ref(&event), &["error_class", "matched_rule", "status_code", "attempts"]),
                json!([["timeout", "timeout:connect", null, 1]])
            );
            assert!(event["duration_ms"].as_i64().is_some_and(|took| (990..5_000).contains(&took)), "{event}");
        }
    }

    async fn a_silent_provider_is_left_for_the_next(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app, &fake).await;
        let body = r#"{"choices":[{"message":{"content":"late"}}]}"#;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{{\"choices\":", body.len());
        for (stream, script, rule) in [
            (false, Script::new().hang(), "timeout:answer"),
            (false, Script::new().send(head).hang(), "timeout:answer"),
            (true, Script::new().hang(), "timeout:first_frame"),
            (true, Script::stream().chunk(": ping\n\n").hang(), "timeout:first_frame"),
            (true, Script::stream().delta(&json!({"role": "assistant"}), None).hang(), "timeout:first_frame"),
            (true, Script::stream().chunk("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n").hang(), "timeout:first_frame"),
        ] {
            let number = fake.served();
            fake.next_for("slow-upstream", script);
            fake.next_for(
                "b-upstream",
                if stream { Script::stream().text("From b").finish("stop").done() } else { Script::answer("From b") },
            );
            let answer = app.chat(&json!({"model": "slow", "models": ["b"], "stream": stream})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), "from=slow; class=timeout; hops=1");
            // The abandoned provider notices.
            fake.client_gone(number).await;
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["matched_rule"], &event["status_code"]), (&json!(rule), &json!(null)));
            assert!(event["duration_ms"].as_i64() >= Some(240), "{event}");
        }
        fake.next(Script::new().hang());
        let answer = app.chat(&json!({"model": "slow"})).await;
        assert_eq!((answer.status, answer.header("x-should-retry")), (504, "false"));
        assert_eq!(answer.json()["error"]["code"], "timeout");
    }

    async fn a_stream_that_falls_silent_after_content_is_interrupted(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app, &fake).await;
        let hasty = app.beside(|settings| settings.gateway.stream_idle_seconds = 1).await;
        fake.next(Script::stream().text("Hel").hang());
        let answer = hasty.chat(&json!({"model": "slow", "models": ["b"], "stream": true})).await;
        assert!(answer.text().contains("Hel") && answer.text().contains(r#""finish_reason":"error""#));
        fake.client_gone(0).await;
        let events = hasty.events().await;
        assert_eq!(pick(&events, &["error_class", "matched_rule"]), json!([["stream_interrupted", "stream:idle"]]));
    }

    async fn a_stream_ends_when_its_whole_time_is_over(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app, &fake).await;
        let hasty = app.beside(|settings| settings.gateway.stream_total_seconds = 1).await;
        fake.next(Script::stream().text("Hel").hang());
        let answer = hasty.chat(&json!({"model": "b", "stream": true})).await;
        assert!(answer.text().contains(r#""finish_reason":"error""#), "{}", answer.text());
        assert_eq!(pick(&hasty.events().await, &["matched_rule"]), json!([["stream:deadline"]]));
    }

    async fn time_ends_with_the_first_frame(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app, &fake).await;
        let (gate, late) = (Gate::new(), Gate::new());
        fake.next(Script::stream().text("Hel").wait_until(&gate).text("lo").finish("stop").done());
        fake.next(Script::new().wait_until(&late));
        let body = json!({"model": "slow", "stream": true});
        let streaming = app.chat(&body);
        // A second request hits the same model's time limit: as much time has passed for the first one.
        let timed_out = async {
            fake.request(0).await;
            let answer = app.chat(&body).await;
            gate.open();
            answer
        };
        let (streamed, timed_out) = tokio::join!(streaming, timed_out);
        assert_eq!(timed_out.status, 504);
        assert!(streamed.text().ends_with("data: [DONE]\n\n"), "{}", streamed.text());
    }

    async fn the_deadline_is_over_all_attempts_together(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        for name in ["a", "b", "c"] {
            app.organization.model(name, provider).await;
        }
        app.organization.fallback("a", failsoft::domain::fallback_type::FallbackType::General, &["b", "c"]).await;
        fake.always(Script::new().hang());
        let within = async |millis: &str| {
            let body = chat_body(&json!({"model": "a"}));
            let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &body);
            app.call(request.header("x-failsoft-deadline-ms", millis), &app.organization.key).await
        };
        // The first call gets one second; the rest is too short for another.
        let answer = within("1500").await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (504, json!("timeout")), "{}", answer.text());
        assert_eq!(called(&fake), ["a-upstream"]);
        assert_eq!(
            pick(&app.events().await, &["failed_model", "next_model", "error_class", "attempts"]),
            json!([["a", "b", "timeout", 1], ["b", "c", "deadline", 0], ["c", null, "deadline", 0]])
        );
        // If there is too little time from the start, no model is called.
        let answer = within("900").await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (504, json!("deadline")));
        assert_eq!((fake.served(), answer.header("x-failsoft-attempts")), (1, "0"));
        // A request cannot extend the organization's deadline.
        app.set(&json!({"deadline_ms": 900})).await;
        assert_eq!(within("60000").await.json()["error"]["code"], "deadline");
        // The last model gets the remaining time.
        app.set(&json!({})).await;
        fake.next_for("a-upstream", Script::error(500, "server_error", "broken"));
        fake.next_for("b-upstream", Script::error(500, "server_error", "broken"));
        fake.next_for("c-upstream", Script::answer("From c"));
        assert_eq!(within("5000").await.header("x-failsoft-model"), "c");
    }
}
