//! What one caller's own headers and fields make a provider refuse closes no model to the others.

use reqwest::Method;
use serde_json::{Value, json};

use super::{body, catalog, message};
use crate::support::app::with_json;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// More failures in a row than close a model.
const BAD: usize = 8;

/// An error of Anthropic's with a long wait.
fn refusal(status: u16, kind: &str, message: &str) -> Script {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}}).to_string();
    Script::respond(status, &[("content-type", "application/json"), ("retry-after", "3600")], &body)
}

/// A header and fields of one caller, and the provider's response to them.
fn own() -> Vec<((&'static str, &'static str), Value, Script)> {
    let plain = ("anthropic-version", "2023-06-01");
    let workspace = ("anthropic-workspace-id", "wrkspc_01");
    let denied = refusal(403, "permission_error", "Your API key may not use this workspace.");
    let limit =
        refusal(429, "rate_limit_error", "This request would exceed the rate limit of your organization.");
    let oauth = refusal(401, "authentication_error", "OAuth authentication is currently not supported.");
    let content = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let pdf = json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}});
    let hour = json!({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}});
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1_024}, "max_tokens": 2_048});
    let account = "11111111-2222-3333-4444-555555555555";
    let user = json!({"metadata": {"user_id": format!("user_0a1b2c3d_account_{account}_session_99999999")}});
    let missing = |what: &str| {
        refusal(403, "permission_error", &format!("Your organization does not have access to {what}"))
    };
    vec![
        (plain, content(pdf), refusal(429, "rate_limit_error", "Rate limit reached: PDF pages per minute")),
        (
            plain,
            content(json!({"type": "document", "source": {"type": "file", "file_id": "file_1"}})),
            refusal(401, "authentication_error", "Unauthorized"),
        ),
        (
            plain,
            content(json!({"type": "container_upload", "file_id": "file_1"})),
            refusal(401, "authentication_error", "Unauthorized"),
        ),
        (plain, content(hour), missing("(1 hour) prompt caching")),
        (plain, thinking, missing("extended thinking")),
        (plain, user, refusal(429, "rate_limit_error", &format!("Rate limit reached for account {account}"))),
        (workspace, json!({}), denied),
        (workspace, json!({}), refusal(401, "authentication_error", "invalid x-api-key")),
        (workspace, json!({}), limit.clone()),
        (workspace, json!({}), refusal(404, "not_found_error", "Not found")),
        (("anthropic-beta", "context-1m-2025-08-07"), json!({}), limit.clone()),
        (("anthropic-beta", "oauth-2025-04-20"), json!({}), oauth),
        (("anthropic-beta", "fast-mode-2026-02-01"), json!({"speed": "fast"}), limit.clone()),
        (plain, json!({"service_tier": "priority"}), limit.clone()),
        (
            plain,
            json!({"metadata": {"user_id": "cust-77"}}),
            refusal(429, "rate_limit_error", "Too many requests of cust-77"),
        ),
    ]
}

on_both_databases! {
    async fn what_one_message_names_closes_no_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let table = own();
        let names: Vec<String> = (0..table.len()).map(|number| format!("m{number}")).collect();
        catalog(&app.organization, &fake, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for ((header, fields, script), name) in table.into_iter().zip(&names) {
            let upstream = format!("{name}-upstream");
            fake.always_for(&upstream, script);
            let mut fields = fields.clone();
            fields["model"] = json!(name);
            let what = format!("{header:?} {fields}");
            for _ in 0..BAD {
                let request = with_json(app.request(Method::POST, "/v1/messages"), &body(&fields));
                let answer = app.send(request.header("x-api-key", &app.organization.key).header(header.0, header.1)).await;
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{what}: {}", answer.text());
            }
            fake.always_for(&upstream, Script::message("Hi"));
            let answer = message(&app, &json!({"model": name})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, name.as_str()), "{what}: {}", answer.text());
        }
    }

    async fn a_limit_of_what_claude_code_always_sends_closes_the_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["m", "good"]).await;
        fake.always_for("good-upstream", Script::message("Hi"));
        fake.always_for("m-upstream", refusal(429, "rate_limit_error", "This request would exceed the rate limit of your organization."));
        for (turn, attempts) in ["2", "1"].into_iter().enumerate() {
            let request = with_json(app.request(Method::POST, "/v1/messages"), &body(&json!({"model": "m", "models": ["good"]})));
            let request = request.header("x-api-key", &app.organization.key).header("anthropic-version", "2023-06-01");
            let beta = "claude-code-20250219,interleaved-thinking-2025-05-14";
            let answer = app.send(request.header("anthropic-beta", beta)).await;
            assert_eq!(answer.header("x-failsoft-attempts"), attempts, "{turn}: {}", answer.text());
        }
        assert_eq!(fake.served(), 3);
    }
}
