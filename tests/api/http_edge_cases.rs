//! HTTP details: CORS, HEAD, path variants, and the conventions of other vendors' clients.

use failsoft::app::routes::{ROUTES, Surface, Verb};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, with_json};
use crate::support::browser::Browser;
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

const ORIGIN: &str = "https://app.example.com";

async fn with_origins(origins: &[&str]) -> App {
    let origins: Vec<_> = origins.iter().map(|origin| origin.parse().expect("an origin")).collect();
    App::start_with(Kind::Sqlite, move |settings| settings.server.cors_origins = origins).await
}

/// The CORS preflight request of a browser.
async fn preflight(app: &App, path: &str, origin: &str, headers: &str) -> Answer {
    let request = app.request(Method::OPTIONS, path).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    app.send(request.header("access-control-request-headers", headers)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_allowed_origin_may_call_the_api_and_read_its_answers() {
    let app = with_origins(&[ORIGIN, "app://obsidian.md"]).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a"]).await;
    fake.always_for("a-upstream", Script::answer("From a"));
    for path in
        ["/v1/chat/completions", "/api/v1/chat/completions", "/v1/models", "/models", "/fallback", "/livez"]
    {
        for origin in [ORIGIN, "app://obsidian.md"] {
            let asked = "authorization, content-type, x-stainless-lang, x-failsoft-metadata";
            let answer = preflight(&app, path, origin, asked).await;
            assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-headers"), asked);
            assert!(answer.header("access-control-allow-methods").contains("POST"));
            assert!(answer.headers.get("access-control-allow-credentials").is_none());
        }
    }
    let request =
        with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": "a"})));
    let answer = app.call(request.header("origin", ORIGIN), &app.organization.key).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ORIGIN));
    let vary: Vec<&str> =
        answer.headers.get_all("vary").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(vary.contains(&"origin"), "{vary:?}");
    let exposed = answer.header("access-control-expose-headers");
    for name in ["x-request-id", "x-failsoft-model", "x-failsoft-attempts"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name} in {exposed}");
    }
    // Errors are readable too, in their own format.
    let refused = app.send(app.request(Method::GET, "/v1/models").header("origin", ORIGIN)).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, ORIGIN));
    assert!(refused.json()["error"]["message"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_and_pages_are_as_closed_as_before() {
    let app = with_origins(&[ORIGIN]).await;
    for origin in
        ["https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "null"]
    {
        let answer = preflight(&app, "/v1/models", origin, "authorization").await;
        assert_eq!(answer.status, 405, "{origin}");
        let read = app
            .call(app.request(Method::GET, "/v1/models").header("origin", origin), &app.organization.key)
            .await;
        for answer in [answer, read] {
            assert!(answer.headers.get("access-control-allow-origin").is_none(), "{origin}");
        }
    }
    for path in ["/", "/login", "/models", "/providers", "/docs", "/static/x"] {
        let answer = preflight(&app, path, ORIGIN, "content-type").await;
        assert!(answer.headers.get("access-control-allow-origin").is_none(), "{path}");
        let read = app.send(app.request(Method::GET, path).header("origin", ORIGIN)).await;
        assert!(read.headers.get("access-control-allow-origin").is_none(), "{path}");
    }
    let any = with_origins(&["*"]).await;
    let answer = preflight(&any, "/v1/models", "https://whatever.example.com", "authorization").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "*"));
    assert!(answer.headers.get("access-control-allow-credentials").is_none());
    let closed = App::start(Kind::Sqlite).await;
    let answer = preflight(&closed, "/v1/models", ORIGIN, "authorization").await;
    assert_eq!(answer.status, 405);
    assert!(
        answer.headers.get("access-control-allow-origin").is_none() && answer.headers.get("vary").is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_its_body() {
    let app = App::start(Kind::Sqlite).await;
    let browser = Browser::owner(&app, "acme").await;
    let asset = browser.get("/").await.html;
    let (_, asset) = asset.split_once("href=\"/static/").expect("a style");
    let asset = format!("/static/{}", asset.split('"').next().expect("its name"));
    for path in
        ["/livez", "/readyz", "/health/liveliness", "/login", "/docs", "/openapi.json", &asset, "/nothing"]
    {
        let get = app.send(app.request(Method::GET, path)).await;
        let head = app.send(app.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    for path in ["/v1/models", "/fallback", "/v1/model-router/requests"] {
        let head = app.call(app.request(Method::HEAD, path), &app.organization.key).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(app.send(app.request(Method::HEAD, path)).await.status, 401, "{path}");
    }
    // Every route that can be read and needs no id; live views have no end.
    for route in ROUTES.iter().filter(|route| route.method == Verb::Get && !route.path.contains('{')) {
        let request = |method: Method| match route.surface {
            Surface::Api => app.request(method, route.path).bearer_auth(&app.organization.key),
            Surface::Page => browser.request(method, route.path),
        };
        let head = browser.send(request(Method::HEAD)).await;
        assert!(head.html.is_empty() && head.status != 405, "{}: {}", route.path, head.status);
        if !route.path.ends_with("/live") {
            assert_eq!(head.status, browser.send(request(Method::GET)).await.status, "{}", route.path);
        }
    }
    let refused = app.call(app.request(Method::HEAD, "/v1/chat/completions"), &app.organization.key).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "POST"));
    // The connection is reusable afterward, and endless responses do not block.
    let mut raw = Raw::connect(app.address).await;
    let cookie = format!("failsoft={}", browser.cookie("failsoft").expect("a session"));
    raw.send(format!("HEAD /events/live HTTP/1.1\r\nhost: test\r\ncookie: {cookie}\r\n\r\n")).await;
    raw.read_until("text/event-stream").await;
    raw.send("GET /livez HTTP/1.1\r\nhost: test\r\n\r\n").await;
    raw.read_until("ok\n").await;
}

on_both_databases! {
    async fn a_byte_order_mark_before_the_json_is_ignored(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::answer("From a"));
        let list = json!({"model": "a", "fallback_models": ["b"]});
        for (path, body, status) in [
            ("/v1/chat/completions", chat_body(&json!({"model": "a"})), 200),
            ("/api/v1/chat/completions", chat_body(&json!({"model": "a"})), 200),
            ("/fallback", list, 200),
            ("/v1/model-router/explain", chat_body(&json!({"model": "a"})), 200),
            ("/v1/identity/api-keys", json!({"name": "marked", "scopes": ["inference"]}), 201),
        ] {
            let request = app.request(Method::POST, path).header("content-type", "application/json");
            let answer = app.call(request.body(format!("\u{feff}{body}")), &app.organization.key).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }

    async fn slashes_too_many_lead_to_the_same_models(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::answer("From a"));
        for path in ["//v1/chat/completions", "/v1//chat/completions", "//api//v1/chat/completions", "//chat/completions?x=1", "/v1/v1/chat/completions"] {
            let answer = app.post(path, &chat_body(&json!({"model": "a"}))).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
        assert_eq!(app.get("//v1/models").await.status, 200);
        assert_eq!(app.get("/v1/v1/models").await.status, 200);
        // Unsupported endpoints are absent, and answer in the API's format.
        for path in ["//v1/nothing", "/v1/./models", "//v1/model-router/models", "/v1/v1/model-router/models", "//metrics", "//fallback"] {
            let answer = app.send(with_json(app.request(Method::POST, path), &json!({}))).await;
            assert!(matches!(answer.status, 401 | 404 | 405), "{path}: {}", answer.text());
            assert_eq!(answer.header("content-type"), "application/json", "{path}");
        }
    }

    async fn azures_clients_name_the_model_in_the_path(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "vendor/b"]).await;
        fake.always_for("a-upstream", Script::answer("From a"));
        fake.always_for("vendor/b-upstream", Script::answer("From b"));
        let ask = async |path: &str, body: Value| {
            let request = with_json(app.request(Method::POST, path), &body);
            app.send(request.header("api-key", &app.organization.key)).await
        };
        let messages = json!([{"role": "user", "content": "Hello"}]);
        let version = "chat/completions?api-version=2024-10-21";
        for (path, body, said) in [
            ("/openai/deployments/a", json!({"messages": messages}), "From a"),
            ("/openai/deployments/a", json!({"model": "a", "messages": messages}), "From a"),
            ("/openai/deployments/a", json!({"model": null, "messages": messages}), "From a"),
            ("/openai/deployments/vendor/b", json!({"messages": messages}), "From b"),
            ("/openai/deployments/vendor%2Fb", json!({"messages": messages}), "From b"),
            ("/openai/v1", json!({"model": "a", "messages": messages}), "From a"),
        ] {
            let answer = ask(&format!("{path}/{version}"), body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert_eq!(answer.json()["choices"][0]["message"]["content"], said, "{path}");
        }
        let other = ask(&format!("/openai/deployments/a/{version}"), json!({"model": "vendor/b", "messages": messages})).await;
        assert_eq!((other.status, other.json()["error"]["param"].clone()), (400, json!("model")), "{}", other.text());
        let unknown = ask(&format!("/openai/deployments/x/{version}"), json!({"messages": messages})).await;
        assert_eq!((unknown.status, unknown.json()["error"]["code"].clone()), (404, json!("model_not_found")));
        let list = app.send(app.request(Method::GET, "/openai/models").header("api-key", &app.organization.key)).await;
        assert_eq!(list.json()["data"].as_array().expect("a list").len(), 2);
    }

    async fn a_key_is_one_key_in_whichever_header(app: App) {
        let own = app.organization.key.clone();
        let other = app.organization.key_with(&[]).await;
        let call = async |headers: &[(&str, &str)]| {
            let request = headers.iter().fold(app.request(Method::GET, "/v1/identity/whoami"), |request, (name, value)| {
                request.header(*name, *value)
            });
            app.send(request).await.status
        };
        let bearer = format!("Bearer {own}");
        assert_eq!(call(&[("api-key", &own)]).await, 200);
        assert_eq!(call(&[("api-key", &own), ("x-api-key", &own), ("authorization", &bearer)]).await, 200);
        for (name, value) in [("x-api-key", own.as_str()), ("authorization", &bearer)] {
            assert_eq!(call(&[("api-key", &other), (name, value)]).await, 401, "{name}");
        }
        assert_eq!(call(&[("api-key", "sk-123")]).await, 401);
    }

    async fn an_sdk_without_v1_finds_the_models_and_a_browser_the_page(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "vendor/b"]).await;
        fake.always_for("a-upstream", Script::answer("From a"));
        let list = app.get("/models").await;
        assert_eq!((list.status, list.json()["object"].clone()), (200, json!("list")), "{}", list.text());
        assert_eq!(app.get("/models/vendor/b").await.json()["id"], "vendor/b");
        assert_eq!(app.get("/models/x").await.json()["error"]["code"], "model_not_found");
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert_eq!(app.post("/chat/completions", &chat_body(&json!({"model": "a"}))).await.status, 200);
        let wrong = app.call(app.request(Method::GET, "/models"), "sk-123").await;
        assert_eq!((wrong.status, wrong.header("content-type")), (401, "application/json"));
        Browser::new(&app).get("/models").await.leads_to("/login?next=%2Fmodels");
        let owner = Browser::owner(&app, "acme").await;
        assert!(owner.get("/models").await.expect(200).html.starts_with("<!doctype html>"));
        // A proxy in front may have its own sign-in.
        let basic = owner.request(Method::GET, "/models").basic_auth("ann", Some("x"));
        assert!(owner.send(basic).await.expect(200).html.starts_with("<!doctype html>"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_json_wherever_it_calls() {
    let app = App::start(Kind::Sqlite).await;
    let key = &app.organization.key;
    let request = |method, path| app.request(method, path);
    for (how, request) in [
        ("a JSON body", with_json(request(Method::POST, "/nothing"), &json!({"model": "a"}))),
        ("a JSON body on the root", with_json(request(Method::POST, "/"), &json!({"model": "a"}))),
        ("a key", request(Method::GET, "/nothing").bearer_auth(key)),
        ("a key where a page is", request(Method::GET, "/providers").header("x-api-key", key)),
        ("it wants JSON", request(Method::GET, "/nothing").header("accept", "application/json")),
        (
            "it wants JSON where a page is",
            request(Method::GET, "/providers").header("accept", "application/json"),
        ),
    ] {
        let answer = app.send(request).await;
        assert!(matches!(answer.status, 404 | 405), "{how}: {} {}", answer.status, answer.text());
        assert_eq!(answer.header("content-type"), "application/json", "{how}");
        assert!(answer.json()["error"]["message"].is_string(), "{how}: {}", answer.text());
    }
    let browser = request(Method::GET, "/nothing").header("accept", "text/html,application/json;q=0.9");
    assert_eq!(app.send(browser).await.header("content-type"), "text/html; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_pages_say_that_they_want_no_other() {
    let https = |settings: &mut failsoft::config::Settings| {
        settings.server.public_url = Some("https://gateway.example.com".parse().expect("a URL"));
    };
    let app = App::start_with(Kind::Sqlite, https).await;
    for path in ["/login", "/", "/nothing", "/docs"] {
        let answer = app.send(app.request(Method::GET, path)).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
    let plain = App::start(Kind::Sqlite).await;
    assert_eq!(
        plain.send(plain.request(Method::GET, "/login")).await.header("strict-transport-security"),
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_drains_it_sends_callers_elsewhere() {
    let app = App::start_with(Kind::Sqlite, |settings| settings.server.drain_notice_seconds = 30).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a"]).await;
    fake.always_for("a-upstream", Script::answer("From a"));
    let before = app.get("/v1/models").await;
    assert_eq!((before.status, before.header("connection")), (200, ""));
    app.stopper.stop();
    let ready = crate::support::app::eventually(async || {
        let answer = app.send(app.request(Method::GET, "/readyz")).await;
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(ready.await.header("connection"), "close");
    // A late caller is served, and its connection is then closed.
    let mut raw = Raw::connect(app.address).await;
    raw.chat(&app.organization.key, &chat_body(&json!({"model": "a"}))).await;
    let seen = raw.read_to_end().await.to_lowercase();
    assert!(seen.starts_with("http/1.1 200") && seen.contains("connection: close"), "{seen}");
}
