//! What a vendor and its model take of a request that was written for another model: which optional parameters, which
//! words for effort, which roles, which members of the history, which ids of tool calls, which response format.
//!
//! Only what is refused with an error, or would change the answer without a word, is listed. The sources stand beside
//! the rows: V is the vendor's own documentation, R are reports of its answers. All were read in November 2026.

mod effort;
mod models;
mod optional;
mod tool_ids;
mod vendors;

use super::known_models::Capabilities;
use super::presets::Preset;

pub use effort::{Effort, clamped};
pub use optional::{NEWER_LIMIT, OPTIONAL, Parameters, STRICT, refused_parameters};
pub use tool_ids::ToolIds;
use vendors::{UNKNOWN, VENDORS, Vendor};

/// Which members of a message, or of a tool call in it, a vendor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Whatever there is.
    All,
    /// Everything but these.
    Without(&'static [&'static str]),
    /// Only these.
    Only(&'static [&'static str]),
}

impl Kept {
    /// Whether the vendor has a list of what it takes.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Only(_))
    }

    /// Whether a member of that name stays.
    #[must_use]
    pub fn keeps(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Without(names) => !names.contains(&name),
            Self::Only(names) => names.contains(&name),
        }
    }
}

/// Which of the formats for an answer a model can be held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schemas {
    /// A JSON schema.
    Taken,
    /// A JSON schema, unless the request has tools.
    WithoutTools,
    /// Some JSON object, of which the prompt must speak.
    JsonObject,
    /// Some JSON object, unless the request has tools.
    JsonObjectWithoutTools,
    /// None: a schema is ignored, and prose comes back.
    Ignored,
}

/// What a model takes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    vendor: &'static Vendor,
    /// Words for the effort of its reasoning.
    pub effort: Effort,
    /// What becomes of a schema.
    pub schemas: Schemas,
    /// Ids of tool calls.
    pub tool_ids: ToolIds,
    /// Optional parameters that this model refuses, beyond those of its vendor.
    refuses: &'static [&'static str],
    /// The call of a tool must carry a signature of Google's.
    pub signed_calls: bool,
    /// Between the result of a call and what a person says next there must be an answer.
    pub bridges_results: bool,
    /// An answer that called tools must carry its reasoning, if only an empty one.
    pub reasoning_in_history: bool,
    /// Whether a schema may say `strict`.
    pub strict_schemas: bool,
    /// Whether it thinks unless the request says otherwise, and then cannot be made to call a tool.
    pub thinks_freely: bool,
}

/// How the first call of a message says that it has no signature, as Google documents it for the calls of another
/// model (V ai.google.dev/gemini-api/docs/thought-signatures).
pub const NO_SIGNATURE: &str = r#"{"google":{"thought_signature":"skip_thought_signature_validator"}}"#;

/// What an assistant is made to say where a vendor wants it to say something.
pub const BRIDGE: &str = r#"{"role":"assistant","content":"Understood."}"#;

/// What says how a model is to reason.
const ABOUT_REASONING: &[&str] = &[
    "reasoning",
    "thinking",
    "enable_thinking",
    "thinking_budget",
    "include_reasoning",
    "reasoning_format",
    "reasoning_split",
    "verbosity",
];

impl Target {
    /// What a model of that vendor takes of a request, which may have tools.
    #[must_use]
    pub fn of(preset: &Preset, upstream_model: &str, capabilities: &Capabilities, tools: bool) -> Self {
        let vendor = VENDORS.iter().find(|vendor| vendor.preset == preset.name).unwrap_or(&UNKNOWN);
        let model = upstream_model.strip_prefix("models/").unwrap_or(upstream_model);
        let reasons = capabilities.reasoning;
        let tool_ids = tool_ids::of_model(vendor.tool_ids, model);
        let deep_thinker = vendor.preset == "deepseek" && reasons != Some(false) && model != "deepseek-chat";
        Self {
            vendor,
            effort: (vendor.effort)(model, reasons, tools),
            schemas: models::schemas(vendor, model, capabilities.structured_output),
            tool_ids,
            refuses: models::refused_by_model(vendor, model, reasons),
            signed_calls: vendor.preset == "gemini" && models::is_third_gemini(model),
            // "Unexpected role 'user' after role 'tool'" (R datapizza-labs/datapizza-ai#98, aliou/pi-neuralwatt#12).
            bridges_results: tool_ids == ToolIds::Nine,
            reasoning_in_history: deep_thinker,
            // V console.groq.com/docs/structured-outputs: strict mode on select models only, else a 400.
            strict_schemas: vendor.preset != "groq" || model.contains("gpt-oss"),
            // "Thinking mode does not support this tool_choice", of `required` and of a name (R
            // deepseek-ai/DeepSeek-V3#1376, can1357/oh-my-pi#7315).
            thinks_freely: deep_thinker,
        }
    }

    /// Whether an optional parameter is refused, whatever its value is.
    #[must_use]
    pub fn refuses(&self, parameter: &str) -> bool {
        self.vendor.refuses.contains(&parameter) || self.refuses.contains(&parameter)
    }

    /// Whether only one answer can be asked for at a time.
    #[must_use]
    pub fn gives_one_choice(&self) -> bool {
        self.vendor.one_choice
    }

    /// Whether the definition of a tool may say `strict`.
    #[must_use]
    pub fn takes_strict_tools(&self) -> bool {
        self.vendor.strict_tools
    }

    /// Whether functions may be offered, called and answered as they were before there were tools.
    #[must_use]
    pub fn takes_functions(&self) -> bool {
        self.vendor.functions
    }

    /// The highest temperature that is taken.
    #[must_use]
    pub fn hottest(&self) -> Option<f64> {
        self.vendor.hottest
    }

    /// Whether a message may come from a `developer`.
    #[must_use]
    pub fn knows_developers(&self) -> bool {
        self.vendor.developer
    }

    /// Members of a message of that role.
    #[must_use]
    pub fn members(&self, role: &str) -> Kept {
        self.vendor
            .members
            .iter()
            .find(|(of, _)| *of == role || of.is_empty())
            .map_or(Kept::All, |(_, kept)| *kept)
    }

    /// Members of a call of a tool.
    #[must_use]
    pub fn call_members(&self) -> Kept {
        self.vendor.call_members
    }

    /// Whether marks for a prompt cache may stand in messages and tools.
    #[must_use]
    pub fn keeps_cache_marks(&self) -> bool {
        self.vendor.cache_marks
    }

    /// Whether the words of a system, assistant or tool message must be one text, not a list of parts.
    #[must_use]
    pub fn wants_plain_text(&self) -> bool {
        self.vendor.plain_text
    }

    /// Whether parts that hold reasoning may stand in an assistant's content.
    #[must_use]
    pub fn keeps_reasoning_parts(&self) -> bool {
        self.vendor.reasoning_parts
    }

    /// Whether an answer can be held to a schema.
    #[must_use]
    pub fn follows_schemas(&self, tools: bool) -> bool {
        match self.schemas {
            Schemas::Taken => true,
            Schemas::WithoutTools => !tools,
            Schemas::JsonObject | Schemas::JsonObjectWithoutTools | Schemas::Ignored => false,
        }
    }
}

#[cfg(test)]
mod tests;
