//! What a vendor and its model accept of a request that was written for another model: optional parameters, effort
//! values, roles, message members, tool call ids and response formats.
//!
//! Only what causes an error, or would silently change the answer, is listed. Sources are noted beside the rows: V is
//! the vendor's own documentation, R are reports of its behavior. All were read in November 2026.

mod effort;
mod history;
mod members;
mod models;
mod optional;
mod refusal;
mod signature;
mod tool_ids;
mod vendors;

use super::known_models::Capabilities;
use super::presets::Preset;

pub use effort::{Effort, clamped};
pub use optional::{NEWER_LIMIT, OF_MESSAGES, OPTIONAL, Parameters, STREAM_MEMBERS, STRICT};
pub use refusal::{Refusal, refused_parameters};
pub use signature::{REASONING_WORDS, refuses_reasoning};
pub use tool_ids::ToolIds;
use vendors::{UNKNOWN, VENDORS, Vendor};

/// Which members of a message, or of a tool call in it, a vendor accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedMembers {
    /// Every member, known or not.
    All,
    /// Every member except the listed ones.
    Without(&'static [&'static str]),
    /// Only the members that are listed.
    Only(&'static [&'static str]),
}

impl AllowedMembers {
    /// Whether the vendor accepts only listed members.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Only(_))
    }

    /// Whether the member of this name is kept.
    #[must_use]
    pub fn keeps(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Without(names) => !names.contains(&name),
            Self::Only(names) => names.contains(&name),
        }
    }
}

/// Which parts with a model's reasoning an assistant's content may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningParts {
    /// The parts of any vendor.
    Any,
    /// Parts with a list in `thinking`, as Mistral writes them. Anthropic's have a text and a signature.
    Lists,
    /// No parts with reasoning at all.
    None,
}

/// Which response formats a model can be held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaSupport {
    /// A JSON schema is accepted.
    Taken,
    /// A JSON schema, unless the request has tools.
    WithoutTools,
    /// Any JSON object; the prompt must mention JSON.
    JsonObject,
    /// Any JSON object, unless the request has tools.
    JsonObjectWithoutTools,
    /// None: a schema is ignored, and the answer is prose.
    Ignored,
}

/// What a model accepts.
#[derive(Clone, Copy, Debug)]
pub struct TargetModel {
    vendor: &'static Vendor,
    /// The accepted values of `reasoning_effort`.
    pub effort: Effort,
    /// Which response formats it follows.
    pub schemas: SchemaSupport,
    /// Which tool call ids it accepts.
    pub tool_ids: ToolIds,
    /// Optional parameters that this model refuses, in addition to its vendor's.
    refuses: &'static [&'static str],
    /// Whether a tool call must carry Google's signature.
    pub signed_calls: bool,
    /// Whether there must be an assistant message between a tool result and the next user message.
    pub bridges_results: bool,
    /// Whether an assistant message with tool calls must carry its reasoning, even if empty.
    pub reasoning_in_history: bool,
    /// Whether a schema may contain `strict`.
    pub strict_schemas: bool,
    /// Whether the model reasons by default, in which case it cannot be forced to call a tool.
    pub thinks_freely: bool,
}

/// Marks the first tool call of a message as unsigned, as Google documents it for calls that another model made (V
/// ai.google.dev/gemini-api/docs/thought-signatures).
pub const NO_SIGNATURE: &str = r#"{"google":{"thought_signature":"skip_thought_signature_validator"}}"#;

/// The assistant message that is inserted where a vendor requires one.
pub const BRIDGE: &str = r#"{"role":"assistant","content":"Understood."}"#;

/// Parameters that control reasoning.
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

impl TargetModel {
    /// What a vendor's model accepts of a request. `tools` tells whether the request has tools.
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
            schemas: match preset.gemini {
                Some(_) => models::schemas_of_gemini(model),
                None => models::schemas(vendor, model, capabilities.structured_output),
            },
            tool_ids,
            refuses: models::refused_by_model(vendor, model, reasons),
            signed_calls: vendor.preset == "gemini" && models::is_third_gemini(model),
            // "Unexpected role 'user' after role 'tool'" (R datapizza-labs/datapizza-ai#98, aliou/pi-neuralwatt#12).
            bridges_results: tool_ids == ToolIds::Nine,
            reasoning_in_history: deep_thinker,
            // V console.groq.com/docs/structured-outputs: strict mode on select models only, else a 400.
            strict_schemas: vendor.preset != "groq" || model.contains("gpt-oss"),
            // "Thinking mode does not support this tool_choice", for `required` and for a named tool (R
            // deepseek-ai/DeepSeek-V3#1376, can1357/oh-my-pi#7315).
            thinks_freely: deep_thinker,
        }
    }

    /// Whether an optional parameter is refused, whatever its value.
    #[must_use]
    pub fn refuses(&self, parameter: &str) -> bool {
        self.vendor.refuses.contains(&parameter) || self.refuses.contains(&parameter)
    }

    /// Whether the limit of the answer is `max_completion_tokens`.
    #[must_use]
    pub fn has_newer_limit(&self) -> bool {
        self.vendor.newer_limit
    }

    /// Whether `n` must be 1.
    #[must_use]
    pub fn gives_one_choice(&self) -> bool {
        self.vendor.one_choice
    }

    /// Whether a tool definition may contain `strict`.
    #[must_use]
    pub fn takes_strict_tools(&self) -> bool {
        self.vendor.strict_tools
    }

    /// Whether the deprecated `functions`, `function_call` and role `function` are accepted.
    #[must_use]
    pub fn takes_functions(&self) -> bool {
        self.vendor.functions
    }

    /// The highest accepted temperature.
    #[must_use]
    pub fn hottest(&self) -> Option<f64> {
        self.vendor.hottest
    }

    /// Whether the role `developer` is accepted.
    #[must_use]
    pub fn knows_developers(&self) -> bool {
        self.vendor.developer
    }

    /// Accepted members of a message with this role.
    #[must_use]
    pub fn members(&self, role: &str) -> AllowedMembers {
        self.vendor
            .members
            .iter()
            .find(|(of, _)| *of == role || of.is_empty())
            .map_or(AllowedMembers::All, |(_, kept)| *kept)
    }

    /// Accepted members of a tool call.
    #[must_use]
    pub fn call_members(&self) -> AllowedMembers {
        self.vendor.call_members
    }

    /// Whether prompt cache markers may occur in messages and tools.
    #[must_use]
    pub fn keeps_cache_marks(&self) -> bool {
        self.vendor.cache_marks
    }

    /// Whether the content of system, assistant and tool messages must be a string, not a list of parts.
    #[must_use]
    pub fn wants_plain_text(&self) -> bool {
        self.vendor.plain_text
    }

    /// Whether a document is a part of the type `document_url`, with an address or its bytes as one, instead of `file`.
    #[must_use]
    pub fn wants_document_urls(&self) -> bool {
        // V docs.mistral.ai/studio/document-processing/document-qna; a `file` is a 422 (R danny-avila/LibreChat#12144).
        self.vendor.preset == "mistral"
    }

    /// Which reasoning parts an assistant's content may contain.
    #[must_use]
    pub fn reasoning_parts(&self) -> ReasoningParts {
        self.vendor.reasoning_parts
    }

    /// Whether `tool_choice` may name the tools that are allowed.
    #[must_use]
    pub fn takes_allowed_tools(&self) -> bool {
        self.vendor.allowed_tools
    }

    /// Whether an answer can be held to a schema.
    #[must_use]
    pub fn follows_schemas(&self, tools: bool) -> bool {
        match self.schemas {
            SchemaSupport::Taken => true,
            SchemaSupport::WithoutTools => !tools,
            SchemaSupport::JsonObject | SchemaSupport::JsonObjectWithoutTools | SchemaSupport::Ignored => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
