//! Outbound calls: never past the address policy, never after a redirect, never through an environment's proxy.

use failsoft::domain::failure::class::ErrorClass;
use failsoft::simulate;
use serde_json::json;

use super::pick;
use crate::support::app::{chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::process::Process;

on_both_databases! {
    async fn proxy_variables_are_ignored(app: App) {
        let (fake, proxy) = (FakeProvider::start().await, FakeProvider::start().await);
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Straight"));
        proxy.always(Script::answer("Through the proxy"));
        let trap = format!("http://{}", proxy.address());
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let process = Process::serve(&app, &names.map(|name| (name, trap.as_str()))).await;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.post(format!("http://{}/v1/chat/completions", process.address));
        let request = with_json(request, &chat_body(&json!({"model": "a"})));
        let answer = app.call(request, &app.organization.key).await;
        assert!(answer.text().contains("Straight"), "{}", answer.text());
        assert_eq!(proxy.connections().0, 0);
    }

    async fn an_address_that_is_no_longer_allowed_is_not_called(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        let closed = app.beside(|settings| settings.upstream.allow_private.clear()).await;
        let port = fake.address().port();
        for (number, address) in [
            format!("https://127.0.0.1:{port}/v1"),
            format!("http://localhost:{port}/v1"),
            format!("https://localhost:{port}/v1"),
            format!("https://[::ffff:127.0.0.1]:{port}/v1"),
            "http://169.254.169.254/latest".to_owned(),
            "https://10.0.0.1/v1".to_owned(),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("p{number}");
            let provider = app.organization.provider_at(&name, "custom", Some(&address)).await;
            app.organization.model(&name, provider).await;
        }
        crate::support::app::eventually(async || (closed.get("/v1/models/p5").await.status == 200).then_some(())).await;
        for name in ["a", "p0", "p1", "p2", "p3", "p4", "p5"] {
            let answer = closed.chat(&json!({"model": name})).await;
            assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (502, json!("unavailable")), "{name}");
            assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
        }
        assert_eq!(fake.served(), 1);
        assert!(closed.events().await.iter().all(|event| event["matched_rule"] == "connect:blocked"));
    }

    /// A server could send one organization's answer on a connection that another one uses next.
    async fn organizations_and_credentials_share_no_connection(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hi"));
        app.organization.catalog(&fake, &["a"]).await;
        let second = app.organization.provider("second", &fake).await;
        app.organization.model("b", second).await;
        let other = app.other_organization("Other").await;
        other.catalog(&fake, &["c"]).await;
        for (model, key) in [("a", &app.organization.key), ("b", &app.organization.key), ("c", &other.key), ("a", &app.organization.key), ("c", &other.key)] {
            let request = app.request(reqwest::Method::POST, "/v1/chat/completions");
            let answer = app.call(with_json(request, &chat_body(&json!({"model": model}))), key).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let connections: Vec<usize> = fake.requests().iter().map(|request| request.connection).collect();
        assert_eq!(connections, [0, 1, 2, 0, 2]);
    }

    /// A server that closes an idle connection may say so first, and that may cross with the next request.
    async fn what_closes_an_idle_connection_is_no_answer(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let page = ("content-type", "text/html");
        for (number, goodbye) in [
            Script::respond(408, &[("connection", "close")], ""),
            Script::respond(400, &[("connection", "Close")], ""),
            Script::respond(400, &[("connection", "close"), page], "<h1>400 Bad Request</h1>"),
            Script::new().send("HTTP/1.0 408 Request Time-out\r\ncontent-type: text/html\r\n\r\n<h1>408</h1>"),
            Script::new().send("HTTP/1.1 400 Bad Request\r\n\r\n"),
        ].into_iter().enumerate() {
            fake.always(Script::answer("Hi"));
            assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
            fake.next(goodbye.close());
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{number}: {}", answer.text());
        }
        assert_eq!(app.events().await, Vec::<serde_json::Value>::new());
        // A provider's own error is one, on an old connection and on a new one.
        for (number, error) in [
            Script::error(400, "invalid_value", "no"),
            Script::respond(400, &[("connection", "close"), ("content-type", "application/json")], r#"{"error":{"message":"no"}}"#),
            Script::respond(400, &[], ""),
        ].into_iter().enumerate() {
            assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
            let before = fake.served();
            fake.next(error);
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!((answer.status, fake.served()), (400, before + 1), "{number}: {}", answer.text());
        }
    }

    /// A server that sends more than its answer gets no further request on that connection, so the next caller gets its own.
    async fn what_follows_an_answer_is_not_the_next_callers(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let raw = |text: &str| {
            let message = json!({"role": "assistant", "content": text});
            let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
            let body = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "up", "choices": [choice]});
            let body = body.to_string();
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        };
        let gate = Gate::new();
        for (number, (script, stream)) in [
            (Script::new().send([raw("First"), raw("Stray")].concat()), false),
            (Script::new().send([raw("First").as_str(), "0\r\n\r\n"].concat()), false),
            (Script::new().send(raw("First")).wait_until(&gate).send(raw("Stray")), false),
            (Script::stream().text("First").finish("stop").done().send(raw("Stray")), true),
        ].into_iter().enumerate() {
            fake.next(script);
            let first = app.chat(&json!({"model": "a", "stream": stream})).await;
            assert!(first.status == 200 && first.text().contains("First"), "{number}: {}", first.text());
            gate.open();
            eventually(async || (fake.connections().1 == 0).then_some(())).await;
            fake.next(Script::answer("Its own"));
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{number}: {}", answer.text());
            assert!(answer.text().contains("Its own") && !answer.text().contains("Stray"), "{number}: {}", answer.text());
        }
        assert_eq!(app.events().await, Vec::<serde_json::Value>::new());
    }

    async fn our_own_sockets_are_never_called(app: App) {
        let own = format!("http://{}/v1", app.address);
        let provider = app.organization.provider_at("own", "custom", Some(&own)).await;
        app.organization.model("a", provider).await;
        let by_name = format!("http://localhost:{}/v1", app.address.port());
        let provider = app.organization.provider_at("by-name", "custom", Some(&by_name)).await;
        app.organization.model("b", provider).await;
        for name in ["a", "b"] {
            assert_eq!(app.chat(&json!({"model": name})).await.status, 502);
        }
        assert!(app.events().await.iter().all(|event| event["matched_rule"] == "connect:blocked"));
    }

    async fn a_name_is_called_where_the_operator_opened_its_address(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hi"));
        let address = format!("http://localhost:{}/v1", fake.address().port());
        let provider = app.organization.provider_at("named", "custom", Some(&address)).await;
        app.organization.model("a", provider).await;
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    async fn a_redirect_is_a_failure_and_not_followed(app: App) {
        let (fake, elsewhere) = (FakeProvider::start().await, FakeProvider::start().await);
        app.organization.catalog(&fake, &["a"]).await;
        elsewhere.always(Script::answer("Hi"));
        let target = format!("{}/chat/completions", elsewhere.base_url());
        for status in [301, 302, 303, 307, 308] {
            fake.next(Script::respond(status, &[("location", &target)], ""));
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (502, json!("invalid_response")));
            assert!(!answer.text().contains("127.0.0.1"));
        }
        assert_eq!(elsewhere.connections().0, 0);
    }

    async fn a_connection_is_used_again_also_after_a_failure(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        fake.next(Script::error(503, "overloaded", &"busy ".repeat(20_000)));
        fake.next(Script::error(404, "model_not_found", "gone"));
        fake.next(Script::stream().text("Hi").finish("stop").done());
        app.chat(&json!({"model": "a"})).await;
        app.chat(&json!({"model": "a"})).await;
        app.chat(&json!({"model": "a", "stream": true})).await;
        app.chat(&json!({"model": "a"})).await;
        assert_eq!((fake.served(), fake.connections().0), (4, 1));
    }

    async fn simulated_models_fail_as_their_table_says(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        app.organization.model_like("steady", provider, |model| model.upstream_model = "sim/steady".to_owned()).await;
        let rows = || simulate::MODELS.iter().filter(|row| !row.class.contains(' ') && row.class != "none");
        for class in ErrorClass::ALL.into_iter().filter(|class| !class.is_passed_over()) {
            assert!(rows().any(|row| row.class == class.as_str()), "no simulated model fails with {class}");
        }
        for row in rows().filter(|row| !row.name.starts_with("flaky")) {
            app.organization
                .model_like(row.example, provider, |model| {
                    model.upstream_model = format!("sim/{}", row.example);
                    let patience = (row.class == "timeout").then_some(150);
                    (model.settings.first_frame_timeout_ms, model.settings.answer_timeout_ms) = (patience, patience);
                })
                .await;
            for stream in [false, true] {
                let answer = app.chat(&json!({"model": row.example, "models": ["steady"], "stream": stream})).await;
                assert_eq!(answer.status, 200, "{}: {}", row.name, answer.text());
                let event = app.events().await.pop().expect("an event");
                assert_eq!(event["failed_model"], row.example);
                if row.class == "stream_interrupted" {
                    let class = if stream { row.class } else { "invalid_response" };
                    assert_eq!(event["error_class"], class);
                    assert_eq!(answer.text().contains(r#""finish_reason":"error""#), stream);
                } else {
                    assert_eq!((&event["error_class"], answer.header("x-failsoft-model")), (&json!(row.class), "steady"), "{}", row.name);
                }
            }
        }
        let answer = app.chat(&json!({"model": "steady"})).await;
        assert_eq!(pick(&[answer.json()], &["model", "provider"]), json!([["steady", "sim"]]));
    }
}
