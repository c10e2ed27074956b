//! What a request uses besides text: media, documents, reasoning, structured output and others. Vendors have plans,
//! permissions and limits for each of them, so a refusal or a limit may be of one, and plain requests are answered.

mod of_operations;
mod of_providers;
#[cfg(test)]
mod tests;

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

/// Members of Messages that do, sorted. A translation has `reasoning` until it is adapted to its model.
pub(super) const OF_MESSAGES: [&str; 4] = ["output_config", "output_format", "reasoning", "thinking"];

/// Members of Responses that do, sorted.
pub(super) const OF_RESPONSES: [&str; 3] = ["reasoning", "text", "top_logprobs"];

/// Members of translations into the dialects of providers that do, sorted.
pub(super) const OF_GEMINI: [&str; 1] = ["reasoning"];
pub(super) const OF_CONVERSE: [&str; 2] = ["outputConfig", "reasoning"];

/// Members that do in each dialect: other tiers than the standard one may be missing for a model.
const OF_TIERS: [&str; 3] = ["serviceTier", "service_tier", "speed"];

/// Values of a member that leave everything as it is.
const USUAL: [&str; 9] =
    ["auto", "default", "disabled", "false", "none", "on_demand", "standard", "standard_only", "text"];

/// What the turns of a dialect have that is no feature.
struct Plain {
    /// Members of a turn, and of the parts of its content, that hold only text and calls of the caller's tools.
    members: &'static [&'static str],
    /// Types of those parts.
    types: &'static [&'static str],
    /// Members with what the caller or its model wrote, in any words.
    free: &'static [&'static str],
}

/// The turns of the dialects of callers.
const OF_CALLERS: Plain = Plain {
    members: &[
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
    ],
    types: &["ephemeral", "function", "refusal", "text", "tool_result", "tool_use"],
    free: &["arguments", "input"],
};

impl Plain {
    const fn of(dialect: Dialect) -> &'static Self {
        match dialect {
            Dialect::ChatCompletions | Dialect::Messages | Dialect::Responses => &OF_CALLERS,
            Dialect::Gemini => &of_providers::GEMINI,
            Dialect::Converse => &of_providers::CONVERSE,
        }
    }

    /// Whether turns, or a system prompt, are text and calls of tools alone.
    fn has_all_of(&self, value: &[u8]) -> bool {
        value.len() <= LONGEST && serde_json::from_slice(value).is_ok_and(|value| self.has(&value))
    }

    fn has(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
            Value::Array(items) => items.iter().all(|item| self.has(item)),
            Value::Object(members) => members.iter().all(|(name, value)| match name.as_str() {
                "type" => value.as_str().is_some_and(|kind| self.types.contains(&kind)),
                name if self.free.contains(&name) => true,
                name => value.is_null() || self.members.contains(&name) && self.has(value),
            }),
        }
    }
}

/// Members with the tools of an item, and with the schema of one.
const TOOLS: [&str; 2] = ["parameters", "tools"];

/// What the names and types of content that is not text have in common. Gemini has `inlineData`.
const MEDIA: [&str; 6] = ["image", "audio", "video", "file", "document", "inline"];

/// The longest list of turns in bytes that is read. A longer one may have any feature.
const LONGEST: usize = 512 * 1024;

/// The members with the turns of a request, and with what its operator says.
const fn turns(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::ChatCompletions | Dialect::Messages | Dialect::Converse => &["messages", "system"],
        Dialect::Responses => &["messages", "system", "input", "instructions"],
        Dialect::Gemini => &["contents", "systemInstruction"],
    }
}

impl ChatRequest {
    /// Whether the request uses more than text, sampling and tools of the caller.
    pub(in crate::gateway) fn uses_features(&self) -> bool {
        let is_used: fn(&str, &[u8]) -> bool = match self.dialect {
            Dialect::ChatCompletions | Dialect::Messages => is_used,
            Dialect::Responses => {
                |name, value| if name == "text" { !is_usual(value) } else { is_used(name, value) }
            }
            Dialect::Gemini => of_providers::is_used_of_gemini,
            Dialect::Converse => of_providers::is_used_of_converse,
        };
        let plain = Plain::of(self.dialect);
        let is_of_a_part = self.parts.iter().any(|part| {
            let (name, value) = (part.name.as_str(), self.value(part));
            if turns(self.dialect).contains(&name) { !plain.has_all_of(value) } else { is_used(name, value) }
        });
        is_of_a_part || self.asks_for_own_embeddings() || self.uses_features_of_its_operation()
    }

    /// Whether a turn has content that its provider decodes or fetches: media, a document or a file.
    pub(in crate::gateway) fn brings_media(&self) -> bool {
        let free = Plain::of(self.dialect).free;
        let of_turns = |name: &str| turns(self.dialect).contains(&name);
        self.parts.iter().any(|part| of_turns(&part.name) && has_media(self.value(part), free))
            || self.brings_media_of_its_operation()
    }
}

/// Whether a member of a caller's dialect, other than its turns, asks for a feature.
fn is_used(name: &str, value: &[u8]) -> bool {
    match name {
        "tools" => !has_usual_caches(value),
        "cache_control" => !OF_CALLERS.has_all_of(value),
        name => is_feature(name) && !is_usual(value),
    }
}

fn is_feature(name: &str) -> bool {
    OF_CHAT.binary_search(&name).is_ok() || OF_MESSAGES.contains(&name) || OF_TIERS.contains(&name)
}

/// Whether a value asks for nothing: it is null, or says so, also in an object with a `type` or an `effort` alone.
fn is_usual(value: &[u8]) -> bool {
    let text = |value: &Value| match value {
        Value::Null => Some("none".to_owned()),
        Value::Bool(false) => Some("false".to_owned()),
        Value::String(text) => Some(text.to_lowercase()),
        Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let Ok(value) = serde_json::from_slice::<Value>(value) else { return false };
    let said = match &value {
        Value::Object(members) if members.len() == 1 => {
            members.get("type").or_else(|| members.get("effort")).and_then(text)
        }
        value => text(value),
    };
    said.is_some_and(|said| USUAL.contains(&said.as_str()))
}

/// Whether turns have content that is not text. Almost all that have none do not even have its words.
fn has_media(value: &[u8], free: &[&str]) -> bool {
    let has = |word: &str| memmem::find(value, word.as_bytes()).is_some();
    // A word may be escaped.
    if !has("\\u") && !MEDIA.iter().any(|word| has(word)) {
        return false;
    }
    if value.len() > LONGEST {
        return MEDIA.iter().any(|word| has(&format!("\"{word}")));
    }
    let Ok(turns) = serde_json::from_slice(value) else { return true };
    is_media(&turns, free)
}

fn is_media(value: &Value, free: &[&str]) -> bool {
    let named = |name: &str| {
        let name = name.to_ascii_lowercase();
        MEDIA.iter().any(|word| name.contains(word))
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(|item| is_media(item, free)),
        Value::Object(members) => members.iter().any(|(name, value)| match name.as_str() {
            "type" => value.as_str().is_some_and(named),
            name if free.contains(&name) || TOOLS.contains(&name) || value.is_null() => false,
            name => named(name) || is_media(value, free),
        }),
    }
}

/// Whether no tool asks for a cache other than the usual one.
fn has_usual_caches(tools: &[u8]) -> bool {
    let Ok(tools) = serde_json::from_slice::<Vec<Value>>(tools) else { return false };
    tools.iter().filter_map(|tool| tool.get("cache_control")).all(|cache| OF_CALLERS.has(cache))
}
