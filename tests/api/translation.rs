//! Requests to models of providers that speak another dialect than the caller.

mod call_ids;
mod chains;
mod documents;
mod gemini;
mod gemini_failures;
mod gemini_history;
mod lost_content;
mod needs;
mod signatures;
mod signed_reasoning;
mod simulated;
mod split_characters;
mod streams_to_messages;
mod to_chat;
mod to_messages;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, Organization, with_json};
use crate::support::fake_provider::{FakeProvider, Script};

/// Sends a message as Anthropic's clients do; `more` is merged into its body.
async fn message(app: &App, more: &Value) -> Answer {
    let mut body = json!({"max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let request = with_json(app.request(Method::POST, "/v1/messages"), &body);
    app.send(request.header("x-api-key", &app.organization.key).header("anthropic-beta", "of-the-caller"))
        .await
}

/// A model `claude` of a provider of Messages and a model `gpt` of one of chat completions.
async fn catalog(organization: &Organization, fake: &FakeProvider) {
    let native = organization.provider_at("native", "custom-messages", Some(&fake.base_url())).await;
    let compatible = organization.provider_at("compatible", "custom", Some(&fake.base_url())).await;
    organization.model("claude", native).await;
    organization.model("gpt", compatible).await;
}

/// The changes to the request for the first attempt of the last recorded request, sorted.
async fn adapted(app: &App, requests: usize) -> Vec<String> {
    let row = app.requests(requests).await.pop().expect("a row");
    let changes = row["attempts"][0]["adapted"].as_array().cloned().unwrap_or_default();
    let mut changes: Vec<String> =
        changes.iter().map(|change| change.as_str().expect("a text").to_owned()).collect();
    changes.sort_unstable();
    changes
}

/// A whole completion with this message.
fn completion(message: &Value, finish_reason: &str) -> Script {
    Script::json(
        200,
        &json!({
            "id": "chatcmpl-fake", "object": "chat.completion", "created": 1_700_000_000, "model": "upstream",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {
                "prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109,
                "prompt_tokens_details": {"cached_tokens": 60}
            }
        }),
    )
}

/// The delta with a piece of a call.
fn call(index: u64, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    let mut call = json!({"index": index, "function": {"arguments": arguments}});
    if let Some(id) = id {
        call["id"] = id.into();
        call["type"] = "function".into();
    }
    if let Some(name) = name {
        call["function"]["name"] = name.into();
    }
    json!({"tool_calls": [call]})
}
