//! Writes a whole message.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialects::answers::{Answer, Part, Stop, Tokens};
use crate::dialects::ids;
use crate::dialects::messages::unsigned::MARK;
use crate::dialects::turns::Signed;

/// Writes an answer as a message. The name of the model is left empty; the gateway writes it into every answer.
#[must_use]
pub fn write(answer: &Answer<'_>, tokens: Tokens) -> Option<Vec<u8>> {
    let message = Message {
        id: &ids::of_message(&answer.id),
        kind: "message",
        role: "assistant",
        model: "",
        content: answer.parts.iter().map(block).collect(),
        stop_reason: reason(answer.stop),
        stop_sequence: answer.stop_sequence.as_deref(),
        usage: Usage::of(tokens),
    };
    serde_json::to_vec(&message).ok()
}

/// The word for an end.
pub(super) const fn reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::Sequence => "stop_sequence",
        Stop::Calls => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Window => "model_context_window_exceeded",
        Stop::Refused => "refusal",
    }
}

/// The tokens of a message.
#[derive(Serialize)]
pub(super) struct Usage {
    input_tokens: i64,
    cache_creation_input_tokens: i64,
    cache_read_input_tokens: i64,
    output_tokens: i64,
}

impl Usage {
    /// Anthropic counts the tokens of the cache beside the prompt.
    pub(super) fn of(tokens: Tokens) -> Self {
        Self {
            input_tokens: tokens.fresh,
            cache_creation_input_tokens: tokens.cache_write,
            cache_read_input_tokens: tokens.cache_read,
            output_tokens: tokens.output,
        }
    }
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'static str,
    content: Vec<Block<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    usage: Usage,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    Text { text: &'a str },
    ToolUse { id: String, name: &'a str, input: &'a RawValue },
}

fn block<'a>(part: &'a Part<'a>) -> Block<'a> {
    match part {
        Part::Reasoning(thinking) => Block::Thinking { thinking, signature: MARK },
        Part::Signed(Signed::Text { text, signature }) => Block::Thinking { thinking: text, signature },
        Part::Signed(Signed::Redacted(data)) => Block::RedactedThinking { data },
        Part::Signed(Signed::Call(signature)) => Block::Thinking { thinking: "", signature },
        Part::Text(text) => Block::Text { text },
        Part::Call(call) => Block::ToolUse {
            id: ids::alias_of_call(&call.id).unwrap_or_else(|| call.id.clone()),
            name: &call.name,
            input: call.input.raw(),
        },
    }
}
