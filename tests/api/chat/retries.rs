//! Retries of the same model: how many, and how they are recorded.

use serde_json::json;

use super::{called, pick};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;

fn busy() -> Script {
    Script::error(503, "overloaded", "busy")
}

on_both_databases! {
    async fn a_primary_that_answers_on_a_retry_writes_no_event(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("a", provider, |model| model.settings.num_retries = Some(2)).await;
        app.organization.model("b", provider).await;
        fake.next(busy());
        fake.next(Script::error(500, "server_error", "broken"));
        fake.next(Script::answer("Hi"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "a"));
        assert_eq!(answer.header("x-failsoft-attempts"), "3");
        assert_eq!(answer.header("x-failsoft-fallback"), "none");
        assert!(app.events().await.is_empty());
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["upstream_calls"], &row["hops"]), (&json!(3), &json!(0)));
        assert_eq!(
            pick(row["attempts"].as_array().expect("a list"), &["model", "status", "error_class"]),
            json!([["a", 503, "overloaded"], ["a", 500, "unavailable"], ["a", 200, null]])
        );
    }

    async fn retries_of_one_candidate_are_one_event_with_the_last_class(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("a", provider, |model| model.settings.num_retries = Some(1)).await;
        app.organization.model_like("b", provider, |model| model.settings.num_retries = Some(1)).await;
        fake.next(busy());
        fake.next(Script::respond(200, &[], "<html>sorry</html>"));
        fake.next(busy());
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"));
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=invalid_response; hops=1");
        assert_eq!(
            pick(&app.events().await, &["failed_model", "next_model", "error_class", "attempts", "hop"]),
            json!([["a", "b", "invalid_response", 2, 1]])
        );
        assert_eq!(called(&fake), ["a-upstream", "a-upstream", "b-upstream", "b-upstream"]);
    }

    async fn the_body_may_say_how_often(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("a", provider, |model| model.settings.num_retries = Some(1)).await;
        app.organization.model_like("default", provider, |model| model.settings.num_retries = None).await;
        fake.always(busy());
        for (body, calls) in [
            (json!({"model": "a"}), 2),
            (json!({"model": "default"}), 2),
            (json!({"model": "a", "num_retries": null}), 2),
            (json!({"model": "a", "num_retries": 0}), 1),
            (json!({"model": "a", "num_retries": 3}), 4),
        ] {
            let before = fake.served();
            assert_eq!(app.chat(&body).await.status, 503);
            assert_eq!(fake.served() - before, calls, "{body}");
        }
        assert!(app.events().await.iter().all(|event| event["attempts"].as_i64() >= Some(1)));
        assert_eq!(app.events().await.len(), 5);
    }

    async fn failures_that_a_retry_cannot_fix_are_not_retried(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        for script in [
            Script::error(429, "rate_limit_exceeded", "slow down"),
            Script::error(429, "insufficient_quota", "no money"),
            Script::error(400, "context_length_exceeded", "too long"),
            Script::error(400, "invalid_value", "bad"),
            Script::error(401, "invalid_api_key", "who are you"),
            Script::error(404, "model_not_found", "no such model"),
            Script::error(408, "timeout", "too slow"),
        ] {
            let before = fake.served();
            fake.next(script);
            app.chat(&json!({"model": "a", "num_retries": 5})).await;
            assert_eq!(fake.served() - before, 1);
        }
    }

    async fn a_short_rate_limit_is_waited_for_if_no_other_model_is_left(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let limited = || {
            Script::respond(429, &[("retry-after-ms", "30"), ("content-type", "application/json")], "{}")
        };
        fake.next(limited());
        fake.next(Script::answer("Hi"));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "2"), "{}", answer.text());
        fake.next(limited());
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-model"), "b");
        assert_eq!(app.events().await.len(), 1);
    }

    async fn the_wait_before_a_retry_is_not_the_gateways_own_time(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::respond(429, &[("retry-after-ms", "500")], "{}"));
        fake.next(Script::answer("Hi"));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.header("x-failsoft-attempts"), "2", "{}", answer.text());
        let timing = answer.header("server-timing");
        let (gateway, upstream) = timing.split_once(", ").expect("two times");
        let millis = |text: &str| text.rsplit_once('=').and_then(|(_, millis)| millis.parse::<f64>().ok()).expect("a time");
        assert!(millis(upstream) >= 500.0 && millis(gateway) < 500.0, "{timing}");
        // The reported time of each call excludes it.
        let row = app.requests(1).await.remove(0);
        for attempt in row["attempts"].as_array().expect("a list") {
            assert!(attempt["duration_ms"].as_u64() < Some(500), "{attempt}");
        }
    }

    async fn an_event_has_the_time_of_all_tries(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("a", provider, |model| model.settings.num_retries = Some(1)).await;
        app.organization.model_like("slow", provider, |model| model.settings.answer_timeout_ms = Some(250)).await;
        let gate = Gate::new();
        fake.next_for("a-upstream", Script::new().wait_until(&gate).send("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"));
        fake.next_for("a-upstream", busy());
        fake.next_for("slow-upstream", Script::new().hang());
        let retried = json!({"model": "a"});
        // The first attempt takes as long as a whole request that reaches its time limit.
        let timed_out = async {
            fake.request(0).await;
            app.chat(&json!({"model": "slow"})).await;
            gate.open();
        };
        let (answer, ()) = tokio::join!(app.chat(&retried), timed_out);
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (503, "2"));
        let events = app.events().await;
        let event = events.iter().find(|event| event["failed_model"] == "a").expect("an event");
        assert_eq!(event["attempts"], 2);
        let row = app.requests(2).await.into_iter().find(|row| row["requested_model"] == "a").expect("a row");
        let tries: Vec<i64> =
            row["attempts"].as_array().expect("a list").iter().filter_map(|attempt| attempt["duration_ms"].as_i64()).collect();
        assert!(tries[0] >= 240 && tries[1] < tries[0], "{tries:?}");
        // Each is rounded down to whole milliseconds.
        let both = tries[0] + tries[1];
        assert!(event["duration_ms"].as_i64().is_some_and(|took| (both..=both + 1).contains(&took)), "{event} {tries:?}");
    }
}
