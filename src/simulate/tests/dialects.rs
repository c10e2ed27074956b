//! Faults that matter where one dialect is translated into another.

use super::*;

fn tools() -> Value {
    json!([{ "name": "f", "input_schema": { "type": "object" } }])
}

async fn message(model: &str, fields: Value) -> (u16, Value) {
    let provider = provider().await;
    let body = chat_body(model, fields);
    let response = provider.request(Method::POST, "/v1/messages").body(body).send().await.expect("an answer");
    (response.status().as_u16(), body_of(response).await)
}

/// A turn that goes on after a tool, and began with this block.
fn after(block: &Value) -> Value {
    let call = json!({ "type": "tool_use", "id": "t", "name": "f", "input": {} });
    json!([
        { "role": "user", "content": "Go" }, { "role": "assistant", "content": [block, call] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t", "content": "R" }] },
    ])
}

#[tokio::test]
async fn only_its_own_signatures_are_valid() {
    let signed = |signature: &str| json!({ "type": "thinking", "thinking": "T", "signature": signature });
    let text = json!({ "type": "text", "text": "Hi" });
    let budget = json!({ "type": "enabled", "budget_tokens": 1_024 });
    for (block, thinking, status, said) in [
        (signed("c2ltdWxhdGVk"), &budget, 200, ""),
        (signed("c2ln"), &budget, 400, "messages.1.content.0: Invalid `signature` in `thinking` block"),
        (signed(""), &Value::Null, 400, "Invalid `signature`"),
        (json!({ "type": "redacted_thinking", "data": "x" }), &Value::Null, 400, "Invalid `signature`"),
        (text.clone(), &budget, 400, "must start with a thinking block"),
        (text, &Value::Null, 200, ""),
    ] {
        let asked = json!({ "messages": after(&block), "thinking": thinking });
        let (found, body) = message("bad-signature", asked).await;
        assert_eq!(found, status, "{body}");
        assert!(body["error"]["message"].as_str().unwrap_or_default().contains(said), "{body}");
    }
    let detail = json!({ "type": "reasoning.text", "text": "T", "signature": "c2ln" });
    let turns = json!([{ "role": "assistant", "content": "A", "reasoning_details": [detail] }, { "role": "user", "content": "Hi" }]);
    let refused = provider().await.chat("bad-signature", json!({ "messages": turns })).await;
    assert_eq!(refused.status().as_u16(), 400);
    assert_eq!(body_of(refused).await["error"]["message"], "Thought signature is not valid.");
}

#[tokio::test]
async fn an_end_contradicts_its_answer() {
    let (_, called) = message("stop-with-tools", json!({ "tools": tools() })).await;
    assert_eq!(
        (&called["content"][0]["type"], &called["stop_reason"]),
        (&json!("tool_use"), &json!("end_turn"))
    );
    let (_, spoken) = message("stop-with-tools", json!({})).await;
    assert_eq!((&spoken["content"][0]["type"], &spoken["stop_reason"]), (&json!("text"), &json!("tool_use")));
    let completion = body_of(provider().await.chat("stop-with-tools", json!({})).await).await;
    assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn a_late_thought_comes_after_the_beginning_of_the_answer() {
    let (_, late) = message("late-thinking", json!({})).await;
    let kinds: Vec<&str> = late["content"]
        .as_array()
        .expect("blocks")
        .iter()
        .filter_map(|block| block["type"].as_str())
        .collect();
    assert_eq!(kinds, ["text", "thinking", "text"]);
    let (events, whole) = pieces_of(provider().await.chat("late-thinking-gap-0ms", streamed()).await).await;
    assert!(whole);
    let deltas: Vec<Value> = events
        .iter()
        .flat_map(|piece| piece.split_inclusive("\n\n"))
        .filter(|event| !event.contains("[DONE]"))
        .map(|event| data_of(event)["choices"][0]["delta"].clone())
        .collect();
    let place = |name: &str| {
        deltas.iter().position(|delta| delta[name].as_str().is_some_and(|text| !text.is_empty()))
    };
    assert!(place("content") < place("reasoning_content"), "{deltas:?}");
    assert!(
        deltas.iter().rposition(|delta| delta["content"].is_string()) > place("reasoning_content"),
        "{deltas:?}"
    );
}
