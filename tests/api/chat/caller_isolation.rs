//! No caller can close a model for the rest of its organization: whatever it sends, the next caller's request reaches
//! the model, and the provider's health is unchanged.

use std::time::Duration;

use failsoft::domain::permission::Scope;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::failures::{breakdowns, outages, refusals, riddles};
use super::own_fields::{brought, own_fields};
use crate::support::app::{Answer, App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Received, Script};
use crate::support::on_both_databases;

/// More than any limit of consecutive failures.
const BAD: usize = 12;

struct Callers {
    app: App,
    fake: FakeProvider,
    bad: String,
    good: String,
    provider: String,
}

impl Callers {
    async fn new(app: App, models: usize) -> Self {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        for number in 0..models {
            app.organization.model(&format!("m{number}"), provider).await;
        }
        let bad = app.organization.key_with(&[Scope::Inference]).await;
        let good = app.organization.key_with(&[Scope::Inference]).await;
        Self { app, fake, bad, good, provider: provider.to_string() }
    }

    async fn ask(&self, key: &str, number: usize, prompt: &str, stream: bool) -> Answer {
        let body = json!({"model": format!("m{number}"), "stream": stream, "messages": [{"role": "user", "content": prompt}]});
        let request = with_json(self.app.request(Method::POST, "/v1/chat/completions"), &chat_body(&body));
        self.app.call(request, key).await
    }

    /// Sends so many different requests with these fields, and checks that all reach the model.
    async fn bring(&self, number: usize, fields: &Value, requests: usize) {
        for seed in 0..requests {
            let mut body = fields.clone();
            body["model"] = json!(format!("m{number}"));
            body["seed"] = json!(seed);
            let request =
                with_json(self.app.request(Method::POST, "/v1/chat/completions"), &chat_body(&body));
            let answer = self.app.call(request, &self.bad).await;
            assert_ne!(answer.status, 200, "{fields}");
            assert_eq!(answer.header("x-failsoft-attempts"), "1", "{fields} {seed}: {}", answer.text());
        }
    }

    /// Checks that the next caller's request reaches the model.
    async fn reaches(&self, number: usize, what: &str) {
        let before = self.fake.served();
        self.fake.always_for(&format!("m{number}-upstream"), Script::answer("Hi"));
        let answer = self.ask(&self.good, number, "harmless", false).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert_eq!(self.fake.served(), before + 1, "{what}");
    }

    async fn is_closed(&self, number: usize, what: &str) {
        let page = self.app.get(&format!("/v1/model-router/models?name=m{number}")).await.json();
        assert_eq!(page["items"][0]["cooldown"]["open"], true, "{what}: {page}");
    }

    async fn health(&self) -> Value {
        let path = format!("/v1/model-router/providers/{}", self.provider);
        self.app.get(&path).await.json()["health"].clone()
    }
}

on_both_databases! {
    async fn a_failure_of_one_request_closes_no_model(app: App) {
        let table = refusals();
        let callers = Callers::new(app, table.len()).await;
        for (number, (what, script)) in table.into_iter().enumerate() {
            callers.fake.always_for(&format!("m{number}-upstream"), script);
            for turn in 0..BAD {
                let prompt = format!("bad {}", turn / 2);
                let answer = callers.ask(&callers.bad, number, &prompt, turn % 2 == 1).await;
                assert_ne!(answer.status, 200, "{what}");
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{what} {turn}: {}", answer.text());
            }
            // A good answer would make it well again.
            assert_ne!(callers.health().await, "failing", "{what}");
            callers.reaches(number, what).await;
        }
    }

    async fn what_one_request_names_closes_no_model(app: App) {
        let table = own_fields();
        let callers = Callers::new(app, table.len()).await;
        for (number, (fields, script)) in table.into_iter().enumerate() {
            callers.fake.always_for(&format!("m{number}-upstream"), script);
            let mut body = fields.clone();
            body["model"] = json!(format!("m{number}"));
            for turn in 0..BAD {
                let request = with_json(callers.app.request(Method::POST, "/v1/chat/completions"), &chat_body(&body));
                let answer = callers.app.call(request, &callers.bad).await;
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{fields} {turn}: {}", answer.text());
            }
            callers.reaches(number, &fields.to_string()).await;
        }
    }

    async fn what_one_caller_brings_in_different_requests_closes_no_model(app: App) {
        let table = brought();
        let callers = Callers::new(app, table.len() + 1).await;
        for (number, (fields, script)) in table.iter().enumerate() {
            callers.fake.always_for(&format!("m{number}-upstream"), script.clone());
            callers.bring(number, fields, BAD).await;
            assert_ne!(callers.health().await, "failing", "{fields}");
            callers.reaches(number, &fields.to_string()).await;
        }
        // But a model that fails for a minute is dead, as far as this caller can tell.
        let (number, (fields, script)) = (table.len(), &table[0]);
        callers.fake.always_for(&format!("m{number}-upstream"), script.clone());
        callers.bring(number, fields, 6).await;
        callers.app.clock.advance(Duration::from_secs(60));
        callers.bring(number, fields, 1).await;
        callers.is_closed(number, "a dead model").await;
    }

    async fn an_ambiguous_failure_closes_a_model_only_after_different_requests(app: App) {
        let table = riddles();
        let callers = Callers::new(app, table.len()).await;
        for (number, (what, script)) in table.into_iter().enumerate() {
            let upstream = format!("m{number}-upstream");
            callers.fake.always_for(&upstream, script.clone());
            for _ in 0..BAD {
                let answer = callers.ask(&callers.bad, number, "the same", false).await;
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{what}: {}", answer.text());
            }
            callers.reaches(number, what).await;
            callers.fake.always_for(&upstream, script);
            for turn in 0..5 {
                let key = if turn % 2 == 0 { &callers.good } else { &callers.bad };
                callers.ask(key, number, &format!("prompt {turn}"), false).await;
            }
            callers.is_closed(number, what).await;
        }
    }

    async fn one_body_that_breaks_a_model_closes_it_to_no_other(app: App) {
        let table = breakdowns();
        let callers = Callers::new(app, table.len()).await;
        for (number, (what, script)) in table.into_iter().enumerate() {
            callers.fake.always_for(&format!("m{number}-upstream"), script.clone());
            let stream = what.contains("stream");
            for turn in 0..BAD * 2 {
                let answer = callers.ask(&callers.bad, number, "the same", stream).await;
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{what} {turn}: {}", answer.text());
            }
            callers.reaches(number, what).await;
            callers.fake.always_for(&format!("m{number}-upstream"), script);
            for turn in 0..5 {
                let key = if turn % 2 == 0 { &callers.good } else { &callers.bad };
                callers.ask(key, number, &turn.to_string(), stream).await;
            }
            callers.is_closed(number, what).await;
        }
    }

    async fn a_poller_with_one_body_closes_a_dead_model(app: App) {
        let table = breakdowns();
        let callers = Callers::new(app, table.len()).await;
        for (number, (what, script)) in table.into_iter().enumerate() {
            callers.fake.always_for(&format!("m{number}-upstream"), script);
            for turn in 0..5 {
                let answer = callers.ask(&callers.bad, number, "the same", what.contains("stream")).await;
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{what} {turn}: {}", answer.text());
                callers.app.clock.advance(Duration::from_secs(10));
            }
            callers.is_closed(number, what).await;
        }
    }

    /// Until the neighbor is not answered any more: then it may be the model.
    async fn one_callers_poison_closes_no_model_that_answers_its_neighbor(app: App) {
        let callers = Callers::new(app, 1).await;
        let poisoned = |answers: bool| {
            move |received: &Received| {
                let broken = !answers || received.json().to_string().contains("poison");
                Some(if broken { Script::error(500, "server_error", "broken") } else { Script::answer("Hi") })
            }
        };
        callers.fake.judge(poisoned(true));
        for turn in 0..30 {
            let answer = callers.ask(&callers.bad, 0, "poison", false).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (502, "1"), "{turn}");
            let other = callers.ask(&callers.bad, 0, &format!("poison {turn}"), false).await;
            assert_eq!((other.status, other.header("x-failsoft-attempts")), (502, "1"), "{turn}");
            callers.app.clock.advance(Duration::from_secs(10));
            if turn % 2 == 0 {
                assert_eq!(callers.ask(&callers.good, 0, "harmless", false).await.status, 200, "{turn}");
            }
        }
        // The model dies, and the neighbor is silent. Its last answer was 20 s ago.
        callers.fake.judge(poisoned(false));
        callers.app.clock.advance(Duration::from_secs(10));
        for turn in 0..9 {
            let answer = callers.ask(&callers.bad, 0, &format!("any {turn}"), false).await;
            assert_eq!(answer.header("x-failsoft-attempts"), "1", "{turn}: {}", answer.text());
        }
        callers.app.clock.advance(Duration::from_secs(10));
        callers.ask(&callers.bad, 0, "one more", false).await;
        callers.is_closed(0, "half a minute without an answer to the neighbor").await;
    }

    /// A caller with failures of its own takes each probe, and the neighbor's request reaches the model nevertheless.
    async fn one_callers_failed_probes_close_no_model_that_has_recovered(app: App) {
        let own = [
            Script::error(500, "server_error", "broken"),
            Script::respond(200, &[("content-type", "application/json")], ""),
        ];
        let callers = Callers::new(app, own.len()).await;
        for (number, own) in own.into_iter().enumerate() {
            callers.fake.judge(|_| Some(Script::error(503, "overloaded", "busy")));
            for turn in 0..5 {
                callers.ask(&callers.good, number, &turn.to_string(), false).await;
            }
            callers.is_closed(number, "five outages").await;
            callers.fake.judge(move |received| {
                let broken = received.json().to_string().contains("poison");
                Some(if broken { own.clone() } else { Script::answer("Hi") })
            });
            for _ in 0..60 {
                callers.app.clock.advance(Duration::from_secs(3));
                callers.ask(&callers.bad, number, "poison", false).await;
            }
            callers.is_closed(number, "its own failures").await;
            let answer = callers.ask(&callers.good, number, "harmless", false).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let answer = callers.ask(&callers.bad, number, "harmless", false).await;
            assert_eq!(answer.status, 200, "it works for all: {}", answer.text());
        }
    }

    async fn a_slow_probe_of_one_caller_keeps_its_neighbor_waiting_once(app: App) {
        let callers = Callers::new(app, 1).await;
        callers.fake.always(Script::error(503, "overloaded", "busy"));
        for turn in 0..5 {
            callers.ask(&callers.good, 0, &turn.to_string(), false).await;
        }
        callers.app.clock.advance(Duration::from_secs(30));
        let gate = Gate::new();
        let slow = Script::new().wait_until(&gate).send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        callers.fake.next_for("m0-upstream", slow);
        callers.fake.always(Script::answer("Hi"));
        let before = callers.fake.served();
        let probe = callers.ask(&callers.bad, 0, "slow", false);
        let neighbor = async {
            callers.fake.request(before).await;
            let first = callers.ask(&callers.good, 0, "harmless", false).await;
            assert_eq!((first.status, first.header("x-failsoft-attempts")), (503, "0"), "{}", first.text());
            let second = callers.ask(&callers.good, 0, "harmless", false).await;
            assert_eq!(second.status, 200, "{}", second.text());
            gate.open();
        };
        futures_util::join!(probe, neighbor);
        callers.reaches(0, "a slow probe").await;
    }

    async fn one_caller_that_tries_again_and_again_finds_a_dead_model(app: App) {
        let table = outages();
        let callers = Callers::new(app, table.len()).await;
        for (number, (what, script)) in table.into_iter().enumerate() {
            callers.fake.always_for(&format!("m{number}-upstream"), script);
            for _ in 0..5 {
                callers.ask(&callers.bad, number, "the same", false).await;
            }
            callers.is_closed(number, what).await;
        }
        let dead = callers.app.organization.provider_at("dead", "custom", Some("http://127.0.0.1:1")).await;
        callers.app.organization.model("m99", dead).await;
        for _ in 0..5 {
            callers.ask(&callers.bad, 99, "the same", false).await;
        }
        callers.is_closed(99, "a refused connection").await;
    }

    async fn what_only_labels_a_request_makes_it_no_different_one(app: App) {
        let callers = Callers::new(app, 1).await;
        callers.fake.always(Script::respond(403, &[], "no"));
        for turn in 0..BAD {
            let label = turn.to_string();
            let body = chat_body(&json!({
                "session_id": label, "metadata": {"session_id": label, "more": label}, "user": label,
                "max_fallbacks": turn % 5, "model": "m0"
            }));
            let request = with_json(callers.app.request(Method::POST, "/v1/chat/completions"), &body);
            let request = request.header("x-request-label", &label);
            assert_eq!(callers.app.call(request, &callers.bad).await.header("x-failsoft-attempts"), "1", "{turn}");
        }
        callers.reaches(0, "labels").await;
    }

    async fn the_callers_deadline_closes_no_model_but_the_models_limit_does(app: App) {
        let callers = Callers::new(app, 1).await;
        let provider = callers.provider.parse().expect("an id");
        callers.app.organization.model_like("hasty", provider, |model| model.settings.answer_timeout_ms = Some(50)).await;
        callers.fake.always(Script::new().hang());
        let hurried = join_all((0..10).map(|turn| {
            let messages = json!([{"role": "user", "content": turn.to_string()}]);
            let body = chat_body(&json!({"model": "m0", "stream": turn % 2 == 0, "messages": messages}));
            let request = with_json(callers.app.request(Method::POST, "/v1/chat/completions"), &body);
            callers.app.call(request.header("x-failsoft-deadline-ms", "1600"), &callers.bad)
        }));
        for answer in hurried.await {
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (504, "1"), "{}", answer.text());
        }
        for event in callers.app.events().await {
            assert_eq!(event["error_class"], "timeout");
            let rule = event["matched_rule"].as_str().expect("a rule");
            assert!(matches!(rule, "time_budget:answer" | "time_budget:first_frame"), "{event}");
        }
        callers.reaches(0, "a hurried caller").await;

        for turn in 0..5 {
            assert_eq!(callers.app.chat_number(turn, &json!({"model": "hasty"})).await.status, 504);
        }
        let page = callers.app.get("/v1/model-router/models?name=hasty").await.json();
        assert_eq!(page["items"][0]["cooldown"]["error_class"], "timeout", "{page}");
    }

    async fn a_stream_that_breaks_over_its_content_closes_no_model(app: App) {
        let callers = Callers::new(app, 1).await;
        let broken = json!({"error": {"code": "content_filter", "message": "flagged"}});
        callers.fake.always(Script::stream().text("Hel").event(&broken).done());
        for turn in 0..BAD {
            let answer = callers.ask(&callers.bad, 0, &turn.to_string(), true).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{}", answer.text());
        }
        callers.reaches(0, "a filtered stream").await;
    }
}
