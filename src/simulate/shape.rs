//! OpenAI's response JSON as types. Every key that strict clients require is present, null if unknown.

use serde::Serialize;

/// What a model that thinks has thought.
pub(super) const THOUGHT: &str = "The caller wants an answer.";
/// What a model says before it thinks late.
pub(super) const BEFORE_THOUGHT: &str = "Let me see. ";
/// The signature of that thought, which a caller must send back as it is.
pub(super) const SIGNATURE: &str = "c2ltdWxhdGVk";

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Usage {
    pub(super) prompt_tokens: usize,
    pub(super) completion_tokens: usize,
    pub(super) total_tokens: usize,
    pub(super) prompt_tokens_details: PromptDetails,
    pub(super) completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct PromptDetails {
    pub(super) cached_tokens: usize,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct CompletionDetails {
    pub(super) reasoning_tokens: usize,
}

#[derive(Serialize)]
pub(super) struct Whole<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: u64,
    pub(super) model: &'a str,
    pub(super) choices: [WholeChoice; 1],
    pub(super) usage: Usage,
    pub(super) system_fingerprint: &'static str,
}

#[derive(Serialize)]
pub(super) struct WholeChoice {
    pub(super) index: u32,
    pub(super) message: Message,
    pub(super) logprobs: Option<()>,
    pub(super) finish_reason: &'static str,
}

#[derive(Serialize)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) content: Option<String>,
    pub(super) refusal: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<[ToolCall; 1]>,
}

#[derive(Serialize)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) r#type: &'static str,
    pub(super) function: CalledFunction,
}

#[derive(Serialize)]
pub(super) struct CalledFunction {
    pub(super) name: String,
    pub(super) arguments: String,
}

/// Part of a tool call: the first one names it, and each later one has part of its arguments.
#[derive(Serialize)]
pub(super) struct ToolCallPiece<'a> {
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r#type: Option<&'static str>,
    pub(super) function: FunctionPiece<'a>,
}

#[derive(Serialize)]
pub(super) struct FunctionPiece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'a str,
}

#[derive(Serialize)]
pub(super) struct Chunk<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: u64,
    pub(super) model: &'a str,
    pub(super) system_fingerprint: &'static str,
    pub(super) choices: &'a [ChunkChoice<'a>],
    /// As with OpenAI, the key is present (null until the last chunk) only if usage was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Option<Usage>>,
}

#[derive(Serialize)]
pub(super) struct ChunkChoice<'a> {
    pub(super) index: u32,
    pub(super) delta: Delta<'a>,
    pub(super) logprobs: Option<()>,
    pub(super) finish_reason: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Delta<'a> {
    Role { role: &'static str, content: &'static str, refusal: Option<()> },
    Content { content: &'a str },
    Thought { reasoning_content: &'static str },
    Call { tool_calls: [ToolCallPiece<'a>; 1] },
    Nothing {},
}
