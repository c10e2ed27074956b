//! Callers that disconnect by closing their connection: the call to the provider ends with them.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::pick;
use crate::support::app::{App, chat_body, eventually};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

async fn caller(app: &App, body: &Value) -> Raw {
    let mut caller = Raw::connect(app.address).await;
    caller.chat(&app.organization.key, &chat_body(body)).await;
    caller
}

/// Closes the connection cleanly, with every byte read, and returns how long the provider took to notice.
async fn leave(mut caller: Raw, fake: &FakeProvider, number: usize) -> Duration {
    let left = Instant::now();
    caller.finish().await;
    fake.client_gone(number).await;
    left.elapsed()
}

const OUTCOME: [&str; 5] = ["outcome", "status_code", "served_model", "error_class", "streamed"];

on_both_databases! {
    async fn before_the_first_byte(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        for (number, stream) in [false, true].into_iter().enumerate() {
            fake.next(Script::new().hang());
            let mut caller = caller(&app, &json!({"model": "a", "stream": stream})).await;
            fake.request(number).await;
            caller.finish().await;
            fake.client_gone(number).await;
        }
        // Frames that are held back are not an answer yet.
        fake.next(Script::stream().chunk(": ping\n\n").delta(&json!({"role": "assistant"}), None).hang());
        let mut caller = caller(&app, &json!({"model": "a", "stream": true})).await;
        fake.request(2).await;
        caller.finish().await;
        fake.client_gone(2).await;
        let rows = app.requests(3).await;
        let gone = |stream: bool| json!(["client_closed", 499, null, null, stream]);
        assert_eq!(pick(&rows, &OUTCOME), json!([gone(false), gone(true), gone(true)]));
        assert_eq!(pick(&rows, &["cost_nano_dollars", "output_tokens"]), json!([[0, null], [0, null], [0, null]]));
        assert!(app.events().await.is_empty());
        fake.all_closed().await;
    }

    async fn between_two_tokens(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::stream().text("Hello there, caller").hang());
        let mut caller = caller(&app, &json!({"model": "a", "stream": true})).await;
        // Reads to the end of the chunk: an unread byte would turn the close into a reset.
        caller.read_until("}\n\n\r\n").await;
        caller.finish().await;
        fake.client_gone(0).await;
        let rows = app.requests(1).await;
        assert_eq!(pick(&rows, &OUTCOME), json!([["client_closed", 499, "a", null, true]]));
        assert_eq!(rows[0]["estimated"], true);
        assert!(rows[0]["output_tokens"].as_i64() > Some(0) && rows[0]["input_tokens"].as_i64() > Some(0));
        assert!(app.events().await.is_empty());
    }

    async fn in_the_middle_of_a_whole_answer(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::new().send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"choices\":").hang());
        let mut caller = caller(&app, &json!({"model": "a"})).await;
        fake.request(0).await;
        caller.finish().await;
        fake.client_gone(0).await;
        assert_eq!(pick(&app.requests(1).await, &OUTCOME), json!([["client_closed", 499, null, null, false]]));
        assert!(app.events().await.is_empty());
    }

    async fn the_call_ends_within_a_second_in_every_phase(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let body = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"choices\":";
        let phases = [
            (false, Script::new().hang(), ""),
            (false, Script::new().send(body).hang(), ""),
            (true, Script::new().hang(), ""),
            (true, Script::stream().chunk(": ping\n\n").hang(), ""),
            (true, Script::stream().text("Hel").hang(), "}\n\n\r\n"),
        ];
        for (number, (stream, script, heard)) in phases.into_iter().enumerate() {
            // The best of three: the machine may be busy, but the gateway may not be slow.
            let mut times = Vec::new();
            for round in 0..3 {
                fake.next(script.clone());
                let mut caller = caller(&app, &json!({"model": "a", "stream": stream})).await;
                fake.request(number * 3 + round).await;
                caller.read_until(heard).await;
                times.push(leave(caller, &fake, number * 3 + round).await);
            }
            assert!(times.iter().min() < Some(&Duration::from_secs(1)), "phase {number}: {times:?}");
        }
        let rows = app.requests(15).await;
        assert!(rows.iter().all(|row| row["outcome"] == "client_closed"), "{rows:?}");
        assert_eq!((fake.served(), app.events().await.len()), (15, 0));
    }

    async fn while_a_retry_is_waited_for(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let token = "metrics-token-of-the-operator";
        let app = app.beside(|settings| settings.telemetry.metrics_token = Some(token.into())).await;
        fake.next(Script::respond(429, &[("retry-after", "2")], "{}"));
        fake.next(Script::answer("Too late"));
        let mut caller = caller(&app, &json!({"model": "a"})).await;
        eventually(async || {
            let metrics = app.call(app.request(Method::GET, "/metrics"), token).await;
            metrics.text().contains(r#"failsoft_attempts_total{class="rate_limited"} 1"#).then_some(())
        })
        .await;
        caller.finish().await;
        // The row is written when the request has ended; from then on no model can be called for it.
        let rows = app.requests(1).await;
        assert_eq!(pick(&rows, &["outcome", "upstream_calls", "served_model"]), json!([["client_closed", 1, null]]));
        assert_eq!(fake.served(), 1);
    }

    async fn after_a_failover_that_stays_on_record(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.next(Script::error(503, "overloaded", "busy"));
        fake.next(Script::new().hang());
        let mut caller = caller(&app, &json!({"model": "a", "models": ["b"]})).await;
        fake.request(1).await;
        caller.finish().await;
        fake.client_gone(1).await;
        let rows = app.requests(1).await;
        assert_eq!(pick(&rows, &OUTCOME), json!([["client_closed", 499, null, null, false]]));
        assert_eq!((&rows[0]["upstream_calls"], &rows[0]["hops"]), (&json!(2), &json!(1)));
        let events = app.events().await;
        assert_eq!(pick(&events, &["failed_model", "next_model", "error_class"]), json!([["a", "b", "overloaded"]]));
    }

    #[cfg(target_os = "linux")]
    async fn a_caller_that_reads_nothing_is_disconnected(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let hasty = app.beside(|settings| settings.server.unread_seconds = 1).await;
        // More than all buffers on the way can hold.
        let many = (0..64).fold(Script::stream(), |script, _| script.text(&"x".repeat(1024 * 1024)));
        fake.next(many.hang());
        let _unreading = caller(&hasty, &json!({"model": "a", "stream": true})).await;
        fake.client_gone(0).await;
        assert_eq!(pick(&hasty.requests(1).await, &OUTCOME), json!([["client_closed", 499, "a", null, true]]));
    }

    async fn a_reset_counts_as_going_away_too(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hel").wait_until(&gate));
        let caller = caller(&app, &json!({"model": "a", "stream": true})).await;
        fake.request(0).await;
        // Unread bytes make the kernel reset the connection.
        drop(caller);
        fake.client_gone(0).await;
        assert_eq!(app.requests(1).await[0]["outcome"], "client_closed");
    }
}
