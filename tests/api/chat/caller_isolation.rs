//! No caller can close a model for the rest of its organization: whatever it sends, the next caller's request reaches
//! the model, and the provider's health is unchanged.

use std::time::Duration;

use failsoft::domain::permission::Scope;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::own_fields::own_fields;
use crate::support::app::{Answer, App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;

/// More than any limit of consecutive failures.
const BAD: usize = 12;

fn html(status: u16, title: &str) -> Script {
    let page = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body>Ray ID</body></html>");
    Script::respond(status, &[("content-type", "text/html")], &page)
}

fn said(status: u16, message: &str) -> Script {
    Script::json(status, &json!({"error": {"message": message, "code": status}}))
}

/// A provider's responses to requests that are themselves at fault.
fn refusals() -> Vec<(&'static str, Script)> {
    let afford = "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 3919.";
    let too_large = "Request too large for x on tokens per min (TPM): Limit 30000, Requested 342389. The input or output tokens must be reduced in order to run successfully.";
    vec![
        ("more tokens than the credit left", said(402, afford)),
        ("a prompt above the credit left", said(402, "Prompt tokens limit exceeded: 230799 > 91442.")),
        ("a firewall's page", html(403, "Access denied")),
        (
            "a verification to stream",
            Script::error(
                403,
                "unsupported_value",
                "Your organization must be verified to stream this model.",
            ),
        ),
        (
            "a verification for a feature",
            Script::error(
                403,
                "permission_denied",
                "Your organization must be verified to use this feature.",
            ),
        ),
        ("a firewall's challenge", html(503, "Just a moment...")),
        ("a firewall's page under a 405", html(405, "Blocked")),
        ("a flagged prompt", said(403, "Your request was flagged by moderation.")),
        (
            "a file of this caller",
            Script::error(403, "permission_denied", "You do not have permission to access the File x"),
        ),
        ("a router without tools", said(404, "No endpoints found that support tool use.")),
        ("a router without images", said(404, "No endpoints found that support image input")),
        ("a router and a data policy", said(404, "No endpoints found matching your data policy.")),
        ("a state that is gone", said(404, "Previous response with id 'x' not found.")),
        ("a request above the limit", Script::error(429, "rate_limit_exceeded", too_large)),
        ("a request above the limit as a 413", Script::error(413, "rate_limit_exceeded", too_large)),
        (
            "a long context that costs extra",
            Script::error(429, "rate_limit_error", "Extra usage is required for long context requests."),
        ),
        (
            "a service tier of this caller",
            Script::error(498, "capacity_exceeded", "The flex tier is at capacity."),
        ),
        (
            "one feature's limit",
            Script::error(429, "rate_limit_exceeded", "Too many requests with web search"),
        ),
        ("a prompt that is too long", Script::error(400, "context_length_exceeded", "too long")),
        ("a prompt that is too long as a 500", said(500, "prompt is too long: 9 tokens > 8 maximum")),
        ("forbidden content", Script::error(400, "content_policy_violation", "no")),
        ("an image that cannot be fetched", said(500, "Failed to download image from https://x")),
        ("a schema that is none", said(500, "Failed to compile grammar from json schema")),
        ("a bad parameter", Script::error(400, "invalid_value", "no")),
        ("legal reasons", said(451, "no")),
        ("a failed dependency", said(424, "Error retrieving tool list from MCP server")),
    ]
}

/// Failures that may be caused by the request or by the model.
fn riddles() -> Vec<(&'static str, Script)> {
    let bare = [401, 402, 403, 404, 429].map(|status| ("a bare status", Script::respond(status, &[], "no")));
    let pages = [
        ("a network's page", html(401, "Authentication required")),
        ("a missing page", html(404, "Not Found")),
    ];
    bare.into_iter().chain(pages).collect()
}

/// Failures that a request may cause, of which several in a row close a model.
fn breakdowns() -> Vec<(&'static str, Script)> {
    let broken = json!({"error": {"code": 500, "message": "no"}});
    let page = "<html><head><title>Welcome</title></head></html>";
    vec![
        ("a broken server", Script::error(500, "server_error", "The server had an error. Please try again.")),
        ("a proxy's page", html(502, "502 Bad Gateway")),
        ("a slow server", Script::respond(504, &[], "")),
        ("an empty answer of the server", Script::respond(520, &[], "")),
        ("a failed inference", Script::error(503, "failed", "failed to run inference")),
        ("a server that crashes", Script::new().close()),
        ("a server that times out", Script::respond(408, &[], "")),
        ("an answer that is a page", Script::respond(200, &[("content-type", "text/html")], page)),
        (
            "an answer that is broken",
            Script::respond(200, &[("content-type", "application/json")], "{\"choices\": ["),
        ),
        ("an empty answer", Script::respond(200, &[], "")),
        ("an error in place of an answer", Script::json(200, &broken)),
        ("a stream that breaks", Script::stream().text("Hel").reset()),
        ("a stream that ends with an error", Script::stream().text("Hel").event(&broken).done()),
    ]
}

/// Failures that no request causes.
fn outages() -> Vec<(&'static str, Script)> {
    vec![
        ("an overloaded server", Script::error(503, "overloaded", "The model is overloaded")),
        ("a server in maintenance", html(503, "503 Service Temporarily Unavailable")),
        ("a bare 503", Script::respond(503, &[], "")),
        ("a bare 529", Script::respond(529, &[], "no")),
        ("an overload that is called an error", said(500, "The engine is currently overloaded")),
        ("a proxy that finds no server", Script::respond(502, &[], "no healthy upstream")),
        ("a server that is down", html(521, "Web server is down")),
    ]
}

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
