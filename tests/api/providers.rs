//! `/v1/model-router/providers`.

use failsoft::config::Settings;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, with_json};
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::{
    assert_absent, assert_guarded, each, items, refusal, violation, violations, walk,
};
use crate::support::on_both_databases;

const PROVIDERS: &str = "/v1/model-router/providers";
const SECRET: &str = "sk-test-credential-7f3a";

async fn made(app: &App, body: &Value) -> Value {
    let answer = app.post(PROVIDERS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let row = answer.json();
    let id = row["id"].as_str().expect("an id");
    assert_eq!(answer.header("location"), format!("{PROVIDERS}/{id}"));
    row
}

async fn changed(app: &App, id: &Value, body: &Value) -> Value {
    let answer = app.patch(&format!("{PROVIDERS}/{}", id.as_str().expect("an id")), body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

on_both_databases! {
    async fn a_provider_lives_from_its_making_to_its_deletion(app: App) {
        let openai = made(&app, &json!({"name": "OpenAI", "preset": "openai", "credential": SECRET})).await;
        let keys: Vec<&str> = openai.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "base_url",
                "created_at",
                "credential_hint",
                "health",
                "health_at",
                "health_message",
                "id",
                "name",
                "preset",
                "requests_per_minute",
                "stream_options",
                "tokens_per_minute",
                "updated_at"
            ]
        );
        assert_eq!((&openai["name"], &openai["preset"]), (&json!("OpenAI"), &json!("openai")));
        assert_eq!((&openai["base_url"], &openai["credential_hint"]), (&json!(null), &json!("7f3a")));
        assert_eq!((&openai["health"], &openai["health_at"]), (&json!("unknown"), &json!(null)));
        let id = &openai["id"];
        let path = format!("{PROVIDERS}/{}", id.as_str().expect("an id"));
        assert_eq!(app.get(&path).await.json(), openai);

        app.clock.advance(std::time::Duration::from_secs(1));
        let renamed = changed(&app, id, &json!({"name": "OpenAI (Europe)"})).await;
        assert_eq!(
            (&renamed["name"], &renamed["credential_hint"]),
            (&json!("OpenAI (Europe)"), &json!("7f3a"))
        );
        assert_eq!(renamed["created_at"], openai["created_at"]);
        assert_ne!(renamed["updated_at"], openai["updated_at"]);
        // A response may be sent back; its read-only members have no effect.
        let mut whole = renamed.clone();
        for (member, value) in
            [("health", "ok"), ("credential_hint", "zzzz"), ("created_at", "1990-01-01T00:00:00Z")]
        {
            whole[member] = json!(value);
        }
        let same = changed(&app, id, &whole).await;
        assert_eq!((&same["health"], &same["credential_hint"]), (&json!("unknown"), &json!("7f3a")));
        assert_eq!(same["created_at"], openai["created_at"]);
        assert_eq!(openai["stream_options"], "auto");
        for setting in ["unsupported", "supported", "auto"] {
            let set = changed(&app, id, &json!({"stream_options": setting})).await;
            assert_eq!(set["stream_options"], setting);
            assert_eq!(changed(&app, id, &json!({"name": "OpenAI (Europe)"})).await["stream_options"], setting);
        }

        let gone = app.delete(&path).await;
        assert_eq!((gone.status, gone.body.len()), (204, 0));
        for answer in [app.get(&path).await, app.patch(&path, &json!({})).await, app.delete(&path).await] {
            assert_eq!(refusal(&answer), (404, "not_found".to_owned()));
        }
        assert_eq!(items(&app, PROVIDERS).await, Vec::<Value>::new());
        // Its name is free again.
        let named = json!({"name": "OpenAI (Europe)", "preset": "simulated", "stream_options": "unsupported"});
        assert_eq!(made(&app, &named).await["stream_options"], "unsupported");
    }

    async fn every_field_is_checked_and_every_violation_is_named(app: App) {
        let good = json!({"name": "p", "preset": "custom", "base_url": "https://llm.example.com/v1"});
        for (member, value, named) in [
            ("name", json!(""), "body.name value_error"),
            ("name", json!("x".repeat(101)), "body.name value_error"),
            ("name", json!(" padded"), "body.name value_error"),
            ("name", json!("two\nlines"), "body.name value_error"),
            ("name", json!("nul\u{0}"), "body.name value_error"),
            ("name", json!(7), "body.name string_type"),
            ("name", json!(null), "body.name string_type"),
            ("preset", json!("OpenAI"), "body.preset literal_error"),
            ("preset", json!(""), "body.preset literal_error"),
            ("preset", json!(["custom"]), "body.preset literal_error"),
            ("base_url", json!(null), "body.base_url missing"),
            ("base_url", json!(""), "body.base_url value_error"),
            ("base_url", json!("example"), "body.base_url value_error"),
            ("base_url", json!("ftp://example.com"), "body.base_url value_error"),
            ("base_url", json!("https://user:pass@example.com"), "body.base_url value_error"),
            ("base_url", json!("https://example.com/v1#part"), "body.base_url value_error"),
            ("base_url", json!("https://10.0.0.1/v1"), "body.base_url value_error"),
            ("base_url", json!("https://[::ffff:10.0.0.1]/v1"), "body.base_url value_error"),
            ("base_url", json!("https://169.254.169.254/latest"), "body.base_url value_error"),
            ("base_url", json!("http://8.8.8.8/v1"), "body.base_url value_error"),
            ("base_url", json!(format!("http://{}/v1", app.address)), "body.base_url value_error"),
            (
                "base_url",
                json!(format!("https://example.com/{}", "x".repeat(2_048))),
                "body.base_url value_error",
            ),
            ("base_url", json!({}), "body.base_url string_type"),
            ("stream_options", json!("maybe"), "body.stream_options literal_error"),
            ("stream_options", json!(true), "body.stream_options literal_error"),
            ("stream_options", json!(null), "body.stream_options literal_error"),
            ("credential", json!(""), "body.credential value_error"),
            ("credential", json!("two words"), "body.credential value_error"),
            ("credential", json!("line\nbreak"), "body.credential value_error"),
            ("credential", json!("nul\u{0}"), "body.credential value_error"),
            ("credential", json!("x".repeat(8_193)), "body.credential value_error"),
            ("credential", json!(7), "body.credential string_type"),
            ("credentials", json!(SECRET), "body.credentials extra_forbidden"),
        ] {
            let mut body = good.clone();
            body[member] = value.clone();
            let answer = app.post(PROVIDERS, &body).await;
            assert_eq!(violation(&answer), named, "{member}: {value}");
        }
        for (body, named) in [
            (json!({"preset": "simulated"}), "body.name missing"),
            (json!({"name": "p"}), "body.preset missing"),
            (json!({"name": "p", "preset": "openai"}), "body.credential value_error"),
            (json!({"name": "p", "preset": "azure", "credential": SECRET}), "body.base_url missing"),
            (
                json!({"name": "p", "preset": "simulated", "credential": SECRET}),
                "body.credential value_error",
            ),
            (
                json!({"name": "p", "preset": "simulated", "base_url": "https://api.example.com"}),
                "body.base_url value_error",
            ),
        ] {
            assert_eq!(violation(&app.post(PROVIDERS, &body).await), named, "{body}");
        }
        let everything =
            app.post(PROVIDERS, &json!({"name": 1, "preset": "x", "base_url": 2, "zone": 3})).await;
        assert_eq!(violations(&everything).len(), 4, "{}", everything.text());
        let words = app.post(PROVIDERS, &json!({"name": "p", "preset": "none"})).await.text();
        assert!(words.contains("'openai'") && words.contains("'simulated'"), "{words}");

        for (body, named) in [
            ("", "body missing"),
            ("{", "body json_invalid"),
            ("[]", "body dict_type"),
            (r#"{"name": "a", "preset": "simulated", "name": "b"}"#, "body.name value_error"),
            (r#"{"name": "a", "preset": "simulated", "id": {"x": [{"y": 1, "y": 1}]}}"#, "body.id.x.0.y value_error"),
        ] {
            let request = app.request(Method::POST, PROVIDERS).body(body);
            assert_eq!(violation(&app.call(request, &app.organization.key).await), named, "{body}");
        }
        for (preset, address, left) in [
            ("azure", "https://RESOURCE.openai.azure.com/openai/v1", "RESOURCE"),
            ("azure", "https://YOUR-RESOURCE.openai.azure.com/openai/v1", "YOUR-RESOURCE"),
            ("bedrock", "https://bedrock-runtime.{region}.amazonaws.com", "{region}"),
            ("custom", "https://example\u{2026}/v1", "example\u{2026}"),
            ("custom", "https://api.example.com/v1", "api.example.com"),
        ] {
            let body = json!({"name": "p", "preset": preset, "base_url": address, "credential": SECRET});
            let refused = app.post(PROVIDERS, &body).await.text();
            assert!(refused.contains(&format!("the placeholder '{left}' in it")), "{address}: {refused}");
        }
        let two = json!({"name": "p", "preset": "openai", "credential": "sk-one\nsk-two"});
        let two = app.post(PROVIDERS, &two).await.text();
        assert!(two.contains("has a line break in it: paste the key alone") && !two.contains("sk-"), "{two}");
        let fragment = json!({"name": "p", "preset": "custom", "base_url": "https://example.com/v1#part"});
        let fragment = app.post(PROVIDERS, &fragment).await.text();
        assert!(fragment.contains("holds a '#'"), "{fragment}");
        assert_eq!(items(&app, PROVIDERS).await, Vec::<Value>::new(), "nothing of it was stored");
    }

    async fn what_was_copied_along_with_a_credential_is_left_out(app: App) {
        for (name, around) in [("a", format!("{SECRET}\n")), ("b", format!(" \t{SECRET}\r\n "))] {
            let body = json!({"name": name, "preset": "openai", "credential": around});
            let made = made(&app, &body).await;
            assert!(made["credential_hint"].as_str().is_some_and(|hint| SECRET.ends_with(hint)), "{made}");
            let path = format!("{PROVIDERS}/{}", made["id"].as_str().expect("an id"));
            let changed = app.patch(&path, &json!({"credential": around})).await;
            assert_eq!((changed.status, &changed.json()["credential_hint"]), (200, &made["credential_hint"]));
        }
    }

    async fn a_body_that_is_no_plain_json_is_refused(app: App) {
        let encoded = app.request(Method::POST, PROVIDERS).header("content-encoding", "gzip").body("x");
        let answer = app.call(encoded, &app.organization.key).await;
        assert_eq!(refusal(&answer), (415, "unsupported_media_type".to_owned()));
        let large = app.request(Method::POST, PROVIDERS).body(" ".repeat(64 * 1024 + 1));
        let answer = app.call(large, &app.organization.key).await;
        assert_eq!(refusal(&answer), (413, "payload_too_large".to_owned()));
    }

    async fn a_change_must_fit_what_stays(app: App) {
        let body = json!({
            "name": "own", "preset": "vllm", "base_url": "https://llm.example.com/v1", "credential": SECRET
        });
        let own = made(&app, &body).await;
        let id = &own["id"];
        let path = format!("{PROVIDERS}/{}", id.as_str().expect("an id"));
        for (body, named) in [
            (json!({"name": null}), "body.name string_type"),
            (json!({"preset": null}), "body.preset literal_error"),
            (json!({"base_url": null}), "body.base_url missing"),
            (json!({"base_url": "https://192.168.0.1/v1"}), "body.base_url value_error"),
            (json!({"preset": "simulated", "credential": null}), "body.base_url value_error"),
            (
                json!({"preset": "simulated", "base_url": null, "credential": SECRET}),
                "body.credential value_error",
            ),
            (json!({"preset": "openai", "credential": null}), "body.credential value_error"),
            // The stored credential would be sent to another host.
            (json!({"base_url": "https://elsewhere.example.com/v1"}), "body.credential value_error"),
            (json!({"base_url": "https://llm.example.com:8443/v1"}), "body.credential value_error"),
            (json!({"preset": "openai", "base_url": null}), "body.credential value_error"),
            (json!({"url": "https://llm.example.com"}), "body.url extra_forbidden"),
        ] {
            assert_eq!(violation(&app.patch(&path, &body).await), named, "{body}");
        }
        assert_eq!(app.get(&path).await.json(), own, "a refused change leaves no trace");

        // Another path on the same host keeps the credential; another host requires sending it again.
        let moved = changed(&app, id, &json!({"base_url": "https://llm.example.com/v2"})).await;
        assert_eq!(
            (&moved["base_url"], &moved["credential_hint"]),
            (&json!("https://llm.example.com/v2"), &json!("7f3a"))
        );
        let moved = changed(
            &app,
            id,
            &json!({"base_url": "https://new.example.com", "credential": "sk-another-one-91c2"}),
        )
        .await;
        assert_eq!(moved["credential_hint"], "91c2");
        let bare = changed(&app, id, &json!({"credential": null})).await;
        assert_eq!(bare["credential_hint"], json!(null));
        assert_eq!(
            violation(&app.patch(&path, &json!({"preset": "groq", "base_url": null})).await),
            "body.credential value_error"
        );
        let simulated = changed(&app, id, &json!({"preset": "simulated", "base_url": null})).await;
        assert_eq!((&simulated["preset"], &simulated["base_url"]), (&json!("simulated"), &json!(null)));
    }

    async fn a_name_is_taken_once_and_a_provider_in_use_stays(app: App) {
        let first = made(&app, &json!({"name": "one", "preset": "simulated"})).await;
        let second = made(&app, &json!({"name": "two", "preset": "simulated"})).await;
        let again = app.post(PROVIDERS, &json!({"name": "one", "preset": "simulated"})).await;
        assert_eq!(refusal(&again), (409, "conflict".to_owned()));
        let path = format!("{PROVIDERS}/{}", second["id"].as_str().expect("an id"));
        assert_eq!(refusal(&app.patch(&path, &json!({"name": "one"})).await), (409, "conflict".to_owned()));
        let model = json!({"name": "m", "provider_id": first["id"]});
        assert_eq!(app.post("/v1/model-router/models", &model).await.status, 201);
        let used = app.delete(&format!("{PROVIDERS}/{}", first["id"].as_str().expect("an id"))).await;
        assert_eq!(refusal(&used), (409, "conflict".to_owned()));
        assert!(used.text().contains("'m'"), "{}", used.text());
        assert_eq!(app.delete(&path).await.status, 204);
    }

    async fn a_list_is_read_page_by_page(app: App) {
        for number in 0..7 {
            made(&app, &json!({"name": format!("p{number}"), "preset": "simulated"})).await;
        }
        let pages = walk(&app, &format!("{PROVIDERS}?limit=2")).await;
        assert_eq!(pages.len(), 4);
        assert_eq!(each(&pages.concat(), "name"), ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]);
        assert_eq!(violation(&app.get(&format!("{PROVIDERS}?name=p1")).await), "query.name extra_forbidden");
        let answer = app.get(&format!("{PROVIDERS}?cursor=abc")).await;
        assert_eq!(refusal(&answer), (400, "invalid_cursor".to_owned()));
    }

    async fn a_credential_goes_to_its_provider_and_nowhere_else(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::error(401, "invalid_api_key", &format!("Incorrect API key provided: {SECRET}")));
        let body =
            json!({"name": "fake", "preset": "custom", "base_url": fake.base_url(), "credential": SECRET});
        let created = app.post(PROVIDERS, &body).await;
        let id = created.json()["id"].as_str().expect("an id").to_owned();
        let path = format!("{PROVIDERS}/{id}");
        let refused = json!({"credential": SECRET, "base_url": "ftp://x"});
        let mut seen = vec![
            created,
            app.get(&path).await,
            app.get(PROVIDERS).await,
            app.patch(&path, &json!({"credential": SECRET})).await,
            app.patch(&path, &refused).await,
        ];
        app.post("/v1/model-router/models", &json!({"name": "m", "provider_id": id, "num_retries": 0})).await;
        seen.push(app.chat(&json!({"model": "m"})).await);
        assert_eq!(fake.requests()[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
        seen.push(app.get("/v1/model-router/fallback-events").await);
        app.requests(1).await;
        seen.push(app.get("/v1/model-router/requests").await);
        seen.push(app.get("/v1/model-router/models").await);
        for answer in seen {
            assert!(!answer.text().contains(SECRET), "{}", answer.text());
            assert!(!format!("{:?}", answer.headers).contains(SECRET));
        }
    }

    async fn a_stored_credential_reaches_no_other_server(app: App) {
        let (own, thief) = (FakeProvider::start().await, FakeProvider::start().await);
        for fake in [&own, &thief] {
            fake.always(Script::json(200, &json!({"object": "list", "data": []})));
        }
        let body =
            json!({"name": "fake", "preset": "custom", "base_url": own.base_url(), "credential": SECRET});
        let id = made(&app, &body).await["id"].as_str().expect("an id").to_owned();
        let path = format!("{PROVIDERS}/{id}");
        let key = app.organization.key_with(&[Scope::RouterManage, Scope::RouterRead]).await;
        let elsewhere = json!({"base_url": format!("{}/thief", thief.base_url())});
        let refused = app.call(with_json(app.request(Method::PATCH, &path), &elsewhere), &key).await;
        assert_eq!((refused.status, violation(&refused)), (422, "body.credential value_error".to_owned()));
        assert!(refused.text().contains("give the credential again"), "{}", refused.text());
        let test = app.request(Method::POST, &format!("{path}/test"));
        app.call(with_json(test, &Value::Null), &key).await;
        assert_eq!(own.requests()[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
        assert!(thief.requests().is_empty());
        // Given again, the new one is sent there; the stored one is gone.
        let given = json!({"base_url": thief.base_url(), "credential": "sk-of-the-caller-0001"});
        assert_eq!(app.call(with_json(app.request(Method::PATCH, &path), &given), &key).await.status, 200);
        let test = app.request(Method::POST, &format!("{path}/test"));
        app.call(with_json(test, &Value::Null), &key).await;
        assert_eq!(thief.requests()[0].header("authorization"), Some("Bearer sk-of-the-caller-0001"));
    }

    async fn a_provider_is_seen_and_changed_by_its_own_organization_only(app: App) {
        let stranger = app.other_organization("stranger").await;
        let foreign = stranger.provider_at("theirs", "simulated", None).await;
        assert_eq!(items(&app, PROVIDERS).await, Vec::<Value>::new());
        let path = format!("{PROVIDERS}/{foreign}");
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            assert_absent(&app, method, PROVIDERS, &foreign.to_string()).await;
        }
        for (method, path, scope) in [
            (Method::GET, PROVIDERS, "router:read"),
            (Method::POST, PROVIDERS, "router:manage"),
            (Method::GET, path.as_str(), "router:read"),
            (Method::PATCH, &path, "router:manage"),
            (Method::DELETE, &path, "router:manage"),
        ] {
            assert_guarded(&app, method, path, scope).await;
        }
        // Read permission does not include management.
        let reader = app.organization.key_with(&[Scope::RouterRead]).await;
        let body = json!({"name": "p", "preset": "simulated"});
        let answer = app.call(with_json(app.request(Method::POST, PROVIDERS), &body), &reader).await;
        assert_eq!(refusal(&answer), (403, "forbidden".to_owned()));
        let theirs = app.call(app.request(Method::GET, &path), &stranger.key).await;
        assert_eq!(theirs.json()["name"], "theirs", "it is still there");
        let wrong = app.send(app.request(Method::PUT, &path)).await;
        assert_eq!((wrong.status, wrong.header("allow")), (405, "GET, HEAD, PATCH, DELETE"));
    }
}

/// Unless the operator opened a range, local addresses are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loopback_is_closed_unless_opened() {
    let close = |settings: &mut Settings| settings.upstream.allow_private.clear();
    let app = App::start_with(Kind::Sqlite, close).await;
    for (preset, base_url) in [
        ("ollama", json!(null)),
        ("vllm", json!("http://127.0.0.1:8000/v1")),
        ("vllm", json!("https://localhost/v1")),
        ("custom", json!("https://2130706433/v1")),
        ("custom", json!("https://[::1]/v1")),
    ] {
        let body = json!({"name": "p", "preset": preset, "base_url": base_url});
        assert_eq!(violation(&app.post(PROVIDERS, &body).await), "body.base_url value_error", "{body}");
    }
}
