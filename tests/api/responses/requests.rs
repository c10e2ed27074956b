//! Requests as clients send them: items, schemas, and other addresses.

use reqwest::Method;
use serde_json::json;

use super::{catalog, respond};
use crate::support::app::with_json;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_items_of_a_conversation_are_its_messages(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(Script::answer("Hi"));
        let schema = json!({"type": "object", "properties": {"z": {"type": "string"}}, "required": ["z"], "additionalProperties": false});
        let answer = respond(&app, &json!({
            "model": "gpt", "text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": true}},
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": "data:image/png;base64,aGk="}]},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"z\":1}"},
                {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
                {"type": "function_call_output", "call_id": "c2", "output": "two"},
                {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "one"}]},
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": "And?"}
            ]
        })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await.json();
        assert_eq!(sent["messages"], json!([
            {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"z\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "And?"}
        ]), "{sent}");
        assert_eq!(sent["response_format"], json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}}));
    }

    async fn a_schema_keeps_its_name_and_is_as_strict_as_asked_for(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::answer("{}"));
        let long = "n".repeat(70);
        for (number, (format, expected)) in [
            (json!({"name": "a-B_1", "strict": false}), json!({"name": "a-B_1", "strict": false})),
            (json!({"name": "an answer: \u{e9}"}), json!({"name": "an_answer___"})),
            (json!({"name": long, "strict": null}), json!({"name": "n".repeat(64)})),
            (json!({"name": ""}), json!({"name": "answer"})),
        ].into_iter().enumerate() {
            let mut asked = format.clone();
            asked["type"] = json!("json_schema");
            asked["schema"] = json!({"type": "object"});
            let answer = respond(&app, &json!({"model": "gpt", "text": {"format": asked}})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let mut sent = fake.request(number).await.json()["response_format"]["json_schema"].take();
            sent.as_object_mut().expect("an object").remove("schema");
            assert_eq!(sent, expected, "{format}");
        }
    }

    async fn every_address_of_the_endpoint_answers(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::answer("Hi"));
        for path in ["/v1/responses", "/responses", "/openai/v1/responses", "/api/v1/responses", "/v1/v1/responses"] {
            let request = with_json(app.request(Method::POST, path), &json!({"model": "gpt", "input": "Hi"}));
            let answer = app.call(request, &app.organization.key).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert_eq!(answer.json()["output"][0]["content"][0]["text"], "Hi", "{path}");
        }
    }
}
