//! What a request uses besides text: media, documents, reasoning, structured output and others. Vendors have plans,
//! permissions and limits for each of them, so a refusal or a limit may be of one, and plain requests are answered.

use memchr::memmem;
use serde_json::Value;

use super::chat_request::ChatRequest;
use crate::dialects::Dialect;

/// Members of chat completions that ask for a feature, sorted.
pub(super) const OF_CHAT: [&str; 21] = [
    "chat_template_kwargs",
    "enable_thinking",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "include_reasoning",
    "logprobs",
    "prediction",
    "prompt_cache_retention",
    "prompt_logprobs",
    "prompt_mode",
    "reasoning",
    "reasoning_effort",
    "reasoning_format",
    "reasoning_split",
    "response_format",
    "strict",
    "thinking",
    "thinking_budget",
    "top_logprobs",
];

/// Members of Messages that do, sorted.
pub(super) const OF_MESSAGES: [&str; 3] = ["output_config", "output_format", "thinking"];

/// Members of Responses that do, sorted.
pub(super) const OF_RESPONSES: [&str; 3] = ["reasoning", "text", "top_logprobs"];

/// Members that do in each dialect: other tiers than the standard one may be missing for a model.
const OF_TIERS: [&str; 3] = ["serviceTier", "service_tier", "speed"];

/// Values of a member that leave everything as it is.
const USUAL: [&str; 9] =
    ["auto", "default", "disabled", "false", "none", "on_demand", "standard", "standard_only", "text"];

/// Members of a turn, and of the parts of its content, that hold only text and calls of the caller's tools.
const OF_TEXT: [&str; 16] = [
    "arguments",
    "cache_control",
    "content",
    "function",
    "function_call",
    "id",
    "index",
    "input",
    "is_error",
    "name",
    "refusal",
    "role",
    "text",
    "tool_call_id",
    "tool_calls",
    "tool_use_id",
];

/// Types of those parts.
const TYPES: [&str; 6] = ["ephemeral", "function", "refusal", "text", "tool_result", "tool_use"];

/// Members with what the caller or its model wrote, in any words.
const FREE: [&str; 2] = ["arguments", "input"];

/// Members with the tools of an item, and with the schema of one.
const TOOLS: [&str; 2] = ["parameters", "tools"];

/// What the names and types of content that is not text have in common.
const MEDIA: [&str; 5] = ["image", "audio", "video", "file", "document"];

/// The longest list of turns in bytes that is read. A longer one may have any feature.
const LONGEST: usize = 512 * 1024;

impl ChatRequest {
    /// Whether the request uses more than text, sampling and tools of the caller.
    pub(in crate::gateway) fn uses_features(&self) -> bool {
        let of_a_part = self.parts.iter().any(|part| {
            let (name, value) = (part.name.as_str(), self.value(part));
            match name {
                "messages" | "system" => !is_text(value),
                "input" | "instructions" if self.dialect == Dialect::Responses => !is_text(value),
                "text" if self.dialect == Dialect::Responses => !is_usual(value),
                "tools" => !has_usual_caches(value),
                "cache_control" => !is_text(value),
                name => is_feature(name) && !is_usual(value),
            }
        });
        of_a_part || self.asks_for_own_embeddings()
    }

    /// Whether a turn has content that its provider decodes or fetches: media, a document or a file.
    pub(in crate::gateway) fn brings_media(&self) -> bool {
        let of_turns = |name: &str| {
            matches!(name, "messages" | "system") || name == "input" && self.dialect == Dialect::Responses
        };
        self.parts.iter().any(|part| of_turns(&part.name) && has_media(self.value(part)))
    }
}

fn is_feature(name: &str) -> bool {
    OF_CHAT.binary_search(&name).is_ok() || OF_MESSAGES.contains(&name) || OF_TIERS.contains(&name)
}

/// Whether a value asks for nothing: it is null, or says so, also in an object with a `type` alone.
fn is_usual(value: &[u8]) -> bool {
    let text = |value: &Value| match value {
        Value::Null => Some("none".to_owned()),
        Value::Bool(false) => Some("false".to_owned()),
        Value::String(text) => Some(text.to_lowercase()),
        Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let Ok(value) = serde_json::from_slice::<Value>(value) else { return false };
    let said = match &value {
        Value::Object(members) if members.len() == 1 => members.get("type").and_then(text),
        value => text(value),
    };
    said.is_some_and(|said| USUAL.contains(&said.as_str()))
}

/// Whether turns, or a system prompt, are text and calls of tools alone.
fn is_text(value: &[u8]) -> bool {
    if value.len() > LONGEST {
        return false;
    }
    serde_json::from_slice(value).is_ok_and(|value| is_text_value(&value))
}

fn is_text_value(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => items.iter().all(is_text_value),
        Value::Object(members) => members.iter().all(|(name, value)| match name.as_str() {
            "type" => value.as_str().is_some_and(|kind| TYPES.contains(&kind)),
            name if FREE.contains(&name) => true,
            name => value.is_null() || OF_TEXT.contains(&name) && is_text_value(value),
        }),
    }
}

/// Whether turns have content that is not text. Almost all that have none do not even have its words.
fn has_media(value: &[u8]) -> bool {
    let has = |word: &str| memmem::find(value, word.as_bytes()).is_some();
    // A word may be escaped.
    if !has("\\u") && !MEDIA.iter().any(|word| has(word)) {
        return false;
    }
    if value.len() > LONGEST {
        return MEDIA.iter().any(|word| has(&format!("\"{word}")));
    }
    let Ok(turns) = serde_json::from_slice(value) else { return true };
    is_media(&turns)
}

fn is_media(value: &Value) -> bool {
    let named = |name: &str| {
        let name = name.to_ascii_lowercase();
        MEDIA.iter().any(|word| name.contains(word))
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(is_media),
        Value::Object(members) => members.iter().any(|(name, value)| match name.as_str() {
            "type" => value.as_str().is_some_and(named),
            name if FREE.contains(&name) || TOOLS.contains(&name) || value.is_null() => false,
            name => named(name) || is_media(value),
        }),
    }
}

/// Whether no tool asks for a cache other than the usual one.
fn has_usual_caches(tools: &[u8]) -> bool {
    let Ok(tools) = serde_json::from_slice::<Vec<Value>>(tools) else { return false };
    tools.iter().filter_map(|tool| tool.get("cache_control")).all(is_text_value)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn uses_features(dialect: Dialect, more: &Value) -> bool {
        let mut body =
            json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request").uses_features()
    }

    fn turns(content: &Value) -> Value {
        json!({"messages": [{"role": "user", "content": content}]})
    }

    #[test]
    fn lists_are_sorted() {
        assert!(OF_CHAT.is_sorted() && OF_MESSAGES.is_sorted() && OF_RESPONSES.is_sorted());
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
            turns(
                &json!([{"type": "tool_use", "id": "t", "name": "f", "input": {"image": {"type": "image"}}}]),
            ),
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
        assert!(!brings_media(
            Dialect::Messages,
            &json!([{"type": "text", "text": format!("{long} image")}])
        ));
        let with_image = json!([{"type": "text", "text": long}, {"type": "image", "source": {}}]);
        assert!(brings_media(Dialect::Messages, &with_image));
        let escaped = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"\u0069mage_url"}]}]}"#;
        assert!(
            ChatRequest::parse(Bytes::from_static(escaped.as_bytes())).expect("a request").brings_media()
        );
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
            turns(
                &json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
            ),
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
}
