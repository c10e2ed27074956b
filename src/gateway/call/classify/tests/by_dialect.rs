//! A request is judged by what it uses, in whichever dialect its provider gets it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::own_fields::{may_be_brought, of_own_fields};
use super::*;
use crate::dialects::Dialect;
use crate::gateway::request::chat_request::ChatRequest;
use FailureScope::Open;

/// A chat completion with these fields, as providers of a dialect get it; `None` if no request is translated into that.
fn sent_in(dialect: Dialect, fields: &Value) -> Option<Arc<ChatRequest>> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hello there"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
    match dialect {
        Dialect::ChatCompletions => Some(Arc::new(request)),
        Dialect::Messages | Dialect::Gemini | Dialect::Converse => {
            Some(request.translated(dialect).expect("a translation"))
        }
        Dialect::Responses => None,
    }
}

/// What a request makes of an error of the model `up-5`, and whether it brings what may have failed.
fn judged(request: &ChatRequest, status: u16, error: &Value) -> (Option<FailureScope>, bool) {
    let body = json!({"error": error}).to_string();
    let error = parse_error(status, &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH);
    let failure = read(&Fault::Upstream(Box::new(error.clone())));
    (of_own_fields(&failure, &error, request, "up-5"), may_be_brought(&failure, request))
}

/// Each dialect that a chat completion with these fields is sent in, with the request.
fn each(fields: &Value) -> impl Iterator<Item = (Dialect, Arc<ChatRequest>)> {
    Dialect::ALL.into_iter().filter_map(move |dialect| Some((dialect, sent_in(dialect, fields)?)))
}

fn content(part: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "Look."}, part]}]})
}

fn errors() -> [(u16, Value); 5] {
    [
        (429, json!({"message": "Rate limit reached", "code": "rate_limit_exceeded"})),
        (429, json!({"message": "Your credit balance is too low"})),
        (401, json!({"message": "Unauthorized", "type": "invalid_request_error"})),
        (403, json!({"message": "The security token is expired", "code": "ExpiredTokenException"})),
        (404, json!({"message": "This model does not exist", "code": "model_not_found"})),
    ]
}

#[test]
fn a_plain_request_is_plain_in_each_dialect() {
    let schema = json!({"type": "object", "properties": {"retrieval": {"type": "string"}, "file_id": {"type": "string"}}});
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": schema}});
    let call = json!({
        "id": "call_1", "type": "function",
        "function": {"name": "f", "arguments": "{\"file_id\":\"f\",\"image\":{\"type\":\"image\"}}"},
    });
    let turns = json!([
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}, {"role": "user", "content": "So?"},
    ]);
    for fields in [
        json!({}),
        json!({"temperature": 0.5, "max_tokens": 9, "stop": ["x"], "stream": true, "user": "u"}),
        json!({"tools": [tool], "tool_choice": "auto"}),
        json!({"tools": [tool], "messages": turns}),
        json!({"reasoning_effort": "none"}),
    ] {
        for (dialect, request) in each(&fields) {
            for (status, error) in errors() {
                assert_eq!(judged(&request, status, &error), (None, false), "{dialect:?} {fields} {error}");
            }
            assert!(!request.uses_features() && !request.brings_media(), "{dialect:?} {fields}");
        }
    }
}

#[test]
fn a_feature_is_one_in_each_dialect() {
    let image = content(&json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}));
    let file = json!({"filename": "a.pdf", "file_data": "data:application/pdf;base64,eA=="});
    let document = content(&json!({"type": "file", "file": file}));
    let schema = json!({"name": "s", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}});
    for (fields, is_media) in [
        (image, true),
        (document, true),
        (json!({"reasoning_effort": "high"}), false),
        (json!({"response_format": {"type": "json_schema", "json_schema": schema}}), false),
    ] {
        for (dialect, request) in each(&fields) {
            for (status, error) in errors().into_iter().filter(|(status, _)| *status != 401) {
                assert_eq!(
                    judged(&request, status, &error),
                    (Some(Open), true),
                    "{dialect:?} {fields} {error}"
                );
            }
            assert_eq!(request.brings_media(), is_media, "{dialect:?} {fields}");
            // A credential that is not accepted is no matter of features, and neither is an outage, unless something is decoded.
            let refused =
                judged(&request, 401, &json!({"message": "Unauthorized", "type": "invalid_request_error"}));
            assert_eq!(refused, (None, false), "{dialect:?} {fields}");
            assert_eq!(
                judged(&request, 500, &json!({"message": "broken"})),
                (None, is_media),
                "{dialect:?} {fields}"
            );
        }
    }
}
