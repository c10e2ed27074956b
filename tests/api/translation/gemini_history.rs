//! Rounds of tools with models of Gemini: the signatures of calls go to callers of each dialect and come back, and other models
//! take the same history.

use serde_json::{Value, json};

use super::gemini::{UPSTREAM, catalog, generated, respond, streamed};
use super::message;
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const SKIPPED: &str = "skip_thought_signature_validator";

fn called() -> Value {
    json!([
        {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "g", "args": {}}}
    ])
}

/// What the provider gets of such a round.
fn round(signature: &str) -> Value {
    let result =
        |name: &str, text: &str| json!({"functionResponse": {"name": name, "response": {"result": text}}});
    json!([
        {"role": "user", "parts": [{"text": "Go"}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": signature},
            {"functionCall": {"name": "g", "args": {}}}
        ]},
        {"role": "user", "parts": [result("f", "one"), result("g", "two")]}
    ])
}

fn chat_tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "g"}}
    ])
}

fn messages_tools() -> Value {
    json!([{"name": "f", "input_schema": {"type": "object"}}, {"name": "g", "input_schema": {"type": "object"}}])
}

/// The second request of a chat caller, with the message that it got.
fn chat_round(model: &str, message: &Value) -> Value {
    let calls = message["tool_calls"].as_array().expect("calls");
    let result = |index: usize, text: &str| json!({"role": "tool", "tool_call_id": calls[index]["id"], "content": text});
    json!({"model": model, "num_retries": 0, "tools": chat_tools(), "messages": [
        {"role": "user", "content": "Go"}, message, result(0, "one"), result(1, "two")
    ]})
}

/// The second request of a caller of Messages, with the content that it got.
fn messages_round(model: &str, content: &Value) -> Value {
    let ids: Vec<&Value> = content
        .as_array()
        .expect("blocks")
        .iter()
        .filter(|block| block["type"] == "tool_use")
        .map(|block| &block["id"])
        .collect();
    let result =
        |index: usize, text: &str| json!({"type": "tool_result", "tool_use_id": ids[index], "content": text});
    json!({"model": model, "num_retries": 0, "tools": messages_tools(), "messages": [
        {"role": "user", "content": "Go"}, {"role": "assistant", "content": content},
        {"role": "user", "content": [result(0, "one"), result(1, "two")]}
    ]})
}

/// A model `claude` of Messages and a model `gpt` of chat completions.
async fn others(app: &App, fake: &FakeProvider) {
    super::catalog(&app.organization, fake).await;
}

on_both_databases! {
    async fn a_chat_caller_gives_the_signature_back(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(generated(&called(), "STOP"));
        fake.next(generated(&json!([{"text": "Done"}]), "STOP"));
        let first = app.chat(&json!({"model": "gemini", "tools": chat_tools(), "messages": [{"role": "user", "content": "Go"}]})).await;
        let choice = first.json()["choices"][0].clone();
        assert_eq!(choice["finish_reason"], "tool_calls", "{choice}");
        let signature = &choice["message"]["tool_calls"][0]["extra_content"]["google"]["thought_signature"];
        assert_eq!(signature, "c2ln", "{choice}");
        let second = app.chat(&chat_round("gemini", &choice["message"])).await;
        assert_eq!(second.json()["choices"][0]["message"]["content"], "Done", "{}", second.text());
        let sent = fake.request(1).await.json();
        assert_eq!(sent["contents"], round("c2ln"), "{sent}");
    }

    async fn a_caller_of_messages_gives_the_signature_back(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(generated(&called(), "STOP"));
        fake.next(generated(&json!([{"text": "Done"}]), "STOP"));
        let go = json!([{"role": "user", "content": "Go"}]);
        let first = message(&app, &json!({"model": "gemini", "tools": messages_tools(), "messages": go})).await.json();
        assert_eq!(first["stop_reason"], "tool_use", "{first}");
        let kinds: Vec<&Value> = first["content"].as_array().expect("blocks").iter().map(|block| &block["type"]).collect();
        assert_eq!(kinds, ["thinking", "tool_use", "tool_use"], "{first}");
        let second = message(&app, &messages_round("gemini", &first["content"])).await;
        assert_eq!(second.json()["content"][0]["text"], "Done", "{}", second.text());
        let sent = fake.request(1).await.json();
        assert_eq!(sent["contents"], round("c2ln"), "{sent}");
    }

    async fn a_stream_of_messages_has_the_signature_before_its_call(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(streamed(&[json!([{"text": "T", "thought": true}]), called(), json!([{"text": ""}])], "STOP"));
        let go = json!([{"role": "user", "content": "Go"}]);
        let answer = message(&app, &json!({"model": "gemini", "stream": true, "tools": messages_tools(), "messages": go})).await;
        let events: Vec<Value> = answer.events().iter().map(|data| serde_json::from_str(data).expect("JSON")).collect();
        let starts: Vec<&Value> = events.iter().map(|event| &event["content_block"]["type"]).filter(|kind| kind.is_string()).collect();
        assert_eq!(starts, ["thinking", "tool_use", "tool_use"], "{}", answer.text());
        let signature = events.iter().find_map(|event| event["delta"]["signature"].as_str()).expect("a signature");
        assert!(signature.starts_with("ZmFpbHNvZnQ6") && signature.ends_with("c2ln"), "{signature}");
        let end = events.iter().find(|event| event["type"] == "message_delta").expect("an end");
        assert_eq!(end["delta"]["stop_reason"], "tool_use", "{}", answer.text());
    }

    async fn a_caller_of_responses_gives_the_signature_back(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let tools = json!([{"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "function", "name": "g"}]);
        for (stream, number) in [(false, 0), (true, 2)] {
            fake.next(if stream { streamed(&[called(), json!([{"text": ""}])], "STOP") } else { generated(&called(), "STOP") });
            fake.next(generated(&json!([{"text": "Done"}]), "STOP"));
            let first = respond(&app, &json!({"model": "gemini", "input": "Go", "tools": tools, "stream": stream})).await;
            let response = if stream {
                let last = first.events().pop().expect("an event");
                serde_json::from_str::<Value>(&last).expect("JSON")["response"].clone()
            } else {
                first.json()
            };
            let output = response["output"].as_array().expect("items").clone();
            let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
            assert_eq!(kinds, ["reasoning", "function_call", "function_call"], "{response}");
            let result = |index: usize, text: &str| json!({"type": "function_call_output", "call_id": output[index]["call_id"], "output": text});
            let mut input = vec![json!({"role": "user", "content": "Go"})];
            input.extend(output.clone());
            input.extend([result(1, "one"), result(2, "two")]);
            let second = respond(&app, &json!({"model": "gemini", "input": input, "tools": tools})).await;
            assert_eq!(second.status, 200, "{}", second.text());
            let sent = fake.request(number + 1).await.json();
            assert_eq!(sent["contents"], round("c2ln"), "{sent}");
        }
    }

    async fn ids_go_back_to_the_endpoint_that_gave_them(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let mut calls = called();
        calls[0]["functionCall"]["id"] = "8x1b".into();
        fake.always(generated(&calls, "STOP"));
        let go = json!([{"role": "user", "content": "Go"}]);
        let first = app.chat(&json!({"model": "gemini", "tools": chat_tools(), "messages": go})).await.json();
        let said = &first["choices"][0]["message"];
        assert_eq!(said["tool_calls"][0]["id"], "8x1b", "{first}");
        assert_eq!(app.chat(&chat_round("gemini", said)).await.status, 200);
        // The second call has an id of ours alone.
        let mut expected = round("c2ln");
        expected[1]["parts"][0]["functionCall"]["id"] = "8x1b".into();
        expected[2]["parts"][0]["functionResponse"]["id"] = "8x1b".into();
        assert_eq!(fake.request(1).await.json()["contents"], expected);
    }

    async fn a_history_of_another_model_has_what_google_documents_for_it(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        others(&app, &fake).await;
        let google = app.organization.provider_at("older", "gemini-native", Some(&fake.base_url())).await;
        app.organization.model_like("older", google, |model| "gemini-2.5-flash".clone_into(&mut model.upstream_model)).await;
        fake.always_for("gpt-upstream", Script::error(503, "overloaded", "Overloaded"));
        fake.always_for("gemini-2.5-flash", generated(&json!([{"text": "Hi"}]), "STOP"));
        fake.always_for(UPSTREAM, generated(&json!([{"text": "Hi"}]), "STOP"));
        let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
        let said = json!({"role": "assistant", "content": null, "tool_calls": [call("x", "f", "{\"a\":1}"), call("y", "g", "{}")]});
        for (fallback, signature) in [("gemini", Some(SKIPPED)), ("older", None)] {
            let mut asked = chat_round("gpt", &said);
            asked["models"] = json!([fallback]);
            let answer = app.chat(&asked).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, fallback), "{}", answer.text());
            let sent = fake.requests().pop().expect("a request").json();
            let mut expected = round(SKIPPED);
            if signature.is_none() {
                expected[1]["parts"][0].as_object_mut().expect("a part").remove("thoughtSignature");
            }
            assert_eq!(sent["contents"], expected, "{sent}");
        }
    }

    async fn other_models_take_over_without_the_signature(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        others(&app, &fake).await;
        fake.next_for(UPSTREAM, generated(&called(), "STOP"));
        let go = json!([{"role": "user", "content": "Go"}]);
        let first = message(&app, &json!({"model": "gemini", "tools": messages_tools(), "messages": go})).await.json();
        fake.always_for(UPSTREAM, Script::json(503, &json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})));
        fake.always_for("claude-upstream", Script::message("From Claude"));
        fake.always_for("gpt-upstream", Script::answer("From GPT"));
        for (model, text) in [("claude", "From Claude"), ("gpt", "From GPT")] {
            let mut asked = messages_round("gemini", &first["content"]);
            asked["models"] = json!([model]);
            let answer = message(&app, &asked).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, model), "{}", answer.text());
            assert_eq!(answer.json()["content"][0]["text"], text, "{}", answer.text());
            let sent = fake.requests().pop().expect("a request").json();
            assert!(!sent.to_string().contains("ZmFpbHNvZnQ6") && !sent.to_string().contains("c2ln"), "{sent}");
            assert!(sent.to_string().contains("one") && sent.to_string().contains("two"), "{sent}");
        }
    }

    async fn a_refused_signature_is_left_out_of_one_more_call(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let refused = json!({"error": {"code": 400, "message": "Corrupted thought signature.", "status": "INVALID_ARGUMENT"}});
        fake.next(generated(&called(), "STOP"));
        fake.next(Script::json(400, &refused));
        fake.next(generated(&json!([{"text": "Done"}]), "STOP"));
        let first = app.chat(&json!({"model": "gemini", "tools": chat_tools(), "messages": [{"role": "user", "content": "Go"}]})).await;
        let second = app.chat(&chat_round("gemini", &first.json()["choices"][0]["message"])).await;
        assert_eq!(second.json()["choices"][0]["message"]["content"], "Done", "{}", second.text());
        let sent: Vec<Value> = fake.requests().iter().map(|sent| sent.json()["contents"].clone()).collect();
        assert_eq!(sent[1..], [round("c2ln"), round(SKIPPED)]);
    }
}
