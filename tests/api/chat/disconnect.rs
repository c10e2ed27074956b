//! Callers who go away, by a clean end of their connection: the provider's call ends with them.

use serde_json::{Value, json};

use super::pick;
use crate::support::app::{App, chat_body};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw::Raw;

async fn caller(app: &App, body: &Value) -> Raw {
    let mut caller = Raw::connect(app.address).await;
    caller.chat(&app.organization.key, &chat_body(body)).await;
    caller
}

const OUTCOME: [&str; 5] = ["outcome", "status_code", "served_model", "error_class", "streamed"];

on_both_databases! {
    async fn before_the_first_byte(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalogue(&fake, &["a"]).await;
        for (number, stream) in [false, true].into_iter().enumerate() {
            fake.next(Script::new().hang());
            let mut caller = caller(&app, &json!({"model": "a", "stream": stream})).await;
            fake.request(number).await;
            caller.finish().await;
            fake.client_gone(number).await;
        }
        // Frames that are held are no answer yet.
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
        app.organization.catalogue(&fake, &["a"]).await;
        fake.next(Script::stream().text("Hello there, caller").hang());
        let mut caller = caller(&app, &json!({"model": "a", "stream": true})).await;
        caller.read_until("Hello there, caller").await;
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
        app.organization.catalogue(&fake, &["a"]).await;
        fake.next(Script::new().send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"choices\":").hang());
        let mut caller = caller(&app, &json!({"model": "a"})).await;
        fake.request(0).await;
        caller.finish().await;
        fake.client_gone(0).await;
        assert_eq!(pick(&app.requests(1).await, &OUTCOME), json!([["client_closed", 499, null, null, false]]));
        assert!(app.events().await.is_empty());
    }

    async fn after_a_failover_that_stays_on_record(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalogue(&fake, &["a", "b"]).await;
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
    async fn one_who_stays_and_reads_nothing_goes_too(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalogue(&fake, &["a"]).await;
        let hasty = app.beside(|settings| settings.server.unread_seconds = 1).await;
        // More than all buffers on the way hold.
        let many = (0..64).fold(Script::stream(), |script, _| script.text(&"x".repeat(1024 * 1024)));
        fake.next(many.hang());
        let _unreading = caller(&hasty, &json!({"model": "a", "stream": true})).await;
        fake.client_gone(0).await;
        assert_eq!(pick(&hasty.requests(1).await, &OUTCOME), json!([["client_closed", 499, "a", null, true]]));
    }

    async fn a_reset_counts_as_going_away_too(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalogue(&fake, &["a"]).await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hel").wait_until(&gate));
        let caller = caller(&app, &json!({"model": "a", "stream": true})).await;
        fake.request(0).await;
        // Bytes that nobody read make the kernel reset the connection.
        drop(caller);
        fake.client_gone(0).await;
        assert_eq!(app.requests(1).await[0]["outcome"], "client_closed");
    }
}
