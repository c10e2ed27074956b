//! The features of requests in the dialects of providers only, as translations write them.

use serde_json::Value;

use super::{Plain, is_usual};

/// The turns of Gemini. The signature of a call belongs to it: models refuse the call without it.
pub(super) const GEMINI: Plain = Plain {
    members: &["functionCall", "functionResponse", "id", "name", "parts", "role", "text", "thoughtSignature"],
    types: &[],
    free: &["args", "response"],
};

/// The turns of Converse.
pub(super) const CONVERSE: Plain = Plain {
    members: &[
        "cachePoint",
        "content",
        "name",
        "role",
        "status",
        "text",
        "toolResult",
        "toolUse",
        "toolUseId",
    ],
    types: &["default"],
    free: &["input", "json"],
};

/// The settings of Gemini that only shape the text of an answer.
const SETTINGS: [&str; 9] = [
    "candidateCount",
    "frequencyPenalty",
    "maxOutputTokens",
    "presencePenalty",
    "seed",
    "stopSequences",
    "temperature",
    "topK",
    "topP",
];

/// Whether a member of Gemini, other than its turns, asks for a feature.
pub(super) fn is_used_of_gemini(name: &str, value: &[u8]) -> bool {
    match name {
        "model" | "stream" | "toolConfig" | "tools" => false,
        "generationConfig" => !is_plain_config(value),
        _ => !is_usual(value),
    }
}

/// Whether a member of Converse, other than its turns, asks for a feature.
pub(super) fn is_used_of_converse(name: &str, value: &[u8]) -> bool {
    match name {
        "inferenceConfig" | "model" | "stream" | "toolConfig" => false,
        _ => !is_usual(value),
    }
}

fn is_plain_config(value: &[u8]) -> bool {
    let is_plain = |(name, value): (&String, &Value)| SETTINGS.contains(&name.as_str()) || value.is_null();
    serde_json::from_slice::<Value>(value)
        .is_ok_and(|config| config.as_object().is_some_and(|config| config.iter().all(is_plain)))
}
