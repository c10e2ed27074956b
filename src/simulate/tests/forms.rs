//! Answers in the dialects of Responses, Gemini and Converse.

use super::*;

async fn posted(path: &str, body: &Value) -> Response {
    let request = provider().await.request(Method::POST, path).body(body.to_string());
    request.send().await.expect("an answer")
}

/// The status and the body of an answer that is not streamed.
async fn whole(path: &str, body: &Value) -> (u16, Value) {
    let response = posted(path, body).await;
    (response.status().as_u16(), body_of(response).await)
}

async fn text_of(path: &str, body: &Value) -> String {
    posted(path, body).await.text().await.expect("a whole body")
}

/// The events of a stream of text, as JSON.
fn data(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|data| serde_json::from_str(data).expect(data)).collect()
}

fn response(model: &str, more: Value) -> Value {
    let mut body = json!({ "model": model, "input": "hello there" });
    body.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
    body
}

fn prompt(more: Value) -> Value {
    let mut body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hello there" }] }] });
    body.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
    body
}

fn turn(more: Value) -> Value {
    let mut body = json!({ "messages": [{ "role": "user", "content": [{ "text": "hello there" }] }] });
    body.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
    body
}

#[tokio::test]
async fn a_response_is_whole_or_a_stream_of_numbered_events() {
    let (status, body) = whole("/v1/responses", &response("steady", json!({ "max_output_tokens": 2 }))).await;
    assert_eq!((status, &body["status"]), (200, &json!("incomplete")), "{body}");
    assert_eq!(body["output"][0]["content"][0]["text"], "You said: ");
    assert_eq!(body["incomplete_details"]["reason"], "max_output_tokens");
    let asked = response("late-thinking", json!({ "stream": true }));
    let events = data(&text_of("/responses", &asked).await);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    let of = |kind: &str| events.iter().filter(move |event| event["type"] == kind).collect::<Vec<_>>();
    let items: Vec<&Value> =
        of("response.output_item.done").into_iter().map(|event| &event["item"]).collect();
    let kinds: Vec<&Value> = items.iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, [&json!("message"), &json!("reasoning"), &json!("message")]);
    let last = events.last().expect("an end");
    assert_eq!((&last["type"], &last["response"]["output"][2]), (&json!("response.completed"), items[2]));
    let added: Vec<&Value> =
        of("response.output_item.added").into_iter().map(|event| &event["item"]["id"]).collect();
    assert_eq!(added, items.iter().map(|item| &item["id"]).collect::<Vec<_>>());
    let spoken: String =
        of("response.output_text.delta").iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(spoken, "Let me see. You said: hello there");
}

#[tokio::test]
async fn a_response_calls_tools_of_each_kind() {
    let function =
        json!({ "type": "function", "name": "f", "parameters": { "type": "object", "required": ["city"] } });
    let free = json!({ "type": "custom", "name": "p", "format": { "type": "grammar" } });
    let space = json!({ "type": "namespace", "name": "n", "tools": [function] });
    for (tool, kind, member, namespace) in [
        (&function, "function_call", "arguments", Value::Null),
        (&free, "custom_tool_call", "input", Value::Null),
        (&space, "function_call", "arguments", json!("n")),
    ] {
        let inside =
            json!([{ "type": "additional_tools", "tools": [tool] }, { "role": "user", "content": "Go" }]);
        for more in [json!({ "tools": [tool] }), json!({ "input": inside })] {
            let (_, body) = whole("/v1/responses", &response("steady", more.clone())).await;
            let call = &body["output"][0];
            assert_eq!((&call["type"], &call["namespace"]), (&json!(kind), &namespace), "{body}");
            assert!(call[member].as_str().is_some_and(|input| !input.is_empty()), "{body}");
            let mut streamed = response("steady", more);
            streamed["stream"] = json!(true);
            let events = data(&text_of("/v1/responses", &streamed).await);
            let deltas =
                events.iter().filter(|event| event["type"].as_str().expect("a type").ends_with(".delta"));
            let written: String = deltas.filter_map(|event| event["delta"].as_str()).collect();
            let done =
                events.iter().find(|event| event["type"] == "response.output_item.done").expect("an item");
            assert_eq!(done["item"][member], written, "{done}");
        }
    }
    let said = json!([{ "type": "function_call_output", "call_id": "c", "output": "21 degrees" }]);
    let (_, body) =
        whole("/v1/responses", &response("steady", json!({ "input": said, "tools": [function] }))).await;
    assert_eq!(body["output"][0]["content"][0]["text"], "The tool said: 21 degrees");
}

#[tokio::test]
async fn a_response_fails_as_openai_does() {
    let (status, body) = whole("/v1/responses", &response("context-overflow", json!({}))).await;
    assert_eq!(
        (status, &body["error"]["code"], &body["error"]["param"]),
        (400, &json!("context_length_exceeded"), &json!("input"))
    );
    let (_, body) = whole("/v1/responses", &json!({ "model": "steady" })).await;
    assert_eq!(body["error"]["param"], "input");
    let inside = text_of("/v1/responses", &response("error-in-200", json!({ "stream": true }))).await;
    assert_eq!(data(&inside).last().expect("an end")["response"]["error"]["code"], "server_is_overloaded");
    let (_, filtered) = whole("/v1/responses", &response("content-filter-finish", json!({}))).await;
    assert_eq!(
        (&filtered["incomplete_details"]["reason"], &filtered["output"]),
        (&json!("content_filter"), &json!([]))
    );
    for (content, status) in [("c2ltdWxhdGVk", 200), ("gAAA", 400)] {
        let input = json!([{ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": content }, { "role": "user", "content": "Hi" }]);
        let (found, body) =
            whole("/v1/responses", &response("bad-signature", json!({ "input": input }))).await;
        assert_eq!(found, status, "{body}");
    }
}

#[tokio::test]
async fn gemini_answers_whole_and_in_chunks() {
    let path = "/v1beta/models/sim/steady:generateContent";
    let (_, body) = whole(path, &prompt(json!({ "generationConfig": { "maxOutputTokens": 2 } }))).await;
    let candidate = &body["candidates"][0];
    assert_eq!(
        (&candidate["finishReason"], &candidate["content"]["parts"][0]["text"]),
        (&json!("MAX_TOKENS"), &json!("You said: "))
    );
    assert_eq!(body["usageMetadata"]["candidatesTokenCount"], 2);
    let path = "/v1beta/models/sim%2Fsteady:streamGenerateContent?alt=sse";
    let chunks = data(&text_of(path, &prompt(json!({}))).await);
    let said: String = chunks
        .iter()
        .filter_map(|chunk| chunk["candidates"][0]["content"]["parts"][0]["text"].as_str())
        .collect();
    assert_eq!(said, "You said: hello there");
    assert_eq!(chunks.last().expect("an end")["candidates"][0]["finishReason"], "STOP");
    let (status, error) = whole("/v1beta/models/rate-limited-7s:generateContent", &prompt(json!({}))).await;
    assert_eq!(
        (status, &error["error"]["status"], &error["error"]["details"][0]["retryDelay"]),
        (429, &json!("RESOURCE_EXHAUSTED"), &json!("7s"))
    );
    let (status, blocked) = whole("/v1beta/models/content-filter:generateContent", &prompt(json!({}))).await;
    assert_eq!((status, &blocked["promptFeedback"]["blockReason"]), (200, &json!("PROHIBITED_CONTENT")));
}

#[tokio::test]
async fn models_answer_at_the_addresses_of_each_platform() {
    let on_vertex = "/v1/projects/p/locations/us-east5/publishers/google/models";
    for models in ["/v1/models", "/v1beta/models", on_vertex, &on_vertex.replace("v1", "v1beta1")] {
        let (status, body) = whole(&format!("{models}/steady:generateContent"), &prompt(json!({}))).await;
        assert_eq!(
            (status, &body["candidates"][0]["finishReason"]),
            (200, &json!("STOP")),
            "{models}: {body}"
        );
        let (status, body) = whole(&format!("{models}/steady:countTokens"), &prompt(json!({}))).await;
        assert!(status == 200 && body["totalTokens"].as_u64() > Some(0), "{models}: {body}");
        // As the test of a connection asks.
        let (status, body) = whole(&format!("{models}/gemini-2.5-flash:countTokens"), &json!({})).await;
        assert_eq!((status, &body["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{models}: {body}");
    }
    // Google's SDK asks at the path of OpenAI's list, too.
    for path in ["/v1beta/models", "/v1/models"] {
        let asked = provider().await.request(Method::GET, path).header("x-goog-api-key", "a-key");
        let listed = body_of(asked.send().await.expect("an answer")).await;
        assert_eq!(listed["models"][0]["name"], format!("models/sim/{}", MODELS[0].example), "{listed}");
    }
    let path = "/openai/deployments/steady/chat/completions?api-version=2024-10-21";
    let (status, body) = whole(path, &turn_of_chat()).await;
    assert_eq!((status, &body["choices"][0]["finish_reason"]), (200, &json!("stop")), "{body}");
    let (status, body) = whole(&path.replace("steady", "error-503"), &turn_of_chat()).await;
    assert_eq!(status, 503, "{body}");
}

/// A chat completion without a model.
fn turn_of_chat() -> Value {
    json!({ "messages": [{ "role": "user", "content": "hello there" }] })
}

#[tokio::test]
async fn gemini_wants_the_signature_of_a_call_back() {
    let path = "/v1beta/models/bad-signature:generateContent";
    let schema =
        json!({ "type": "OBJECT", "properties": { "city": { "type": "STRING" } }, "required": ["city"] });
    let tools = json!([{ "functionDeclarations": [{ "name": "f", "parameters": schema }] }]);
    let (_, called) = whole(path, &prompt(json!({ "tools": tools }))).await;
    let part = &called["candidates"][0]["content"]["parts"][0];
    assert_eq!(
        (&part["functionCall"]["name"], part["functionCall"]["args"]["city"].is_string()),
        (&json!("f"), true),
        "{called}"
    );
    let unsigned = json!({ "functionCall": part["functionCall"] });
    let foreign = json!({ "functionCall": part["functionCall"], "thoughtSignature": "c2ln" });
    let placeholder = json!({ "functionCall": part["functionCall"], "thoughtSignature": "skip_thought_signature_validator" });
    for (call, status) in [(part, 200), (&unsigned, 400), (&foreign, 400), (&placeholder, 200)] {
        let result = json!({ "functionResponse": { "name": "f", "response": { "result": "21 degrees" } } });
        let contents = json!([
            { "role": "user", "parts": [{ "text": "Go" }] }, { "role": "model", "parts": [call] }, { "role": "user", "parts": [result] },
        ]);
        let (found, body) = whole(path, &prompt(json!({ "tools": tools, "contents": contents }))).await;
        assert_eq!(found, status, "{body}");
        // Older turns are not checked.
        let mut later = contents.as_array().expect("a list").clone();
        later.push(json!({ "role": "user", "parts": [{ "text": "And now?" }] }));
        let (found, body) = whole(path, &prompt(json!({ "contents": later }))).await;
        assert_eq!(found == 200, call["thoughtSignature"] != "c2ln", "{body}");
    }
}

#[tokio::test]
async fn gemini_takes_the_names_of_members_in_both_spellings() {
    let schema = json!({ "type": "object", "required": ["city"] });
    let declared = json!({ "function_declarations": [{ "name": "f", "parameters_json_schema": schema }, { "name": "g" }] });
    let asked = prompt(json!({
        "tools": [declared],
        "tool_config": { "function_calling_config": { "mode": "ANY", "allowed_function_names": ["f"] } },
        "generation_config": { "max_output_tokens": 900, "thinking_config": { "include_thoughts": true } },
    }));
    let path = "/v1/models/bad-signature:generateContent";
    let (_, body) = whole(path, &asked).await;
    let parts = &body["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0]["thought"], true, "{body}");
    assert!(parts[1]["functionCall"]["args"]["city"].is_string(), "{body}");
    let result = json!({ "function_response": { "name": "f", "response": { "result": "21 degrees" } } });
    for (signature, status) in [(json!("c2ltdWxhdGVk"), 200), (json!("c2ln"), 400), (Value::Null, 400)] {
        let call = json!({ "function_call": parts[1]["functionCall"], "thought_signature": signature });
        let contents = json!([
            { "role": "user", "parts": [{ "text": "Go" }] }, { "role": "model", "parts": [call] }, { "role": "user", "parts": [result] },
        ]);
        let (found, body) = whole(path, &prompt(json!({ "contents": contents }))).await;
        assert_eq!(found, status, "{body}");
        let said = &body["candidates"][0]["content"]["parts"][0]["text"];
        assert_eq!(*said == "The tool said: 21 degrees", status == 200, "{body}");
    }
    let short = prompt(json!({ "generation_config": { "max_output_tokens": 2 } }));
    let (_, body) = whole("/v1/models/steady:generateContent", &short).await;
    assert_eq!(body["candidates"][0]["finishReason"], "MAX_TOKENS", "{body}");
}

/// The messages of a binary stream as their types and payloads, up to one with a wrong checksum.
fn messages(mut bytes: &[u8]) -> (Vec<(String, Value)>, bool) {
    let number = |bytes: &[u8], from: usize| {
        u32::from_be_bytes(bytes[from..from + 4].try_into().expect("four bytes")) as usize
    };
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (total, headers) = (number(bytes, 0), number(bytes, 4));
        let (message, rest) = bytes.split_at(total);
        let is_whole = number(message, total - 4) == crc32fast::hash(&message[..total - 4]) as usize;
        if !is_whole || number(message, 8) != crc32fast::hash(&message[..8]) as usize {
            return (found, false);
        }
        // The type is the value of the first header: a name, the byte 7, a length in two bytes.
        let value = 12 + 1 + usize::from(message[12]) + 1;
        let length = usize::from(u16::from_be_bytes([message[value], message[value + 1]]));
        let kind = String::from_utf8(message[value + 2..value + 2 + length].to_vec()).expect("UTF-8");
        found.push((kind, serde_json::from_slice(&message[12 + headers..total - 4]).expect("JSON")));
        bytes = rest;
    }
    (found, true)
}

async fn streamed_turn(model: &str, body: &Value) -> (Vec<(String, Value)>, bool) {
    let response = posted(&format!("/model/{model}/converse-stream"), body).await;
    assert_eq!(header(&response, "content-type"), "application/vnd.amazon.eventstream");
    messages(&response.bytes().await.expect("a whole body"))
}

#[tokio::test]
async fn converse_answers_whole_and_in_binary_messages() {
    let spec = json!({ "toolSpec": { "name": "f", "inputSchema": { "json": { "type": "object", "required": ["city"] } } } });
    let with_tool = turn(json!({ "toolConfig": { "tools": [spec] } }));
    let (_, body) = whole("/model/sim%2Fsteady/converse", &with_tool).await;
    let call = &body["output"]["message"]["content"][0]["toolUse"];
    assert_eq!(
        (&call["name"], call["input"]["city"].is_string(), &body["stopReason"]),
        (&json!("f"), true, &json!("tool_use")),
        "{body}"
    );
    let (messages, is_whole) = streamed_turn("sim/steady", &with_tool).await;
    let kinds: Vec<&str> = messages.iter().map(|(kind, _)| kind.as_str()).collect();
    assert!(
        is_whole && kinds.starts_with(&["messageStart", "contentBlockStart", "contentBlockDelta"]),
        "{kinds:?}"
    );
    assert!(kinds.ends_with(&["contentBlockStop", "messageStop", "metadata"]), "{kinds:?}");
    let input: String =
        messages.iter().filter_map(|(_, data)| data["delta"]["toolUse"]["input"].as_str()).collect();
    assert!(serde_json::from_str::<Value>(&input).expect("JSON")["city"].is_string(), "{input}");
    let (messages, _) = streamed_turn("late-thinking", &turn(json!({}))).await;
    let stops: Vec<&Value> = messages
        .iter()
        .filter(|(kind, _)| kind == "contentBlockStop")
        .map(|(_, data)| &data["contentBlockIndex"])
        .collect();
    assert_eq!(stops, [&json!(0), &json!(1), &json!(2)]);
    let (messages, is_whole) = streamed_turn("bad-crc", &turn(json!({}))).await;
    assert!(!is_whole && messages.last().expect("content").1["delta"]["text"] == "You ", "{messages:?}");
}

#[tokio::test]
async fn converse_fails_as_amazon_does() {
    for (model, status, kind) in [
        ("rate-limited", 429, "ThrottlingException"),
        ("unauthorized", 403, "UnrecognizedClientException"),
        ("context-overflow", 400, "ValidationException"),
        ("not-found", 404, "ResourceNotFoundException"),
        ("error-503", 503, "ServiceUnavailableException"),
    ] {
        let response = posted(&format!("/model/{model}/converse"), &turn(json!({}))).await;
        assert_eq!((response.status().as_u16(), header(&response, "x-amzn-errortype")), (status, kind));
        assert!(body_of(response).await["message"].is_string(), "{model}");
    }
    let (_, filtered) = whole("/model/content-filter/converse", &turn(json!({}))).await;
    assert_eq!(filtered["stopReason"], "content_filtered");
    let (messages, _) = streamed_turn("error-in-200", &turn(json!({}))).await;
    assert_eq!(messages[0].0, "serviceUnavailableException");
    let reasoning = json!({ "reasoningContent": { "reasoningText": { "text": "T", "signature": "c2ln" } } });
    let history = json!([
        { "role": "user", "content": [{ "text": "Go" }] }, { "role": "assistant", "content": [reasoning] }, { "role": "user", "content": [{ "text": "On" }] },
    ]);
    let (status, body) = whole("/model/bad-signature/converse", &turn(json!({ "messages": history }))).await;
    assert_eq!(status, 400, "{body}");
}
