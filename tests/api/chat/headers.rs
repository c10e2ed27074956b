//! Only our own headers are sent, in both directions.

use reqwest::Method;
use serde_json::json;

use super::pick;
use crate::support::app::{Answer, App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;

fn names(request: &Received) -> Vec<String> {
    let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names
}

fn answered(answer: &Answer) -> Vec<String> {
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort_unstable();
    names
}

async fn ask(app: &App, stream: bool, headers: &[(&str, &str)]) -> Answer {
    let body = chat_body(&json!({"model": "a", "stream": stream}));
    let mut request = with_json(app.request(Method::POST, "/v1/chat/completions"), &body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.call(request, &app.organization.key).await
}

const FOREIGN: &[(&str, &str)] = &[
    ("cookie", "a=b"),
    ("x-custom", "1"),
    ("openai-organization", "org"),
    ("x-forwarded-for", "1.2.3.4"),
    ("accept-encoding", "gzip"),
    ("baggage", "a=b"),
    ("x-stainless-lang", "python"),
    ("x-session-id", "s"),
    ("forwarded", "for=1.2.3.4"),
];

on_both_databases! {
    async fn only_our_headers_go_upstream(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::answer("Hi"));
        ask(&app, false, FOREIGN).await;
        fake.next(Script::stream().text("Hi").finish("stop").done());
        ask(&app, true, FOREIGN).await;
        let sent = fake.requests();
        for (request, accept) in sent.iter().zip(["application/json", "text/event-stream"]) {
            assert_eq!(
                names(request),
                ["accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent", "via"]
            );
            assert_eq!(request.header("accept"), Some(accept));
            assert_eq!(request.header("accept-encoding"), Some("identity"));
            assert_eq!(request.header("content-type"), Some("application/json"));
            assert_eq!(request.header("authorization"), Some("Bearer sk-upstream-secret-0001"));
            assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("failsoft/")));
            assert!(request.header("via").is_some_and(|via| via.starts_with("1.1 failsoft-")));
        }
    }

    async fn a_valid_traceparent_goes_upstream(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (value, passed) in [
            (good, Some(good)),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", None),
            ("evil", None),
            ("00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01", None),
        ] {
            ask(&app, false, &[("traceparent", value)]).await;
            assert_eq!(fake.requests().pop().expect("a request").header("traceparent"), passed, "{value}");
        }
    }

    async fn a_vendors_own_way_of_authentication_is_used(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("azure", "azure", Some(&fake.base_url())).await;
        app.organization.model("a", provider).await;
        fake.next(Script::answer("Hi"));
        ask(&app, false, &[]).await;
        let sent = fake.requests().remove(0);
        assert_eq!(sent.header("api-key"), Some("sk-upstream-secret-0001"));
        assert_eq!(sent.header("authorization"), None);
    }

    async fn only_our_headers_reach_the_caller(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let foreign = [
            ("content-type", "application/json"),
            ("set-cookie", "a=b"),
            ("x-ratelimit-remaining-requests", "7"),
            ("openai-organization", "secret-org"),
            ("server", "upstream"),
            ("x-request-id", "theirs"),
            ("retry-after", "9"),
            ("x-should-retry", "true"),
            ("location", "http://example.com"),
            ("strict-transport-security", "max-age=1"),
        ];
        let body = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
        fake.next(Script::respond(200, &foreign, body));
        let answer = ask(&app, false, &[]).await;
        let ours = ["server-timing", "x-failsoft-attempts", "x-failsoft-fallback", "x-failsoft-model", "x-request-id"];
        let mut expected = [&ours[..], &["content-length", "content-type", "date"]].concat();
        expected.sort_unstable();
        assert_eq!(answered(&answer), expected);
        assert_ne!(answer.header("x-request-id"), "theirs");
        assert_eq!(answer.header("content-type"), "application/json");

        let stream = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nset-cookie: a=b\r\nx-y: 1\r\nconnection: close\r\n\r\ndata: {body}\n\ndata: [DONE]\n\n"
        );
        fake.next(Script::new().send(stream).close());
        let answer = ask(&app, true, &[]).await;
        let mut expected = [&ours[..], &["cache-control", "content-type", "date", "transfer-encoding", "x-accel-buffering"]].concat();
        expected.sort_unstable();
        assert_eq!(answered(&answer), expected);
        assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());

        fake.next(Script::respond(400, &foreign, "{}"));
        let answer = ask(&app, false, &[]).await;
        let mut expected = [&ours[..], &["content-length", "content-type", "date", "retry-after", "x-should-retry"]].concat();
        expected.retain(|name| *name != "x-failsoft-model");
        expected.sort_unstable();
        assert_eq!(answered(&answer), expected);
        assert_eq!(answer.header("x-should-retry"), "false");
    }

    async fn a_request_that_has_been_here_before_is_508(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::answer("Hi"));
        ask(&app, false, &[]).await;
        let via = fake.requests().remove(0).header("via").expect("a via").to_owned();
        for value in [via.clone(), format!("1.0 proxy, {via}"), format!("{via}, 1.1 other")] {
            let answer = ask(&app, false, &[("via", &value)]).await;
            assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (508, json!("loop_detected")));
            assert_eq!(answer.header("x-should-retry"), "false");
        }
        assert_eq!(fake.served(), 1);
        fake.next(Script::answer("Hi"));
        assert_eq!(ask(&app, false, &[("via", "1.1 failsoft-somebody-else")]).await.status, 200);
        // A second process of the same installation is the same gateway.
        let other = app.beside(|_| {}).await;
        assert_eq!(ask(&other, false, &[("via", &via)]).await.status, 508);
    }

    async fn the_deadline_header_is_a_number_of_milliseconds(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        for (value, status) in [("1500", 200), ("999999999999", 200), ("0", 400), ("-5", 400), ("soon", 400), ("1.5", 400), ("", 400)] {
            let answer = ask(&app, false, &[("x-failsoft-deadline-ms", value)]).await;
            assert_eq!(answer.status, status, "{value}: {}", answer.text());
            if status == 400 {
                assert_eq!(answer.json()["error"]["param"], "x-failsoft-deadline-ms");
            }
        }
    }

    async fn the_sdks_own_retry_count_is_on_record(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        for value in ["2", "many"] {
            ask(&app, false, &[("x-stainless-retry-count", value)]).await;
        }
        let rows = app.requests(2).await;
        assert_eq!(pick(&rows, &["client_retry_count"]), json!([[2], [null]]));
    }
}
