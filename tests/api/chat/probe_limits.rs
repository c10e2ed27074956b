//! While all models fail, many callers make no more upstream calls than a working service would get.

use std::time::Duration;

use serde_json::{Value, json};

use super::called;
use crate::support::app::{Answer, App};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;

/// The number of concurrent callers.
const CALLERS: usize = 40;
const MODELS: [&str; 3] = ["a", "b", "c"];

/// All callers send a request at once, for any of the models.
async fn burst(app: &App) -> Vec<Answer> {
    let body = json!({"models": MODELS});
    futures_util::future::join_all((0..CALLERS).map(|number| app.chat_number(number, &body))).await
}

/// How often each model was called since there were `before` calls.
fn calls_since(fake: &FakeProvider, before: usize) -> [usize; 3] {
    let called = called(fake);
    MODELS.map(|model| called[before..].iter().filter(|name| **name == format!("{model}-upstream")).count())
}

/// A server on which all models fail and are in cooldown; returns how often they are tried again.
async fn all_broken(app: &App, fake: &FakeProvider, script: Script, retries: i32) -> App {
    let app = app.cooling().await;
    let provider = app.organization.provider("fake", fake).await;
    for name in MODELS {
        app.organization.model_like(name, provider, |model| model.settings.num_retries = Some(retries)).await;
    }
    fake.always(script);
    for turn in 0..5 {
        assert!(app.chat_number(turn, &json!({"models": MODELS})).await.status >= 429);
    }
    for name in MODELS {
        let page = app.get(&format!("/v1/model-router/models?name={name}")).await.json();
        assert_eq!(page["items"][0]["cooldown"]["open"], json!(true), "{page}");
    }
    app
}

/// Advances through windows of these lengths, with callers at the start, in the middle and at the end of each. In
/// each window every model gets at most one request.
async fn check_windows(app: &App, fake: &FakeProvider, seconds: &[u64], calls_of_a_probe: usize) {
    let opened = fake.served();
    let mut requests = 0;
    for (number, length) in seconds.iter().enumerate() {
        let begun = fake.served();
        for _ in 0..3 {
            let before = fake.served();
            let answers = burst(app).await;
            requests += answers.len();
            let told: usize = answers
                .iter()
                .map(|answer| answer.header("x-failsoft-attempts").parse::<usize>().expect("a number"))
                .sum();
            assert_eq!(told, fake.served() - before, "window {number}");
            let nobody = |answer: &&Answer| answer.header("x-failsoft-attempts") == "0";
            assert!(answers.iter().filter(nobody).count() >= CALLERS - MODELS.len(), "window {number}");
            for answer in &answers {
                let wait = answer.header("retry-after").parse::<u64>();
                assert!(answer.status >= 429, "window {number}: {}", answer.text());
                assert!(
                    !nobody(&answer) || wait.is_ok_and(|wait| (1..=*length).contains(&wait)),
                    "{:?}",
                    answer.headers
                );
            }
            app.clock.advance(Duration::from_secs(*length) / 2 - Duration::from_secs(1));
        }
        let calls = calls_since(fake, begun);
        assert!(calls.iter().all(|calls| *calls <= calls_of_a_probe), "window {number}: {calls:?}");
        // The early probes of the first window may already be used; every other window starts with a probe of every
        // model.
        assert!(
            number == 0 || calls.iter().all(|calls| *calls == calls_of_a_probe),
            "window {number}: {calls:?}"
        );
        app.clock.advance(Duration::from_secs(3));
    }
    // Without faults each request is one call of the first model.
    for calls in calls_since(fake, opened) {
        assert!(calls * 10 <= requests * 12, "{calls} calls for {requests} requests");
    }
}

on_both_databases! {
    async fn each_window_of_counted_failures_has_one_probe(app: App) {
        let fake = FakeProvider::start().await;
        let app = all_broken(&app, &fake, Script::error(500, "server_error", "broken"), 0).await;
        check_windows(&app, &fake, &[30, 60, 120, 240, 300, 300], 1).await;
    }

    async fn the_retry_of_a_probe_is_its_own(app: App) {
        let fake = FakeProvider::start().await;
        let app = all_broken(&app, &fake, Script::new().close(), 1).await;
        check_windows(&app, &fake, &[30, 60, 120], 2).await;
    }

    async fn each_window_of_a_rate_limit_has_one_probe(app: App) {
        let fake = FakeProvider::start().await;
        let limited = Script::respond(429, &[("retry-after", "40")], "{}");
        let app = all_broken(&app, &fake, limited, 1).await;
        check_windows(&app, &fake, &[40, 40, 40], 1).await;
    }

    async fn a_recovered_model_is_called_normally_after_one_probe(app: App) {
        let fake = FakeProvider::start().await;
        let app = all_broken(&app, &fake, Script::error(503, "overloaded", "busy"), 0).await;
        app.clock.advance(Duration::from_secs(30));
        let gates = MODELS.map(|_| Gate::new());
        for (model, gate) in MODELS.iter().zip(&gates) {
            let upstream = format!("{model}-upstream");
            // Its probe is held until all callers have sent their request.
            let answer = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
            fake.next_for(&upstream, Script::new().wait_until(gate).send(head));
            fake.always_for(&upstream, Script::answer("Hi"));
        }
        let before = fake.served();
        let others = async {
            for number in 0..MODELS.len() {
                fake.request(before + number).await;
            }
            let refused = burst(&app).await;
            assert!(refused.iter().all(|answer| answer.header("x-failsoft-attempts") == "0"));
            gates.iter().for_each(Gate::open);
        };
        let asked: Vec<Value> = vec![json!({"models": MODELS}); MODELS.len()];
        let probes = futures_util::future::join_all(asked.iter().map(|body| app.chat(body)));
        let (probes, ()) = futures_util::join!(probes, others);
        assert!(probes.iter().all(|answer| answer.status == 200), "{probes:?}");
        assert_eq!(calls_since(&fake, before), [1, 1, 1]);
        let before = fake.served();
        let answers = burst(&app).await;
        assert!(answers.iter().all(|answer| answer.header("x-failsoft-model") == "a"));
        assert_eq!(calls_since(&fake, before), [CALLERS, 0, 0]);
    }

    async fn many_callers_on_hanging_models_make_only_one_wave_of_calls(app: App) {
        let fake = FakeProvider::start().await;
        let app = app.cooling().await;
        let provider = app.organization.provider("fake", &fake).await;
        for name in MODELS {
            app.organization.model_like(name, provider, |model| model.settings.answer_timeout_ms = Some(150)).await;
        }
        fake.always(Script::new().hang());
        // Requests before the first result each call every model once.
        burst(&app).await;
        assert!(calls_since(&fake, 0).iter().all(|calls| *calls <= CALLERS));
        let before = fake.served();
        let answers = burst(&app).await;
        assert_eq!(calls_since(&fake, before), [1, 1, 1], "the early probes of the window");
        // The probing caller waited in vain; for the others no model was called.
        let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert!(count(504) <= MODELS.len() && count(503) + count(504) == answers.len());
        fake.all_closed().await;
    }
}
