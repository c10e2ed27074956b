//! A file, a container, a model or something else of the account that the request refers to.

use serde_json::{Map, Value};

use super::owner::is_of_own_tags;
use super::values::{Strings, value};
use super::words::{is_proof, names, text_of};
use crate::dialects::Dialect;
use crate::domain::failure::scope::FailureScope;
use crate::gateway::call::redact::request_text::LONGEST;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::labels::is_label;
use crate::gateway::request::response_items::Items;
use crate::providers::UpstreamError;

/// Members that refer to something of the account, whatever they hold. Only the account that encrypted a content can read it.
const REFERENCES: [&str; 21] = [
    "approval_request_id",
    "assistant_id",
    "cachedContent",
    "cached_content",
    "collection_ids",
    "connector_id",
    "container",
    "container_id",
    "conversation",
    "encrypted_content",
    "file_id",
    "file_ids",
    "file_uri",
    "fileUri",
    "guardrailConfig",
    "guardrail_config",
    "input_file_id",
    "memory_id",
    "previous_response_id",
    "skill_id",
    "vector_store_ids",
];

/// Members that do if they are an object with an `id`: otherwise they hold content, or settings.
const HOLDERS: [&str; 4] = ["audio", "file", "prompt", "voice"];

/// The type of a part of Messages that refers to a file by its `id` alone.
const UPLOAD: &str = "container_upload";

/// The type of a part of Responses that refers to sound by its `id`, if it does not hold it.
const SOUND: &str = "output_audio";

/// How a text of Qwen's names a file of the account.
const FILE_ADDRESS: &str = "fileid://";

/// Members that hold what the caller or its model wrote, in any words.
const fn free(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::ChatCompletions | Dialect::Messages | Dialect::Responses => {
            &["arguments", "input", "input_examples", "parameters", "schema"]
        }
        Dialect::Gemini => &["args", "parametersJsonSchema", "response", "responseJsonSchema"],
        Dialect::Converse => &["input", "inputSchema", "json", "schema"],
    }
}

/// The end of the name of a schema that is a member of a tool.
const SCHEMA: &str = "_schema";

/// Words for a missing permission.
const PERMISSIONS: [&str; 3] = ["permission", "access", "authorized"];

/// Whether the request refers to something of the account that another key may lack: a file, an item, a conversation, a
/// container, a connector and so on. A request that is too long to be read may refer to anything.
pub(super) fn refers_to_the_account(request: &ChatRequest) -> bool {
    let in_an_item = || {
        let input = value(request, "input").filter(|_| request.dialect == Dialect::Responses);
        input.and_then(Items::of).is_some_and(|items| items.name_what_is_kept())
    };
    let in_a_member = || {
        let read = |json: &[u8]| serde_json::from_slice::<Value>(json);
        let parts = request.parts.iter().filter(|part| !is_label(&part.name));
        let mut members = parts.map(|part| (part.name.as_str(), read(request.value(part))));
        let free = free(request.dialect);
        let is_one = |name: &str, value: &Value| is_reference(name, value) || refers(value, free);
        members.any(|(name, value)| value.map_or(true, |value| is_one(name, &value)))
    };
    request.body.len() > LONGEST || in_an_item() || in_a_member()
}

/// Whether a member refers to something of the account.
fn is_reference(name: &str, value: &Value) -> bool {
    let is_empty = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    };
    let has_id = || value.get("id").is_some_and(Value::is_string);
    let is_upload = || name == "type" && value.as_str() == Some(UPLOAD);
    !is_empty && (REFERENCES.contains(&name) || HOLDERS.contains(&name) && has_id() || is_upload())
}

fn is_sound_by_id(members: &Map<String, Value>) -> bool {
    members.get("type").and_then(Value::as_str) == Some(SOUND)
        && members.get("id").is_some_and(Value::is_string)
}

/// Whether something in a value refers to something of the account.
fn refers(value: &Value, free: &[&str]) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains(FILE_ADDRESS),
        Value::Array(items) => items.iter().any(|item| refers(item, free)),
        Value::Object(members) if is_sound_by_id(members) => true,
        Value::Object(members) => members.iter().any(|(name, value)| {
            let is_free = free.contains(&name.as_str()) || name.ends_with(SCHEMA);
            !is_free && (is_reference(name, value) || refers(value, free))
        }),
    }
}

/// A permission for something that the request refers to. One for the model says so.
pub(super) fn of_a_reference(
    error: &UpstreamError,
    request: &ChatRequest,
    sent: &str,
) -> Option<FailureScope> {
    let text = text_of(error);
    if is_of_own_tags(&text, request) {
        return Some(FailureScope::Request);
    }
    let repeats_a_value = || {
        Strings::of(request)
            .is_none_or(|strings| strings.values.iter().any(|value| is_proof(value) && names(&text, value)))
    };
    let may_be = matches!(error.status, 401 | 403)
        && PERMISSIONS.iter().any(|word| names(&text, word))
        && !names(&text, "model")
        && !names(&text, sent)
        && (refers_to_the_account(request) || repeats_a_value());
    may_be.then_some(FailureScope::Open)
}

/// A missing model that the request names elsewhere than in `model`, for a tool for example.
pub(super) fn of_another_model(
    error: &UpstreamError,
    request: &ChatRequest,
    sent: &str,
) -> Option<FailureScope> {
    let (mut text, sent) = (text_of(error), sent.to_lowercase());
    let Some(strings) = Strings::of(request) else {
        return (!names(&text, &sent)).then_some(FailureScope::Open);
    };
    let others = strings.values.iter().map(|value| value.trim().to_lowercase());
    let repeated: Vec<String> =
        others.filter(|value| is_proof(value) && *value != sent && names(&text, value)).collect();
    // `gpt-5` is a word of `gpt-5-mini`.
    for longer in repeated.iter().filter(|value| value.contains(&sent)) {
        text = text.replace(longer.as_str(), " ");
    }
    if names(&text, &sent) {
        None
    } else if repeated.is_empty() {
        strings.names_model.then_some(FailureScope::Open)
    } else {
        Some(FailureScope::Request)
    }
}
