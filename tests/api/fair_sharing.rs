//! Shared resources: one organization uses up each of them, and another one is still served.
//!
//! The neighbor's calls have a time limit far below the time that the resource stays used up.

mod begun_streams;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use failsoft::domain::permission::Role;
use failsoft::upstream::resolver::Resolver;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::app::{Answer, App, Organization, chat_body, eventually, with_json};
use crate::support::browser::Browser;
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::name_server::NameServer;
use crate::support::raw_client::Raw;

/// The neighbor's time limit for each call.
const SOON: Duration = Duration::from_secs(5);
const MEBIBYTE: usize = 1024 * 1024;

/// A server, one organization that takes all it can get, and a neighbor.
struct Street {
    app: App,
    fake: FakeProvider,
    neighbor: Organization,
}

impl Street {
    async fn with(kind: Kind, change: impl FnOnce(&mut failsoft::config::Settings)) -> Self {
        Self::asking(kind, Vec::new(), change).await
    }

    /// The same, with these name servers.
    async fn asking(
        kind: Kind,
        servers: Vec<SocketAddr>,
        change: impl FnOnce(&mut failsoft::config::Settings),
    ) -> Self {
        let app = App::start_asking(kind, Arc::new(Resolver::new(servers)), |settings| {
            settings.server.body_budget = 32 * MEBIBYTE;
            settings.server.workers = std::num::NonZeroUsize::new(2);
            change(settings);
        })
        .await;
        let fake = FakeProvider::start().await;
        fake.always_for("hangs-upstream", Script::new().hang());
        fake.always_for("ok-upstream", Script::answer("Hi"));
        let neighbor = app.other_organization("neighbor").await;
        for organization in [&app.organization, &neighbor] {
            organization.catalog(&fake, &["hangs", "ok", "large", "slow"]).await;
        }
        Self { app, fake, neighbor }
    }

    /// A chat completion of an organization.
    async fn chat(&self, organization: &Organization, more: &Value) -> Answer {
        let request = with_json(self.app.request(Method::POST, "/v1/chat/completions"), &chat_body(more));
        self.app.call(request, &organization.key).await
    }

    /// Checks that the neighbor's small and large calls are answered, and that it can manage its resources.
    async fn neighbor_is_served(&self) {
        let served = async {
            let small = self.chat(&self.neighbor, &json!({"model": "ok"})).await;
            assert_eq!(small.status, 200, "{}", small.text());
            let large = json!({"model": "ok", "user": "x".repeat(MEBIBYTE)});
            let large = self.chat(&self.neighbor, &large).await;
            assert_eq!(large.status, 200, "{}", large.text());
            let listed = self.app.request(Method::GET, "/v1/model-router/requests");
            assert_eq!(self.app.call(listed, &self.neighbor.key).await.status, 200);
            let key = with_json(
                self.app.request(Method::POST, "/v1/identity/api-keys"),
                &json!({"name": "a key", "scopes": ["inference"]}),
            );
            let made = self.app.call(key, &self.neighbor.key).await;
            assert_eq!(made.status, 201, "{}", made.text());
        };
        tokio::time::timeout(SOON, served).await.expect("the neighbor is served soon");
    }
}

/// Starts a chat completion and does not read the response.
async fn hanging(street: &Street, body: &Value) -> Raw {
    let mut caller = Raw::connect(street.app.address).await;
    caller.chat(&street.app.organization.key, &chat_body(body)).await;
    caller
}

/// Checks the error of an organization that exceeds its share, in OpenAI's format.
fn assert_share(answer: &Answer, word: &str) {
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!((&error["type"], &error["code"]), (&json!("rate_limit_error"), &json!("rate_limit_exceeded")));
    assert!(error["message"].as_str().is_some_and(|text| text.contains(word)), "{error}");
}

/// Runs a test on both databases.
async fn on_each(test: impl AsyncFn(Kind)) {
    test(Kind::Sqlite).await;
    test(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_of_one_organization_keep_nothing_from_another() {
    on_each(async |kind| {
        let street = Street::with(kind, |_| {}).await;
        let body = json!({"model": "hangs", "user": "x".repeat(2 * MEBIBYTE)});
        let mut held = Vec::new();
        for number in 0..17 {
            let before = street.fake.served();
            let mut caller = hanging(&street, &body).await;
            let taken = eventually(async || {
                let answered =
                    tokio::time::timeout(Duration::from_millis(20), caller.read_until("\r\n\r\n")).await;
                match (answered, street.fake.served() > before) {
                    (Ok(text), _) => Some(Err(text)),
                    (Err(_), true) => Some(Ok(())),
                    (Err(_), false) => None,
                }
            })
            .await;
            if let Err(text) = taken {
                assert!(number >= 2, "refused too early: {text}");
                assert!(text.starts_with("HTTP/1.1 429"), "{text}");
                break;
            }
            held.push(caller);
        }
        assert!(held.len() < 17, "all of them were let in");
        let refused = street.chat(&street.app.organization, &body).await;
        assert_share(&refused, "memory");
        // Its own small requests and management calls are admitted, too.
        assert_eq!(street.chat(&street.app.organization, &json!({"model": "ok"})).await.status, 200);
        assert_eq!(street.app.get("/v1/model-router/models").await.status, 200);
        street.neighbor_is_served().await;
        // Callers that disconnect release everything.
        for caller in &mut held {
            caller.finish().await;
        }
        let large = json!({"model": "ok", "user": "x".repeat(2 * MEBIBYTE)});
        eventually(async || {
            (street.chat(&street.app.organization, &large).await.status == 200).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_have_a_bound_and_leave_room() {
    on_each(async |kind| {
        let street = Street::with(kind, |settings| {
            settings.server.organization_requests = 20;
            settings.server.request_ceiling = 1_000;
        })
        .await;
        let mut held = Vec::new();
        for _ in 0..20 {
            held.push(hanging(&street, &json!({"model": "hangs", "stream": true})).await);
        }
        eventually(async || (street.fake.served() == 20).then_some(())).await;
        let refused = street.chat(&street.app.organization, &json!({"model": "ok"})).await;
        assert_share(&refused, "requests under way");
        // Left open, it would use one of the open files that all organizations share.
        assert_eq!(refused.header("connection"), "close");
        assert_eq!(street.app.get("/v1/model-router/models").await.status, 200);
        street.neighbor_is_served().await;
        held.pop().expect("one").finish().await;
        eventually(async || {
            (street.chat(&street.app.organization, &json!({"model": "ok"})).await.status == 200).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn management_calls_and_pages_at_once_have_a_bound() {
    on_each(async |kind| {
        let street = Street::with(kind, |settings| {
            settings.server.organization_calls = 2;
            settings.server.body_idle_seconds = 60;
            settings.server.body_total_seconds = 60;
        })
        .await;
        let email = street.app.organization.member(Role::Member).await;
        let browser = Browser::logged_in(&street.app, &email).await;
        // A body that does not arrive, and a live view.
        let mut caller = Raw::connect(street.app.address).await;
        let key = &street.app.organization.key;
        caller
            .send(format!(
                "POST /v1/identity/api-keys HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{{"
            ))
            .await;
        let view = browser.open(browser.request(Method::GET, "/events/live")).await;
        assert_eq!(view.status(), 200);
        let refused = eventually(async || {
            let third = street.app.get("/v1/model-router/models").await;
            (third.status == 429).then_some(third)
        })
        .await;
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.json()["error"], "too_many_requests", "{}", refused.text());
        let page = browser.get("/models").await.expect(429);
        assert_eq!(page.answer.header("retry-after"), "1");
        // Requests to models are bounded by themselves.
        assert_eq!(street.chat(&street.app.organization, &json!({"model": "ok"})).await.status, 200);
        street.neighbor_is_served().await;
        caller.finish().await;
        drop(view);
        let both = async || (street.app.get("/v1/model-router/models").await.status, browser.get("/models").await.status);
        eventually(async || (both().await == (200, 200)).then_some(())).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_ceiling_one_organization_leaves_a_fifth() {
    let street = Street::with(Kind::Sqlite, |settings| settings.server.request_ceiling = 20).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(hanging(&street, &json!({"model": "hangs"})).await);
    }
    eventually(async || (street.fake.served() == 16).then_some(())).await;
    assert_share(&street.chat(&street.app.organization, &json!({"model": "ok"})).await, "requests under way");
    street.neighbor_is_served().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_half_lines_are_counted_while_they_are_held() {
    on_each(async |kind| {
        let street = Street::with(kind, |_| {}).await;
        let gate = Gate::new();
        // 6 MiB of an endless answer, and as much of an endless line.
        let part = "x".repeat(6 * MEBIBYTE);
        let whole = Script::new()
            .send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 60000000\r\n\r\n{\"x\":\"")
            .send(&part)
            .wait_until(&gate);
        let line = Script::stream().text("Hel").chunk(format!("data: {part}")).wait_until(&gate);
        for (script, stream) in [(whole, false), (line, true)] {
            street.fake.always_for("large-upstream", script);
            let mut callers = Vec::new();
            for _ in 0..6 {
                callers.push(hanging(&street, &json!({"model": "large", "stream": stream})).await);
            }
            // The organization's share is full: one of the answers is refused, without blaming the model.
            let told = eventually(async || {
                for caller in &mut callers {
                    let found = tokio::time::timeout(Duration::from_millis(20), caller.read_until("may hold for this organization")).await;
                    if let Ok(text) = found {
                        return Some(text);
                    }
                }
                None
            })
            .await;
            assert!(told.starts_with(if stream { "HTTP/1.1 200" } else { "HTTP/1.1 429" }), "{told}");
            if !stream {
                // The same error as for a request that finds no room.
                let told = told.to_ascii_lowercase();
                for part in ["retry-after: 1\r\n", "x-should-retry: true\r\n", "\"rate_limit_exceeded\""] {
                    assert!(told.contains(part), "{part}: {told}");
                }
            }
            street.neighbor_is_served().await;
            for caller in &mut callers {
                caller.finish().await;
            }
        }
        gate.open();
        // Everything was released.
        let large = json!({"model": "ok", "user": "x".repeat(6 * MEBIBYTE)});
        eventually(async || (street.chat(&street.app.organization, &large).await.status == 200).then_some(())).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiny_messages_by_the_hundred_thousand_keep_no_neighbor_waiting() {
    let street = Street::with(Kind::Sqlite, |settings| settings.server.body_budget = 512 * MEBIBYTE).await;
    let model = |fields: &mut failsoft::store::ModelFields| fields.settings.context_window = Some(1_000);
    let provider = street.app.organization.provider("other", &street.fake).await;
    street.app.organization.model_like("small", provider, model).await;
    let messages = format!("[{}{{}}]", "{},".repeat(MEBIBYTE / 3));
    let parts = format!(
        r#"[{{"role":"user","content":[{}{{"type":"image_url"}}]}}]"#,
        r#"{"text":""},"#.repeat(MEBIBYTE / 12)
    );
    for messages in [messages, parts] {
        let body = format!(r#"{{"model":"small","messages":{messages}}}"#);
        for path in ["/v1/model-router/explain", "/v1/chat/completions"] {
            let mut sent = JoinSet::new();
            for _ in 0..4 {
                let request = with_body(street.app.request(Method::POST, path), &body);
                sent.spawn(request.bearer_auth(&street.app.organization.key).send());
            }
            street.neighbor_is_served().await;
            while let Some(answer) = sent.join_next().await {
                let status = answer.expect("no panic").expect("an answer").status().as_u16();
                // An explanation, or the failure of a provider without a script.
                assert!(matches!(status, 200 | 502), "{status}");
            }
        }
    }
}

fn with_body(request: reqwest::RequestBuilder, body: &str) -> reqwest::RequestBuilder {
    request.header("content-type", "application/json").body(body.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_views_are_bounded_and_slow_reading_is_not_an_absent_database() {
    on_each(async |kind| {
        let street = Street::with(kind, |settings| {
            settings.server.person_tails = 3;
            settings.server.organization_tails = 5;
            settings.database.connections = Some(if kind == Kind::Sqlite { 4 } else { 6 });
        })
        .await;
        let mut open = Vec::new();
        for _ in 0..2 {
            let email = street.app.organization.member(Role::Member).await;
            let browser = Browser::logged_in(&street.app, &email).await;
            for _ in 0..4 {
                open.push(browser.open(browser.request(Method::GET, "/events/live")).await);
            }
        }
        let statuses: Vec<u16> = open.iter().map(|stream| stream.status().as_u16()).collect();
        assert_eq!(statuses, [200, 200, 200, 429, 200, 200, 429, 429]);
        let neighbor = street.neighbor.member(Role::Member).await;
        let neighbor = Browser::logged_in(&street.app, &neighbor).await;
        assert_eq!(neighbor.open(neighbor.request(Method::GET, "/events/live")).await.status(), 200);
        street.neighbor_is_served().await;
        drop(open);
        let email = street.app.organization.member(Role::Member).await;
        let browser = Browser::logged_in(&street.app, &email).await;
        eventually(async || {
            let stream = browser.open(browser.request(Method::GET, "/events/live")).await;
            (stream.status() == 200).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_name_server_delays_only_its_own_organization() {
    let names = NameServer::start().await;
    let street = Street::asking(Kind::Sqlite, vec![names.address], |_| {}).await;
    let port = street.fake.address().port();
    for number in 0..40 {
        let name = format!("mute{number}");
        let address = format!("http://{name}.test:{port}/v1");
        let provider = street.app.organization.provider_at(&name, "custom", Some(&address)).await;
        street.app.organization.model(&name, provider).await;
    }
    let address = format!("http://good.test:{port}/v1");
    let provider = street.neighbor.provider_at("named", "custom", Some(&address)).await;
    street
        .neighbor
        .model_like("named", provider, |fields| fields.upstream_model = "ok-upstream".to_owned())
        .await;
    let mut held = Vec::new();
    for number in 0..120 {
        held.push(hanging(&street, &json!({"model": format!("mute{}", number % 40)})).await);
    }
    let named = tokio::time::timeout(SOON, street.chat(&street.neighbor, &json!({"model": "named"}))).await;
    assert_eq!(named.expect("soon").status, 200);
    street.neighbor_is_served().await;
    // Sign-in hashes a password, on threads that DNS lookups do not use.
    let email = street.neighbor.member(Role::Member).await;
    let log_in = Browser::logged_in(&street.app, &email);
    tokio::time::timeout(SOON, log_in).await.expect("soon");
}
