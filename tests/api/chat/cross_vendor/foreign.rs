//! What only some vendors know, and all others refuse: OpenAI's choice among tools, and signed reasoning.

use serde_json::Value;

use super::vendor_rules::{Refusal, bad};

/// Only OpenAI knows the choice among allowed tools.
pub(super) fn allowed_tools(preset: &str, body: &Value) -> Refusal {
    let kind = body["tool_choice"]["type"].as_str()?;
    let known = kind == "function" || matches!(preset, "openai" | "azure" | "azure-deployments");
    if known { None } else { bad(400, format!("tool_choice of type {kind} is not supported")) }
}

/// Few know parts with another model's reasoning. Mistral's own have a list.
pub(super) fn thoughts(preset: &str, body: &Value) -> Refusal {
    if matches!(preset, "anthropic" | "openrouter" | "custom") {
        return None;
    }
    let messages = body["messages"].as_array().expect("a list").iter();
    let parts = messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    let mut thoughts = parts.filter(|part| {
        part["type"].as_str().is_some_and(|kind| kind.contains("thinking"))
            && !(preset == "mistral" && part["thinking"].is_array() && part.get("signature").is_none())
    });
    thoughts.next().and_then(|part| bad(422, format!("unknown part {part}")))
}
