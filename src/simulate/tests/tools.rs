//! Tool calls: complete, streamed, and the answer after them.

use super::*;

fn tools() -> Value {
    json!([{ "type": "function", "function": { "name": "get_weather", "parameters": {
        "type": "object", "required": ["city", "unit"], "properties": {
            "city": { "type": "string" }, "unit": { "enum": ["celsius", "fahrenheit"] } } } } }])
}

fn question() -> Value {
    json!({ "role": "user", "content": "What is the weather in Paris?" })
}

#[tokio::test]
async fn a_tool_is_called_and_what_it_says_is_answered() {
    let provider = provider().await;
    let first = provider.chat("steady", json!({ "tools": tools(), "messages": [question()] })).await;
    let first = body_of(first).await;
    let choice = &first["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("get_weather")));
    let arguments: Value =
        serde_json::from_str(call["function"]["arguments"].as_str().expect("a text")).expect("JSON");
    assert_eq!(arguments, json!({ "city": "Paris", "unit": "celsius" }));

    let answered = json!({ "role": "tool", "tool_call_id": call["id"], "content": "21 degrees" });
    let messages = json!([question(), choice["message"], answered]);
    let second =
        body_of(provider.chat("steady", json!({ "tools": tools(), "messages": messages })).await).await;
    assert_eq!(second["choices"][0]["message"]["content"], "The tool said: 21 degrees");
    assert_eq!(second["choices"][0]["finish_reason"], "stop");
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn a_call_comes_in_pieces_that_make_its_arguments() {
    let provider = provider().await;
    let fields = json!({ "tools": tools(), "messages": [question()], "stream": true, "stream_options": { "include_usage": true } });
    let (events, whole) = pieces_of(provider.chat("steady", fields).await).await;
    assert!(whole);
    let data: Vec<Value> =
        events.iter().filter(|event| !event.contains("[DONE]")).map(|event| data_of(event)).collect();
    let calls: Vec<&Value> = data
        .iter()
        .map(|data| &data["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| !call.is_null())
        .collect();
    assert!(calls.len() > 2, "{events:?}");
    assert_eq!(calls[0]["function"]["name"], "get_weather");
    assert!(calls[0]["id"].as_str().expect("an id").starts_with("call_"));
    assert!(
        calls.iter().all(|call| call["index"] == 0) && calls[1..].iter().all(|call| call.get("id").is_none())
    );
    let arguments: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(
        serde_json::from_str::<Value>(&arguments).expect("JSON"),
        json!({ "city": "Paris", "unit": "celsius" })
    );
    let ends: Vec<&Value> =
        data.iter().map(|data| &data["choices"][0]["finish_reason"]).filter(|end| !end.is_null()).collect();
    assert_eq!(ends, [&json!("tool_calls")]);
}

#[tokio::test]
async fn without_a_tool_to_call_it_answers() {
    let provider = provider().await;
    for fields in [
        json!({ "tools": [] }),
        json!({ "tools": null }),
        json!({ "tools": "nonsense" }),
        json!({ "tools": [{ "type": "web_search" }] }),
        json!({ "tools": tools(), "tool_choice": "none" }),
    ] {
        let answer = body_of(provider.chat("steady", fields.clone()).await).await;
        assert_eq!(answer["choices"][0]["message"]["content"], "You said: hello there", "{fields}");
    }
}
