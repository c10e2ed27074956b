//! What a request refers to of the provider's account may be what a refusal is about.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::own_fields::{may_be_brought, of_own_fields};
use super::*;
use crate::dialects::Dialect;
use crate::gateway::request::chat_request::ChatRequest;

/// The scope of a bare 401 to a request, and whether the request brings what may have failed.
fn refused(dialect: Dialect, fields: &Value) -> (Option<FailureScope>, bool) {
    let mut body = json!({"model": "m", "max_tokens": 9});
    body[if dialect == Dialect::Responses { "input" } else { "messages" }] =
        json!([{"role": "user", "content": "Hi"}]);
    if dialect == Dialect::Responses {
        body.as_object_mut().expect("an object").remove("max_tokens");
    }
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let request = ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request");
    let error = json!({"error": {"message": "Unauthorized", "type": "invalid_request_error"}}).to_string();
    let error = parse_error(401, &HeaderMap::new(), error.as_bytes(), DateTime::UNIX_EPOCH);
    let failure = read(&Fault::Upstream(Box::new(error.clone())));
    (of_own_fields(&failure, &error, &request, "up-5"), may_be_brought(&failure, &request))
}

/// A turn with this part as its content.
fn content(name: &str, part: &Value) -> Value {
    json!({name: [{"role": "user", "content": [part]}]})
}

#[test]
fn a_bare_401_may_be_of_what_the_request_refers_to() {
    let own = (Some(FailureScope::Open), true);
    for fields in [
        content("messages", &json!({"type": "file", "file": {"file_id": "file-1"}})),
        json!({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}),
        json!({"messages": [{"role": "system", "content": "fileid://file-1"}]}),
        json!({"audio": {"voice": {"id": "voice_1"}, "format": "wav"}}),
        json!({"extra_body": {"google": {"cached_content": "cachedContents/1"}}}),
    ] {
        assert_eq!(refused(Dialect::ChatCompletions, &fields), own, "{fields}");
    }
    for fields in [
        content("messages", &json!({"type": "container_upload", "file_id": "file_1"})),
        content("messages", &json!({"type": "document", "source": {"type": "file", "file_id": "file_1"}})),
        json!({"container": "container_1"}),
    ] {
        assert_eq!(refused(Dialect::Messages, &fields), own, "{fields}");
    }
    for fields in [
        content("input", &json!({"type": "input_file", "file_id": "file-1"})),
        json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
        json!({"input": [{"id": "msg_1"}]}),
        json!({"input": [{"type": "image_generation_call", "id": "ig_1"}]}),
        json!({"input": [{"role": "assistant", "content": [{"type": "output_audio", "id": "audio_1"}]}]}),
        json!({"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABo"}]}),
        json!({"previous_response_id": "resp_1"}),
        json!({"conversation": {"id": "conv_1"}}),
        json!({"prompt": {"id": "pmpt_1"}}),
        json!({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
        json!({"tools": [{"type": "mcp", "server_label": "x", "connector_id": "connector_x"}]}),
        json!({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}),
        content("input", &json!({"type": "input_image", "image_url": "https://x.example/a.png"})),
    ] {
        assert_eq!(refused(Dialect::Responses, &fields), own, "{fields}");
    }
}

#[test]
fn a_bare_401_to_other_requests_is_of_the_credential() {
    let theirs = (None, false);
    let schema = json!({"type": "object", "properties": {"file_id": {"type": "string"}, "container": {"type": "string"}}});
    let function = json!({"type": "function", "function": {"name": "f", "parameters": schema}});
    let call =
        json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"file_id\":\"f\"}"}});
    for fields in [
        json!({}),
        json!({"tools": [function], "messages": [{"role": "assistant", "tool_calls": [call]}]}),
        json!({"messages": [{"role": "user", "content": "Use file_id and item_reference."}]}),
        json!({"metadata": {"file_id": "file-1"}, "user": "u"}),
        content(
            "messages",
            &json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}}),
        ),
    ] {
        assert_eq!(refused(Dialect::ChatCompletions, &fields), theirs, "{fields}");
    }
    let used = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "f"}});
    for fields in [
        json!({"tools": [{"name": "f", "input_schema": schema}]}),
        json!({"messages": [{"role": "assistant", "content": [used]}]}),
    ] {
        assert_eq!(refused(Dialect::Messages, &fields), theirs, "{fields}");
    }
    let namespace = json!({"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f", "parameters": schema}]});
    for fields in [
        json!({"tools": [namespace], "previous_response_id": null}),
        json!({"input": [{"type": "additional_tools", "tools": [namespace]}, {"role": "user", "content": "Hi"}]}),
        json!({"input": "Hi"}),
        json!({"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": null}]}),
    ] {
        assert_eq!(refused(Dialect::Responses, &fields), theirs, "{fields}");
    }
}
