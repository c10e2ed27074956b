//! How individual models differ from their vendor's others, by name.

use super::vendors::Vendor;
use super::{ABOUT_REASONING, SchemaSupport};

/// Parameters that a model refuses in addition to its vendor's.
pub(super) fn refused_by_model(
    vendor: &Vendor,
    model: &str,
    reasons: Option<bool>,
) -> &'static [&'static str] {
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    let openai = matches!(vendor.preset, "openai" | "azure" | "azure-deployments");
    if openai && is(&["o3", "o4", "codex-mini", "o1-mini", "o1-preview"]) && !is(&["o3-mini"]) {
        // V developers.openai.com/api/reference/chat: `stop` is "not supported with latest reasoning models `o3` and
        // `o4-mini`" (R crewAIInc/crewAI#2738: not o3-mini; langchain-ai/langchain#26433).
        return &["parallel_tool_calls", "prediction", "stop", "verbosity", "web_search_options"];
    }
    if openai && is(&["o1", "o3"]) {
        // "Unsupported parameter: 'parallel_tool_calls' is not supported with this model" (R
        // UKGovernmentBEIS/inspect_ai#1227). `verbosity` came with gpt-5.
        return &["parallel_tool_calls", "prediction", "verbosity", "web_search_options"];
    }
    if openai && is(&["gpt-5-chat", "gpt-4", "gpt-3", "chatgpt-4"]) && !model.contains("search") {
        return &["verbosity", "web_search_options"];
    }
    if openai && is(&["gpt-5"]) {
        // "Unsupported parameter: 'stop' is not supported with this model." (R huggingface/smolagents#1671,
        // crewAIInc/crewAI#4149 for gpt-5.1).
        return &["prediction", "stop", "web_search_options"];
    }
    if vendor.preset == "xai"
        && reasons != Some(false)
        && is(&["grok-3-mini", "grok-4", "grok-code"])
        && !model.contains("non-reasoning")
    {
        // V docs.x.ai/docs/guides/reasoning: reasoning models refuse the penalties and `stop`.
        return &["frequency_penalty", "presence_penalty", "stop"];
    }
    if reasons == Some(false) {
        // A model that is known not to reason needs no parameters about reasoning.
        return ABOUT_REASONING;
    }
    &[]
}

/// How a vendor's model handles a schema. The catalog's fact about a model only covers schemas.
pub(super) fn schemas(vendor: &Vendor, model: &str, structured_output: Option<bool>) -> SchemaSupport {
    let families = ["gpt-oss", "llama-4", "kimi-k2"];
    match vendor.schemas {
        // V console.groq.com/docs/structured-outputs lists the models.
        _ if vendor.preset == "groq" => {
            let listed = families.iter().any(|family| model.contains(family));
            if structured_output.unwrap_or(listed) {
                SchemaSupport::WithoutTools
            } else {
                SchemaSupport::JsonObjectWithoutTools
            }
        }
        SchemaSupport::WithoutTools if vendor.preset == "gemini" && is_third_gemini(model) => {
            SchemaSupport::Taken
        }
        SchemaSupport::Taken | SchemaSupport::WithoutTools if structured_output == Some(false) => {
            SchemaSupport::JsonObject
        }
        known => known,
    }
}

/// How a model handles a schema in the dialect of Gemini: together with tools from the third generation on (R
/// openai/openai-agents-python#656).
pub(super) fn schemas_of_gemini(model: &str) -> SchemaSupport {
    if is_third_gemini(model) { SchemaSupport::Taken } else { SchemaSupport::WithoutTools }
}

/// The third generation of Gemini, including the aliases for the newest model.
pub(super) fn is_third_gemini(model: &str) -> bool {
    model.starts_with("gemini") && !["gemini-1", "gemini-2"].iter().any(|old| model.starts_with(old))
}
