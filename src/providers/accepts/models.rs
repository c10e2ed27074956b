//! What models differ in from the rest of their vendor's, by their names.

use super::vendors::Vendor;
use super::{ABOUT_REASONING, Schemas};

/// What a model refuses beyond its vendor.
pub(super) fn refused_by_model(
    vendor: &Vendor,
    model: &str,
    reasons: Option<bool>,
) -> &'static [&'static str] {
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    let openai = matches!(vendor.preset, "openai" | "azure");
    if openai && is(&["o1", "o3", "o4", "codex-mini"]) {
        // "Unsupported parameter: 'parallel_tool_calls' is not supported with this model" (R
        // UKGovernmentBEIS/inspect_ai#1227). `verbosity` came with gpt-5.
        return &["parallel_tool_calls", "prediction", "verbosity", "web_search_options"];
    }
    if openai && is(&["gpt-5-chat", "gpt-4", "gpt-3", "chatgpt-4"]) && !model.contains("search") {
        return &["verbosity", "web_search_options"];
    }
    if openai && is(&["gpt-5"]) {
        return &["prediction", "web_search_options"];
    }
    if reasons == Some(false) {
        // Where it is known that a model does not reason, nobody need be asked how to.
        return ABOUT_REASONING;
    }
    &[]
}

/// What becomes of a schema at one model of a vendor. What the catalogue says of a model is about schemas alone.
pub(super) fn schemas(vendor: &Vendor, model: &str, structured_output: Option<bool>) -> Schemas {
    let families = ["gpt-oss", "llama-4", "kimi-k2"];
    match vendor.schemas {
        // V console.groq.com/docs/structured-outputs lists the models.
        _ if vendor.preset == "groq" => {
            let listed = families.iter().any(|family| model.contains(family));
            if structured_output.unwrap_or(listed) {
                Schemas::WithoutTools
            } else {
                Schemas::JsonObjectWithoutTools
            }
        }
        Schemas::WithoutTools if vendor.preset == "gemini" && is_third_gemini(model) => Schemas::Taken,
        Schemas::Taken | Schemas::WithoutTools if structured_output == Some(false) => Schemas::JsonObject,
        known => known,
    }
}

/// The third generation, and the names that point at the newest one.
pub(super) fn is_third_gemini(model: &str) -> bool {
    model.starts_with("gemini") && !["gemini-1", "gemini-2"].iter().any(|old| model.starts_with(old))
}
