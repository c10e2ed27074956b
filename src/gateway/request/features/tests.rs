//! Which requests use features, in each dialect of callers and of providers.

use bytes::Bytes;
use serde_json::json;

use super::*;

fn uses_features(dialect: Dialect, more: &Value) -> bool {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request").uses_features()
}

fn turns(content: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn lists_are_sorted() {
    assert!(OF_CHAT.is_sorted() && OF_MESSAGES.is_sorted() && OF_RESPONSES.is_sorted());
    assert!(OF_GEMINI.is_sorted() && OF_CONVERSE.is_sorted());
}

#[test]
fn text_and_tools_are_no_feature() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"type\":\"image\"}"}});
    for fields in [
        json!({"temperature": 1, "stop": ["x"], "user": "u", "service_tier": "auto", "response_format": {"type": "text"}}),
        json!({"logprobs": false, "reasoning_effort": null, "prediction": null}),
        json!({"messages": [
            {"role": "system", "content": [{"type": "text", "text": "S"}]},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "sunny"},
        ]}),
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"image_url": {}}}}}]}),
    ] {
        assert!(!uses_features(Dialect::ChatCompletions, &fields), "{fields}");
    }
    let cached = json!({"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}});
    for fields in [
        json!({"system": [cached], "thinking": {"type": "disabled"}, "speed": "standard"}),
        turns(&json!([{"type": "tool_use", "id": "t", "name": "f", "input": {"image": {"type": "image"}}}])),
        turns(
            &json!([{"type": "tool_result", "tool_use_id": "t", "is_error": true, "content": [{"type": "text", "text": "no"}]}]),
        ),
        json!({"tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}]}),
    ] {
        assert!(!uses_features(Dialect::Messages, &fields), "{fields}");
    }
}

fn brings_media(dialect: Dialect, content: &Value) -> bool {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]});
    ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request").brings_media()
}

#[test]
fn what_a_provider_decodes_or_fetches_is_media_and_what_was_written_or_thought_is_not() {
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "AAAA"});
    for content in [
        json!([{"type": "text", "text": "a"}, {"type": "document", "source": source}]),
        json!([{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}]),
        json!([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {}}]}]),
        json!([{"type": "container_upload", "file_id": "file_1"}]),
    ] {
        assert!(brings_media(Dialect::Messages, &content), "{content}");
    }
    for content in [
        json!([{"type": "image_url", "image_url": {"url": "gs://bucket/a.png"}}]),
        json!([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]),
        json!([{"type": "file", "file": {"file_data": "AAAA"}}]),
        json!([{"type": "video_url", "video_url": {"url": "https://x.example/v"}}]),
        json!([{"image": "data:"}]),
    ] {
        assert!(brings_media(Dialect::ChatCompletions, &content), "{content}");
    }
    for content in [
        json!("Describe the image of this document, and its audio file."),
        json!([{"type": "text", "text": "{\"type\": \"image\"}", "cache_control": {"type": "ephemeral"}}]),
        json!([{"type": "thinking", "thinking": "an image", "signature": "s"}]),
        json!([{"type": "tool_use", "id": "t", "name": "f", "input": {"image": {"type": "image"}}}]),
    ] {
        assert!(!brings_media(Dialect::Messages, &content), "{content}");
    }
    // Of a long prompt, only the words are read.
    let long = "word ".repeat(LONGEST / 4);
    assert!(!brings_media(Dialect::Messages, &json!([{"type": "text", "text": format!("{long} image")}])));
    let with_image = json!([{"type": "text", "text": long}, {"type": "image", "source": {}}]);
    assert!(brings_media(Dialect::Messages, &with_image));
    let escaped = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"\u0069mage_url"}]}]}"#;
    assert!(ChatRequest::parse(Bytes::from_static(escaped.as_bytes())).expect("a request").brings_media());
}

#[test]
fn what_vendors_have_plans_and_limits_for_is_a_feature() {
    for fields in [
        turns(&json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}])),
        turns(&json!([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}])),
        turns(&json!([{"type": "file", "file": {"file_data": "AAAA"}}])),
        turns(&json!([{"type": "video_url", "video_url": {"url": "https://x.example/v"}}])),
        turns(&json!([{"image": "data:"}])),
        json!({"logprobs": true}),
        json!({"reasoning_effort": "high"}),
        json!({"response_format": {"type": "json_schema", "json_schema": {}}}),
        json!({"service_tier": "flex"}),
        json!({"serviceTier": "priority"}),
    ] {
        assert!(uses_features(Dialect::ChatCompletions, &fields), "{fields}");
    }
    for fields in [
        turns(&json!([{"type": "document", "source": {"type": "base64", "data": "AAAA"}}])),
        turns(&json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}])),
        turns(&json!([{"type": "text", "text": "a", "citations": {"enabled": true}}])),
        turns(&json!([{"type": "thinking", "thinking": "hm", "signature": "s"}])),
        turns(
            &json!([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {}}]}]),
        ),
        json!({"thinking": {"type": "enabled", "budget_tokens": 2_000}}),
        json!({"output_config": {"effort": "high"}}),
        json!({"speed": "fast"}),
        json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        json!({"tools": [{"name": "f", "input_schema": {}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}),
    ] {
        assert!(uses_features(Dialect::Messages, &fields), "{fields}");
    }
}

#[test]
fn dialects_of_providers_have_features_of_their_own_names() {
    let is_used = |dialect: Dialect, body: &Value| {
        ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request").uses_features()
    };
    let parts =
        |part: Value| json!({"model": "m", "contents": [{"role": "model", "parts": [{"text": "Hi"}, part]}]});
    let call =
        json!({"functionCall": {"name": "f", "args": {"image": {"type": "x"}}}, "thoughtSignature": "s"});
    let config = |config: Value| json!({"model": "m", "contents": [], "generationConfig": config});
    for (body, expected) in [
        (parts(call), false),
        (parts(json!({"functionResponse": {"name": "f", "response": {"result": "R"}}})), false),
        (parts(json!({"inlineData": {"mimeType": "application/pdf", "data": "eA=="}})), true),
        (parts(json!({"fileData": {"mimeType": "image/png", "fileUri": "https://x.example/a.png"}})), true),
        (config(json!({"maxOutputTokens": 9, "topP": 1, "responseMimeType": null})), false),
        (config(json!({"responseMimeType": "application/json"})), true),
        (config(json!({"thinkingConfig": {"thinkingBudget": 9}})), true),
        (json!({"model": "m", "contents": [], "cachedContent": "cachedContents/1"}), true),
    ] {
        assert_eq!(is_used(Dialect::Gemini, &body), expected, "{body}");
    }
    let turn = |block: Value| json!({"model": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}, block]}]});
    let result =
        |content: Value| json!({"toolResult": {"toolUseId": "t", "status": "error", "content": [content]}});
    for (body, expected) in [
        (turn(json!({"toolUse": {"toolUseId": "t", "name": "f", "input": {"image": {}}}})), false),
        (turn(result(json!({"json": {"image": {}}}))), false),
        (turn(result(json!({"image": {"format": "png", "source": {"bytes": "eA=="}}}))), true),
        (turn(json!({"reasoningContent": {"reasoningText": {"text": "T", "signature": "s"}}})), true),
        (turn(json!({"cachePoint": {"type": "default"}})), false),
        (turn(json!({"cachePoint": {"type": "default", "ttl": "1h"}})), true),
        (
            json!({"model": "m", "messages": [], "inferenceConfig": {"maxTokens": 9}, "outputConfig": null}),
            false,
        ),
        (json!({"model": "m", "messages": [], "additionalModelRequestFields": {"thinking": {}}}), true),
    ] {
        assert_eq!(is_used(Dialect::Converse, &body), expected, "{body}");
    }
}
