//! Bytes pass in both directions, except for the names of the model and our own fields.

use reqwest::Method;
use serde_json::json;

use super::{catalog, message, names};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A body with what clients send and we do not read, in their own spelling.
const BODY: &str = r#"{ "model":"a", "max_tokens":1.0e2,"system":[{"type":"text","text":"x-anthropic-billing-header: cc","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"text","text":"H\u0069"}]},{"role":"system","content":"mid"}],"thinking":{"type":"adaptive"},"context_management":{"edits":[]},"fallbacks":"default","of_next_year":{"a":[1 ,2]},"models":["b"],"session_id":"s-1"}"#;

on_both_databases! {
    async fn what_the_gateway_does_not_know_reaches_the_provider(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        fake.always(Script::message("Hi"));
        let request = app
            .request(Method::POST, "/v1/messages?beta=true")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", app.organization.key))
            .header("x-api-key", &app.organization.key)
            .header("anthropic-version", "2024-01-01")
            .header("anthropic-beta", "one,two")
            .header("anthropic-dangerous-direct-browser-access", "true")
            .header("x-claude-code-session-id", "c-1")
            .header("x-app", "cli")
            .body(BODY);
        let answer = app.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-failsoft-model"), "a");
        assert!(!answer.header("request-id").is_empty());
        assert_eq!(answer.header("request-id"), answer.header("x-request-id"));

        let sent = fake.request(0).await;
        assert_eq!(sent.path, "/v1/messages");
        assert_eq!(sent.header("x-api-key"), Some("sk-upstream-secret-0001"));
        assert_eq!(sent.header("authorization"), None);
        assert_eq!(sent.header("anthropic-version"), Some("2024-01-01"));
        assert_eq!(sent.header("anthropic-beta"), Some("one,two"));
        assert_eq!(sent.header("anthropic-dangerous-direct-browser-access"), Some("true"));
        assert_eq!((sent.header("x-app"), sent.header("x-claude-code-session-id")), (None, None));
        let body = String::from_utf8(sent.body.clone()).expect("UTF-8");
        for kept in [
            r#""max_tokens":1.0e2"#,
            r#""system":[{"type":"text","text":"x-anthropic-billing-header: cc","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
            r#"[{"type":"text","text":"H\u0069"}]},{"role":"system","content":"mid"}]"#,
            r#""fallbacks":"default""#,
            r#""of_next_year":{"a":[1 ,2]}"#,
            r#""model":"a-upstream""#,
        ] {
            assert!(body.contains(kept), "{kept} is not in {body}");
        }
        for own in ["models", "session_id"] {
            assert!(sent.json().get(own).is_none(), "{own} left the gateway");
        }
        let rows = app.requests(1).await;
        assert_eq!(rows[0]["endpoint"], "/v1/messages");
        assert_eq!(rows[0]["invocation_type"], "message");
        assert_eq!(rows[0]["session_ref"], "s-1");
    }

    async fn base_urls_with_and_without_the_version_lead_to_the_same_endpoint(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        fake.always_for("b-upstream", Script::message("Hi"));
        let body = crate::messages::body(&json!({"model": "a[1m]", "models": ["b[1m]"]}));
        for path in ["/v1/messages", "/messages", "/v1/v1/messages?beta=true", "//v1/v1/messages", "/v1//messages"] {
            let answer = app.post(path, &body).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"), "{path}: {}", answer.text());
            assert!(!answer.header("request-id").is_empty(), "{path}");
        }
        fake.always(Script::json(200, &json!({"input_tokens": 12})));
        for path in ["/messages/count_tokens", "/v1/v1/messages/count_tokens"] {
            let answer = app.post(path, &json!({"model": "b", "messages": []})).await;
            assert_ne!(answer.status, 404, "{path}: {}", answer.text());
        }
        // Errors keep their shape there.
        for path in ["/messages", "/v1/v1/messages"] {
            let answer = app.post(path, &json!({})).await;
            assert_eq!((answer.status, &answer.json()["error"]["type"]), (400, &json!("invalid_request_error")), "{path}");
        }
    }

    async fn a_whole_message_keeps_every_byte_but_the_name_of_its_model(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        let sent = r#"{"id":"msg_1", "type":"message","role":"assistant","model" : "claude-x","content":[{"type":"thinking","thinking":"T","signature":"c2ln"},{"type":"tool_use","id":"t","name":"n","input":{"b" :1}}],"stop_reason":"tool_use","stop_details":null,"usage":{"input_tokens":3,"output_tokens":2,"of_next_year":1.50},"container":{"id":"c"}}"#;
        fake.always(Script::respond(200, &[("content-type", "application/json")], sent));
        let answer = message(&app, &json!({"model": "a"})).await;
        assert_eq!(answer.text(), sent.replace("\"claude-x\"", "\"a\""));
        assert_eq!(answer.header("content-type"), "application/json");
        fake.request(0).await;
        assert_eq!(fake.requests()[0].header("anthropic-version"), Some("2023-06-01"));
    }

    async fn a_stream_keeps_every_byte_but_the_name_of_its_model(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        let events = concat!(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\": \"claude-x\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
            "event: ping\ndata: {\"type\": \"ping\"}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n",
            "event: of_next_year\ndata: {\"type\":\"of_next_year\", \"a\":1}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        );
        fake.always(Script::stream().chunk(events).end());
        let answer = message(&app, &json!({"model": "a", "stream": true})).await;
        assert_eq!(answer.text(), events.replace("\"claude-x\"", "\"a\""));
        fake.always(Script::stream().chunk(events).end().trickled());
        let trickled = message(&app, &json!({"model": "a", "stream": true})).await;
        assert_eq!(trickled.text(), answer.text());
        let rows = app.requests(2).await;
        assert_eq!(rows[0]["invocation_type"], "message_stream");
    }

    async fn the_failsoft_object_comes_only_where_it_is_asked_for(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        for (stream, script) in [(false, Script::message("Hi")), (true, Script::message_stream("Hi"))] {
            fake.always(script);
            let body = crate::messages::body(&json!({"model": "a", "stream": stream}));
            let request = crate::support::app::with_json(app.request(Method::POST, "/v1/messages"), &body);
            let request = request.header("x-failsoft-metadata", "enabled");
            let answer = app.call(request, &app.organization.key).await;
            if stream {
                let names = names(&answer);
                assert_eq!(names[names.len() - 2..], ["failsoft", "message_stop"]);
            } else {
                assert_eq!(answer.json()["failsoft"]["requested"], "a");
            }
        }
    }
}
