//! `POST /v1/responses`: requests as Codex and OpenAI's SDKs send them, to models of providers that speak other dialects.

mod billing;
mod caller_isolation;
mod errors;
mod estimates;
mod faults;
mod keepalive;
mod native;
mod needs;
mod requests;
mod simulated;
mod stored;
mod streams;
mod whole;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, Organization, with_json};
use crate::support::fake_provider::FakeProvider;

/// A request with `more` merged into it.
fn body(more: &Value) -> Value {
    let mut body = json!({"input": "Hello"});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// Sends a request with `more` in its body.
async fn respond(app: &App, more: &Value) -> Answer {
    let request = with_json(app.request(Method::POST, "/v1/responses"), &body(more));
    app.call(request, &app.organization.key).await
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

/// The data of the events of a stream. Their numbers are in order, and only the last one is an end.
fn events(answer: &Answer) -> Vec<Value> {
    let events: Vec<Value> =
        answer.events().iter().map(|data| serde_json::from_str(data).expect("JSON")).collect();
    let ends = ["response.completed", "response.incomplete", "response.failed"];
    for (number, event) in events.iter().filter(|event| event["type"] != "failsoft").enumerate() {
        assert_eq!(event["sequence_number"], number, "{}", answer.text());
    }
    let is_end = |event: &&Value| ends.iter().any(|end| event["type"] == *end);
    assert_eq!(events.iter().filter(is_end).count(), 1, "{}", answer.text());
    assert!(events.last().as_ref().is_some_and(is_end), "{}", answer.text());
    assert_eq!(events[0]["type"], "response.created", "{}", answer.text());
    let id = &events[0]["response"]["id"];
    let responses = events.iter().filter(|event| event["response"].is_object());
    assert!(responses.into_iter().all(|event| event["response"]["id"] == *id), "{}", answer.text());
    events
}

/// The items that Codex finds in a stream: those that are done.
fn items(events: &[Value]) -> Vec<Value> {
    let done = events.iter().filter(|event| event["type"] == "response.output_item.done");
    done.map(|event| event["item"].clone()).collect()
}

/// The item of a text, without its id.
fn spoken(text: &str) -> Value {
    let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    json!({"type": "message", "role": "assistant", "status": "completed", "content": [part]})
}

/// An item without its id.
fn without_id(mut item: Value) -> Value {
    item.as_object_mut().expect("an object").remove("id");
    item
}
