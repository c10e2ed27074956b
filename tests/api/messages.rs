//! `POST /v1/messages`, the count of tokens, and the list of models in Anthropic's shape.

mod caller_isolation;
mod count_tokens;
mod errors;
mod failover;
mod faults;
mod models;
mod other_dialects;
mod other_forms;
mod passthrough;
mod simulated;
mod streams;
mod threads;
mod usage;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, Organization, with_json};
use crate::support::fake_provider::FakeProvider;

/// The body of a message; `more` is merged into it.
fn body(more: &Value) -> Value {
    let mut body = json!({"max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// Sends a message as Anthropic's clients do.
async fn message(app: &App, more: &Value) -> Answer {
    let request = with_json(app.request(Method::POST, "/v1/messages"), &body(more));
    app.send(request.header("x-api-key", &app.organization.key).header("anthropic-version", "2023-06-01"))
        .await
}

/// Models of one fake provider that speaks Anthropic's dialect.
async fn catalog(organization: &Organization, fake: &FakeProvider, names: &[&str]) {
    let provider = organization.provider_at("claude", "custom-messages", Some(&fake.base_url())).await;
    for name in names {
        organization.model(name, provider).await;
    }
}

/// The names of the events of a stream, in order.
fn names(answer: &Answer) -> Vec<String> {
    let text = answer.text();
    text.lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect()
}
