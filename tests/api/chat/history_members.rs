//! Members that other vendors left in the history: a provider that refuses them gets the request once more without them, also as
//! the primary.

use serde_json::{Value, json};

use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;

/// The members of an object that are not in this list.
fn others<'a>(object: &'a Value, known: &[&str]) -> Vec<&'a str> {
    let members = object.as_object().into_iter().flat_map(|object| object.keys());
    members.map(String::as_str).filter(|name| !known.contains(name)).collect()
}

/// The path of the first member of a message that OpenAI does not know.
fn unknown(body: &Value) -> Option<String> {
    const OF_MESSAGE: [&str; 7] =
        ["role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for (number, message) in list(&body["messages"]).iter().enumerate() {
        let place = format!("messages[{number}]");
        if let Some(name) = others(message, &OF_MESSAGE).first() {
            return Some(format!("{place}.{name}"));
        }
        for (name, known) in
            [("tool_calls", ["id", "type", "function"]), ("content", ["type", "text", "image_url"])]
        {
            for (at, element) in list(&message[name]).iter().enumerate() {
                if let Some(other) = others(element, &known).first() {
                    return Some(format!("{place}.{name}[{at}].{other}"));
                }
            }
        }
    }
    None
}

/// Refuses the first such member, and answers if there is none.
fn strict(received: &Received) -> Option<Script> {
    let Some(path) = unknown(&received.json()) else { return Some(Script::answer("Hi")) };
    let error = json!({
        "message": format!("Unknown parameter: '{path}'."), "type": "invalid_request_error",
        "param": path, "code": "unknown_parameter"
    });
    Some(Script::json(400, &json!({"error": error})))
}

/// A conversation with this answer in its middle.
fn after(answer: &Value) -> Value {
    json!([{"role": "user", "content": "Hi"}, answer, {"role": "user", "content": "And?"}])
}

/// Conversations with members of other vendors, and what is said of them.
fn histories() -> Vec<(Value, Vec<&'static str>)> {
    let answer = |more: Value| {
        let mut answer = json!({"role": "assistant", "content": "Hello"});
        answer.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        after(&answer)
    };
    let call =
        json!({"id": "c", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}});
    let marked = json!([{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]);
    vec![
        (answer(json!({"reasoning_content": "T"})), vec!["stripped:reasoning_content"]),
        (
            answer(json!({"reasoning": "T", "reasoning_details": [{"type": "reasoning.text", "text": "T"}]})),
            vec!["stripped:reasoning", "stripped:reasoning_details"],
        ),
        (
            answer(json!({"provider_specific_fields": {"a": 1}, "thinking_blocks": []})),
            vec!["stripped:provider_specific_fields", "stripped:thinking_blocks"],
        ),
        (answer(json!({"annotations": [], "parsed": null})), vec!["stripped:annotations", "stripped:parsed"]),
        (
            json!([
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": null, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": "sunny"},
            ]),
            vec!["stripped:index"],
        ),
        (json!([{"role": "user", "content": marked}]), vec!["stripped:cache_control"]),
    ]
}

on_both_databases! {
    async fn the_primary_gets_its_request_without_what_it_refuses_in_messages(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(strict);
        let provider = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        app.organization.model("gpt", provider).await;
        for (number, (messages, changes)) in histories().into_iter().enumerate() {
            let before = fake.served();
            let answer = app.chat(&json!({"model": "gpt", "messages": messages})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{messages}: {}", answer.text());
            let sent = fake.requests();
            assert_eq!((sent.len() - before, &sent[before].json()["messages"]), (2, &messages), "the first call has them all");
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!(row["attempts"][0]["adapted"], json!(changes), "{messages}");
        }
        assert_eq!(app.events().await, Vec::<Value>::new(), "this is no failure");
    }

    async fn what_is_refused_again_and_again_is_left_out_from_then_on(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(strict);
        app.organization.catalog(&fake, &["a"]).await;
        let (messages, _) = histories().remove(0);
        for (seed, calls) in [(1, 2), (2, 4), (3, 6), (4, 7)] {
            let answer = app.chat(&json!({"model": "a", "messages": messages, "seed": seed})).await;
            assert_eq!((answer.status, fake.served()), (200, calls), "{}", answer.text());
        }
        let row = app.requests(4).await.pop().expect("a row");
        assert_eq!(row["attempts"][0]["adapted"], json!(["stripped:reasoning_content"]), "{row}");
        // A word in the prompt is no member.
        let spoken = json!([{"role": "user", "content": "What is \"reasoning_content\"?"}]);
        assert_eq!(app.chat(&json!({"model": "a", "messages": spoken})).await.status, 200);
        assert_eq!(fake.requests().pop().expect("a request").json()["messages"], spoken);
    }

    async fn a_refusal_of_anything_else_reaches_the_caller(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(strict);
        app.organization.catalog(&fake, &["a"]).await;
        let messages = after(&json!({"role": "assistant", "content": "Hello", "odd": 1, "reasoning_content": "T"}));
        let answer = app.chat(&json!({"model": "a", "messages": messages})).await;
        assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!("messages[1].odd")), "{}", answer.text());
    }
}
