//! Calls of tools, there and back.

use serde_json::{Value, json};

use super::{Bedrock, post};
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

/// An answer that calls the same tool twice.
fn calls() -> Script {
    let call = |id: &str, city: &str| json!({"toolUse": {"toolUseId": id, "name": "weather", "input": {"city": city}}});
    Script::converse(
        &json!([{"text": "Let me see."}, call("tooluse_1", "Ulm"), call("tooluse_2", "Bonn")]),
        "tool_use",
    )
}

/// What Bedrock gets of the conversation after both results.
fn history() -> Value {
    let call = |id: &str, city: &str| json!({"toolUse": {"toolUseId": id, "name": "weather", "input": {"city": city}}});
    let result = |id: &str, text: &str| json!({"toolResult": {"toolUseId": id, "content": [{"text": text}]}});
    json!([
        {"role": "user", "content": [{"text": "Weather?"}]},
        {"role": "assistant", "content": [{"text": "Let me see."}, call("tooluse_1", "Ulm"), call("tooluse_2", "Bonn")]},
        {"role": "user", "content": [result("tooluse_1", "7 degrees"), result("tooluse_2", "8 degrees")]},
    ])
}

fn tool_config() -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    json!([{"toolSpec": {"name": "weather", "description": "Tells it", "inputSchema": {"json": schema}}}])
}

on_both_databases! {
    async fn a_caller_of_completions_calls_tools(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let tools = json!([{"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": schema}}]);
        let mut turns = json!([{"role": "user", "content": "Weather?"}]);
        bedrock.fake.next(calls());
        let answer = app.chat(&json!({"model": "nova", "messages": turns, "tools": tools, "tool_choice": "required"})).await.json();
        assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls", "{answer}");
        let message = answer["choices"][0]["message"].clone();
        let arguments = |at: usize| message["tool_calls"][at]["function"]["arguments"].as_str().expect("a text").to_owned();
        assert_eq!([arguments(0), arguments(1)], [r#"{"city":"Ulm"}"#, r#"{"city":"Bonn"}"#]);
        let sent = bedrock.fake.request(0).await.json();
        assert_eq!(sent["toolConfig"], json!({"tools": tool_config(), "toolChoice": {"any": {}}}));
        let ids = [0, 1].map(|at| message["tool_calls"][at]["id"].clone());
        let turns = turns.as_array_mut().expect("a list");
        turns.push(message);
        for (id, text) in ids.iter().zip(["7 degrees", "8 degrees"]) {
            turns.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
        }
        bedrock.fake.next(Script::converse(&json!([{"text": "Mild."}]), "end_turn"));
        let answer = app.chat(&json!({"model": "nova", "messages": turns, "tools": tools})).await.json();
        assert_eq!(answer["choices"][0]["message"]["content"], "Mild.", "{answer}");
        let sent = bedrock.fake.request(1).await.json();
        assert_eq!((&sent["messages"], &sent["toolConfig"]["tools"]), (&history(), &tool_config()));
    }

    async fn a_caller_of_messages_calls_tools(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let tools = json!([{"name": "weather", "description": "Tells it", "input_schema": schema}]);
        let mut turns = json!([{"role": "user", "content": "Weather?"}]);
        bedrock.fake.next(calls());
        let ask = |turns: &Value| json!({"model": "claude", "max_tokens": 64, "messages": turns, "tools": tools});
        let answer = post(&app, "/v1/messages", &ask(&turns)).await.json();
        assert_eq!((&answer["stop_reason"], &answer["content"][1]["type"]), (&json!("tool_use"), &json!("tool_use")), "{answer}");
        let list = turns.as_array_mut().expect("a list");
        list.push(json!({"role": "assistant", "content": answer["content"]}));
        let result = |at: usize, text: &str| json!({"type": "tool_result", "tool_use_id": answer["content"][at]["id"], "content": text});
        list.push(json!({"role": "user", "content": [result(1, "7 degrees"), result(2, "8 degrees")]}));
        bedrock.fake.next(Script::converse(&json!([{"text": "Mild."}]), "end_turn"));
        let answer = post(&app, "/v1/messages", &ask(&turns)).await.json();
        assert_eq!(answer["content"][0]["text"], "Mild.", "{answer}");
        let sent = bedrock.fake.request(1).await.json();
        assert_eq!((&sent["messages"], &sent["toolConfig"]["tools"]), (&history(), &tool_config()));
    }

    async fn a_caller_of_responses_calls_tools(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let tools = json!([{"type": "function", "name": "weather", "description": "Tells it", "parameters": schema}]);
        let mut input = json!([{"role": "user", "content": "Weather?"}]);
        bedrock.fake.next(calls());
        let ask = |input: &Value| json!({"model": "nova", "input": input, "tools": tools});
        let answer = post(&app, "/v1/responses", &ask(&input)).await.json();
        let items = answer["output"].as_array().expect("a list").clone();
        let called: Vec<&Value> = items.iter().filter(|item| item["type"] == "function_call").collect();
        assert_eq!(called.len(), 2, "{answer}");
        let results: Vec<Value> = called
            .iter()
            .zip(["7 degrees", "8 degrees"])
            .map(|(call, text)| json!({"type": "function_call_output", "call_id": call["call_id"], "output": text}))
            .collect();
        let list = input.as_array_mut().expect("a list");
        list.extend(items.iter().cloned());
        list.extend(results);
        bedrock.fake.next(Script::converse(&json!([{"text": "Mild."}]), "end_turn"));
        let answer = post(&app, "/v1/responses", &ask(&input)).await.json();
        assert!(answer["output"].to_string().contains("Mild."), "{answer}");
        assert_eq!(bedrock.fake.request(1).await.json()["messages"], history());
    }

    async fn a_history_with_calls_gets_tools_that_nothing_calls(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.fake.always(Script::converse(&json!([{"text": "Mild."}]), "end_turn"));
        let call = json!({"id": "t", "type": "function", "function": {"name": "weather", "arguments": "{}"}});
        let turns = json!([
            {"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "t", "content": ""}, {"role": "user", "content": "So?"},
        ]);
        assert_eq!(app.chat(&json!({"model": "nova", "messages": turns})).await.status, 200);
        let sent = bedrock.fake.request(0).await.json();
        assert_eq!(sent["toolConfig"]["tools"][0]["toolSpec"]["name"], "unavailable");
        assert_eq!(sent["messages"][2]["content"][0]["toolResult"]["content"], json!([{"text": "(no output)"}]));
        let row = app.requests(1).await.pop().expect("a row");
        assert!(row["attempts"][0]["adapted"].to_string().contains("placeholder:tools"), "{row}");
    }
}
