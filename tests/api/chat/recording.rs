//! Every answer is recorded: events before the first byte, the row before the last; otherwise there is no answer.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection};
use serde_json::{Value, json};

use super::pick;
use crate::support::app::{App, chat_body, eventually};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::process::Process;
use crate::support::raw_client::Raw;

pub(super) async fn hold_up_writers(app: &App) -> DatabaseConnection {
    let connection = app.database().await;
    let statements: &[&str] = match connection.get_database_backend() {
        DatabaseBackend::Sqlite => &["BEGIN IMMEDIATE"],
        _ => &["BEGIN", "LOCK TABLE requests, fallback_events IN EXCLUSIVE MODE"],
    };
    for statement in statements {
        connection.execute_unprepared(statement).await.expect(statement);
    }
    connection
}

on_both_databases! {
    async fn events_are_there_before_the_first_byte_and_the_row_before_the_last(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let gate = Gate::new();
        fake.next(Script::error(503, "overloaded", "busy"));
        fake.next(Script::stream().text("Hel").wait_until(&gate).finish("stop").done());
        let mut caller = Raw::connect(app.address).await;
        let body = chat_body(&json!({"model": "a", "models": ["b"], "stream": true}));
        caller.chat(&app.organization.key, &body).await;
        caller.read_until("HTTP/1.1 200").await;
        assert_eq!(pick(&app.events().await, &["failed_model", "next_model"]), json!([["a", "b"]]));
        assert!(app.requests(0).await.is_empty());
        let begun = app.running(0).await;
        assert_eq!(pick(&begun, &["served_model", "hops", "cost_nano_dollars"]), json!([["b", 1, null]]));
        gate.open();
        caller.read_until("[DONE]").await;
        assert!(app.running(0).await.is_empty());
        assert_eq!(pick(&app.requests(0).await, &["outcome", "served_model"]), json!([["answered", "b"]]));
    }

    async fn a_whole_answer_has_its_row_when_it_arrives(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        for count in 1..=3 {
            fake.next(Script::error(503, "overloaded", "busy"));
            fake.next(Script::answer("Hi"));
            assert_eq!(app.chat(&json!({"model": "a", "models": ["b"]})).await.status, 200);
            assert_eq!((app.requests(0).await.len(), app.events().await.len()), (count, count));
        }
        fake.next(Script::error(503, "overloaded", "busy"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 503);
        assert_eq!((app.requests(0).await.len(), app.events().await.len()), (4, 4));
    }

    async fn a_date_that_is_set_loses_no_record_and_keeps_the_order(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
        fake.always_for("b-upstream", Script::answer("Hi"));
        let mut answered = Vec::new();
        for hours in [0, -1, 2, -25] {
            app.clock.set_date_by(TimeDelta::hours(hours));
            for _ in 0..2 {
                let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
                assert_eq!(answer.status, 200, "{hours}: {}", answer.text());
                answered.push(answer.header("x-request-id").to_owned());
            }
        }
        let ids = |items: &[Value], member: &str| -> Vec<String> {
            items.iter().map(|item| item[member].as_str().expect("an id").to_owned()).collect()
        };
        let (rows, events) = (app.requests(0).await, app.events().await);
        assert_eq!((ids(&rows, "id"), ids(&events, "request_id")), (answered.clone(), answered));
        let started = rows.iter().map(|row| row["created_at"].as_str().expect("a time").to_owned());
        let days: BTreeSet<String> = started.filter_map(|time| Some(time.split_once('T')?.0.to_owned())).collect();
        assert_eq!(days.into_iter().collect::<Vec<_>>(), ["2024-10-03", "2024-10-04"]);
    }

    async fn an_interrupted_stream_is_recorded_before_its_caller_sees_it(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::stream().text("Hel").end());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("stream_interrupted").await;
        assert_eq!(app.requests(0).await[0]["outcome"], "interrupted");
        assert_eq!(app.events().await[0]["error_class"], "stream_interrupted");
    }

    async fn an_answer_that_cannot_be_recorded_is_withheld(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "broken"]).await;
        fake.always_for("broken-upstream", Script::error(500, "server_error", "broken"));
        let lock = hold_up_writers(&app).await;
        let whole = Script::answer("SECRET");
        let stream = Script::stream().text("Begun").finish("stop").done();
        fake.always_for("a-upstream", whole.clone());
        fake.always_for("b-upstream", stream);
        let bodies = [
            json!({"model": "a"}),
            json!({"model": "broken", "models": ["a"]}),
            json!({"model": "broken", "models": ["b"], "stream": true}),
            json!({"model": "broken"}),
            json!({"model": "b", "stream": true}),
        ];
        let (primary, fallback, streamed, failed, begun) = tokio::join!(
            app.chat(&bodies[0]),
            app.chat(&bodies[1]),
            app.chat(&bodies[2]),
            app.chat(&bodies[3]),
            app.chat(&bodies[4])
        );
        let broken = "from=broken; class=unavailable; hops=1";
        for (answer, calls, fallback) in
            [(primary, "1", "none"), (fallback, "2", broken), (streamed, "2", broken), (failed, "1", broken)]
        {
            // All attempted models are reported, as for any other error.
            assert_eq!((answer.header("x-failsoft-attempts"), answer.header("x-failsoft-fallback")), (calls, fallback));
            assert!(answer.header("server-timing").contains("upstream;dur=") && answer.header("x-failsoft-model").is_empty());
            assert_eq!((answer.status, answer.header("x-should-retry")), (503, "true"), "{}", answer.text());
            assert_eq!(answer.json()["error"]["code"], "recording_unavailable");
            assert!(!answer.header("retry-after").is_empty() && !answer.text().contains("SECRET"));
        }
        // A primary's stream had begun; it ends with an error and without `[DONE]`.
        assert_eq!(begun.status, 200);
        assert!(begun.text().contains("Begun") && !begun.text().contains("[DONE]"), "{}", begun.text());
        assert!(begun.text().contains(r#""finish_reason":"error""#), "{}", begun.text());
        assert!(app.requests(0).await.is_empty());

        lock.execute_unprepared("ROLLBACK").await.expect("released");
        fake.always_for("a-upstream", whole);
        let answer = eventually(async || Some(app.chat(&json!({"model": "a"})).await).filter(|answer| answer.status == 200)).await;
        assert!(answer.text().contains("SECRET"));
        // A withheld answer is not billed and has no `answered` row; a streamed one is `interrupted`.
        let rows = eventually(async || {
            let rows = app.requests(6).await;
            let answered = rows.iter().filter(|row| row["outcome"] == "answered").count();
            (rows.len() == 6 && answered == 1).then_some(rows)
        })
        .await;
        let of = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).collect::<Vec<_>>();
        assert_eq!((of("client_closed").len(), of("interrupted").len(), of("failed").len()), (0, 1, 4), "{rows:?}");
        assert!(of("failed").iter().all(|row| row["cost_nano_dollars"] == 0), "{rows:?}");
    }

    async fn of_many_at_once_each_is_recorded_exactly_once(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
        fake.always_for("b-upstream", Script::answer("Hi"));
        let body = json!({"model": "a", "models": ["b"]});
        let answers = futures_util::future::join_all((0..150).map(|_| app.chat(&body))).await;
        let told: BTreeSet<String> =
            answers.iter().map(|answer| answer.header("x-request-id").to_owned()).collect();
        assert_eq!(told.len(), 150);
        assert!(answers.iter().all(|answer| answer.status == 200));
        let ids = |items: &[Value], member: &str| -> BTreeSet<String> {
            items.iter().map(|item| item[member].as_str().expect("an id").to_owned()).collect()
        };
        let (rows, events) = (app.requests(0).await, app.events().await);
        assert_eq!((rows.len(), events.len()), (150, 150));
        assert_eq!((ids(&rows, "id"), ids(&events, "request_id")), (told.clone(), told));
    }

    async fn what_was_answered_survives_a_kill(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
        fake.always_for("b-upstream", Script::stream().text("Hi").finish("stop").usage(3, 2).done());
        let mut process = Process::serve(&app, &[]).await;
        let body = chat_body(&json!({"model": "a", "models": ["b"], "stream": true}));
        let mut callers = Vec::new();
        for _ in 0..20 {
            let mut caller = Raw::connect(process.address).await;
            caller.chat(&app.organization.key, &body).await;
            callers.push(caller);
        }
        for caller in &mut callers {
            caller.read_until("[DONE]").await;
        }
        process.kill();
        let rows = app.requests(0).await;
        assert_eq!((rows.len(), app.events().await.len()), (20, 20));
        assert!(rows.iter().all(|row| row["outcome"] == "answered"));
    }

    async fn requests_beyond_the_recording_capacity_are_refused(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let narrow = app.beside(|settings| settings.recording.queue = 1).await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hel").wait_until(&gate).finish("stop").done());
        let mut caller = Raw::connect(narrow.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("Hel").await;
        let refused = narrow.chat(&json!({"model": "a"})).await;
        assert_eq!((refused.status, refused.header("retry-after"), fake.served()), (503, "1", 1));
        gate.open();
        caller.read_until("[DONE]").await;
        assert_eq!(narrow.requests(0).await.len(), 1);
    }

    async fn hostile_provider_strings_are_stored_harmlessly(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let hostile = format!("\u{0}nul \u{202e}turned\r\nline '; DROP TABLE requests; -- {}", "long ".repeat(3_000));
        for body in [
            json!({"error": {"message": hostile, "type": "\u{0}", "code": "\u{0}x", "param": "\u{0}"}}).to_string(),
            hostile.clone(),
            String::from_utf8_lossy(&[0xff, 0xfe, 0x00]).into_owned(),
        ] {
            fake.next(Script::respond(400, &[], body));
            let answer = app.chat(&json!({"model": "a", "session_id": "s\u{0}1"})).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
        let events = app.events().await;
        assert_eq!(events.len(), 3);
        for event in &events {
            let message = event["error_message"].as_str().expect("a message");
            assert!(message.chars().count() <= 2_000 && !message.chars().any(char::is_control), "{message:?}");
            assert_eq!(event["session_ref"], "s1");
        }
        assert_eq!(app.requests(3).await.len(), 3);
    }

    async fn prompts_and_answers_are_nowhere_in_the_records(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.next(Script::error(503, "overloaded", "busy"));
        fake.next(Script::answer("A-SECRET-ANSWER"));
        let messages = json!([{"role": "user", "content": "A-SECRET-PROMPT"}]);
        app.chat(&json!({"model": "a", "models": ["b"], "messages": messages, "user": "A-SECRET-USER"})).await;
        fake.next(Script::stream().text("A-SECRET-ANSWER").end());
        app.chat(&json!({"model": "a", "messages": messages, "stream": true})).await;
        let mut kept: Vec<String> = app.events().await.iter().map(ToString::to_string).collect();
        kept.extend(app.requests(2).await.iter().map(ToString::to_string));
        assert!(kept.iter().all(|text| !text.contains("SECRET")), "{kept:?}");
    }
}
