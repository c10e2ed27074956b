//! The same attempts in the dialect of Messages: to models that speak it, and to models that it is translated for. And
//! those at the other paths of chat completions.

use failsoft::providers::ModelPrice;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::json;

use super::{SHAPES, any_json, limited, priced, spent};
use crate::support::app::{Answer, App};
use crate::support::fake_provider::FakeProvider;
use crate::support::on_both_databases;

/// Names of prices, with those of the prompt and of the answer.
const PRICES: [(&str, Option<i64>, Option<i64>); 4] = [
    ("priced", Some(1_000_000), Some(1_000_000)),
    ("answers cost", Some(0), Some(1_000_000)),
    ("prompts cost", Some(1_000_000), Some(0)),
    ("unpriced", None, None),
];

/// Members of the body, in addition to its model, which every provider accepts or may accept.
const VALID: [&str; 10] = [
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64"#,
    r#""messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}],"max_tokens":64,"stream":true"#,
    r#""messages":[{"role":"user","content":"Hello"}]"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":0"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":1e300"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64,"system":"Be brief.""#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64,"system":[{"type":"text","text":"Be brief."}]"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64,"system":null"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":2048}"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64,"tools":[{"name":"f","input_schema":{"type":"object"}}]"#,
];

/// Members that are refused whatever the budget has left.
const INVALID: [&str; 3] = [
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64,"max_tokens":64"#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":"64""#,
    r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64,"stream":"true""#,
];

/// A budget that is used up by the one call of the provider, and models of each price: at a provider of Messages, and at
/// one of chat completions.
async fn used_up(app: &App) -> (FakeProvider, Vec<String>) {
    let fake = priced(app, 0, 1_000_000).await;
    let native = app.organization.provider_at("native", "custom-messages", Some(&fake.base_url())).await;
    let foreign = app.organization.provider("foreign", &fake).await;
    let mut models = Vec::new();
    for (dialect, provider) in [("native", native), ("translated", foreign)] {
        for (price, input, output) in PRICES {
            let name = format!("{dialect}, {price}");
            let price = ModelPrice { input, output, ..ModelPrice::default() };
            app.organization.model_like(&name, provider, |fields| fields.settings.price = Some(price)).await;
            models.push(name);
        }
    }
    let path = limited(app, 1_000).await;
    assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
    assert!(spent(app, &path).await > 1_000);
    (fake, models)
}

async fn post(app: &App, path: &str, body: String) -> Answer {
    let request = app.request(Method::POST, path).header("content-type", "application/json");
    app.call(request.body(body), &app.organization.key).await
}

/// Sends a message, and checks that the response is an error in its dialect.
async fn refused(app: &App, model: &str, members: &str) -> u16 {
    let answer = post(app, "/v1/messages", format!(r#"{{"model":"{model}",{members}}}"#)).await;
    let (status, error) = (answer.status, answer.json());
    assert!(matches!(status, 400 | 402), "{model} {members}: {error}");
    let kind = if status == 402 { "billing_error" } else { "invalid_request_error" };
    assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(kind)), "{error}");
    status
}

/// Members of the body, in addition to its model.
fn any_members() -> impl Strategy<Value = String> {
    let member = |names: &'static [&'static str]| {
        (prop::sample::select(names), any_json()).prop_map(|(name, value)| format!(r#""{name}":{value}"#))
    };
    let turn =
        any_json().prop_map(|content| format!(r#""messages":[{{"role":"user","content":{content}}}]"#));
    let plain = Just(r#""messages":[{"role":"user","content":"Hello"}]"#.to_owned());
    let messages = prop_oneof![member(&["messages", "prompt"]), turn, plain];
    let limit = member(&["max_tokens", "max_tokens", "thinking", "output_config", "metadata"]);
    let more =
        member(&["system", "tools", "tool_choice", "stop_sequences", "stream", "max_tokens", "mcp_servers"]);
    (messages, limit, more, 0..4).prop_map(|(messages, limit, more, parts)| match parts {
        0 => messages,
        1 => format!("{messages},{limit}"),
        2 => format!("{messages},{more}"),
        _ => format!("{messages},{limit},{more}"),
    })
}

on_both_databases! {
    async fn a_used_up_budget_refuses_every_shape_of_message(app: App) {
        let (fake, models) = used_up(&app).await;
        for model in &models {
            for members in VALID {
                assert_eq!(refused(&app, model, members).await, 402, "{model} {members}");
            }
            for members in INVALID {
                assert_eq!(refused(&app, model, members).await, 400, "{model} {members}");
            }
            // What cannot be translated is refused as such.
            for members in SHAPES {
                refused(&app, model, members).await;
            }
        }
        assert_eq!(fake.served(), 1);
    }

    async fn no_generated_message_passes_a_used_up_budget(app: App) {
        let (fake, models) = used_up(&app).await;
        let (mut runner, mut statuses) = (TestRunner::deterministic(), Vec::new());
        for model in models.iter().cycle().take(150) {
            let members = any_members().new_tree(&mut runner).expect("a body").current();
            statuses.push(refused(&app, model, &members).await);
        }
        assert_eq!(fake.served(), 1);
        // Most of them reach the budget.
        assert!(statuses.iter().filter(|status| **status == 402).count() > 30, "{statuses:?}");
    }

    async fn no_other_path_passes_a_used_up_budget(app: App) {
        let (fake, _) = used_up(&app).await;
        let messages = r#""messages":[{"role":"user","content":"Hello"}],"max_tokens":64"#;
        let chat = format!(r#"{{"model":"a",{messages}}}"#);
        for (path, body) in [
            ("/chat/completions", &chat),
            ("/api/v1/chat/completions", &chat),
            ("/openai/v1/chat/completions", &chat),
            ("/openai/deployments/a/chat/completions?api-version=2024-10-21", &format!("{{{messages}}}")),
            ("/messages", &chat),
        ] {
            let answer = post(&app, path, body.clone()).await;
            assert_eq!(answer.status, 402, "{path}: {}", answer.text());
        }
        assert_eq!(fake.served(), 1);
    }
}
