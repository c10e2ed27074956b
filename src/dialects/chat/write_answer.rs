//! Writes a whole chat completion.

use serde::Serialize;

use crate::dialects::answers::{Answer, Part, Stop, Tokens};
use crate::dialects::gemini::signature::{self, Signer};
use crate::dialects::ids;
use crate::dialects::turns::Signed;

/// The format of reasoning that Claude has signed, in the words of OpenRouter.
pub(super) const FORMAT_OF_CLAUDE: &str = "anthropic-claude-v1";

/// Writes an answer as a completion. The names of the model and its provider are left out; the gateway writes them into every
/// answer. `created` is the time in seconds.
#[must_use]
pub fn write(answer: &Answer<'_>, tokens: Tokens, created: i64) -> Option<Vec<u8>> {
    let text = |part: &Part<'_>| match part {
        Part::Text(text) => Some(text.clone()),
        Part::Reasoning(_) | Part::Signed(_) | Part::Call(_) => None,
    };
    let reasoning = |part: &Part<'_>| match part {
        Part::Reasoning(text) => Some(text.clone()),
        Part::Signed(Signed::Text { text, .. }) => Some(text.clone()).filter(|text| !text.is_empty()),
        Part::Signed(Signed::Redacted(_) | Signed::Call(_)) | Part::Text(_) | Part::Call(_) => None,
    };
    let completion = Completion {
        id: ids::of_completion(&answer.id),
        object: "chat.completion",
        created,
        choices: [Choice {
            index: 0,
            message: Message {
                role: "assistant",
                content: joined(answer, text),
                refusal: None,
                reasoning_content: joined(answer, reasoning),
                reasoning_details: details(answer),
                tool_calls: calls(answer),
            },
            logprobs: None,
            finish_reason: reason(answer.stop),
        }],
        usage: Usage::of(tokens),
    };
    serde_json::to_vec(&completion).ok()
}

/// The word for an end.
pub(super) const fn reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence => "stop",
        Stop::Calls => "tool_calls",
        Stop::Length | Stop::Window => "length",
        Stop::Refused => "content_filter",
    }
}

/// The tokens of a completion.
#[derive(Serialize)]
pub(super) struct Usage {
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: AnswerDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: i64,
    cache_write_tokens: i64,
}

#[derive(Serialize)]
struct AnswerDetails {
    reasoning_tokens: i64,
}

impl Usage {
    /// OpenAI counts the tokens of the cache in the prompt.
    pub(super) fn of(tokens: Tokens) -> Self {
        Self {
            prompt_tokens: tokens.prompt(),
            completion_tokens: tokens.output,
            total_tokens: tokens.prompt().saturating_add(tokens.output),
            prompt_tokens_details: PromptDetails {
                cached_tokens: tokens.cache_read,
                cache_write_tokens: tokens.cache_write,
            },
            completion_tokens_details: AnswerDetails { reasoning_tokens: tokens.reasoning },
        }
    }
}

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    choices: [Choice<'a>; 1],
    usage: Usage,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent>,
}

/// What Google's own chat completions have beside a call.
#[derive(Serialize)]
pub(super) struct ExtraContent {
    google: Google,
}

#[derive(Serialize)]
struct Google {
    thought_signature: String,
}

impl ExtraContent {
    /// The signature of a call. One of AI Studio is as its chat completions have it.
    pub(super) fn of(marked: &str) -> Self {
        let thought_signature = match signature::read(marked) {
            Some((Signer::Studio, own)) => own.to_owned(),
            Some((Signer::Vertex, _)) | None => marked.to_owned(),
        };
        Self { google: Google { thought_signature } }
    }
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// The texts of some parts as one. `None` if there are none.
fn joined(answer: &Answer<'_>, of: impl Fn(&Part<'_>) -> Option<String>) -> Option<String> {
    let texts: Vec<String> = answer.parts.iter().filter_map(of).collect();
    (!texts.is_empty()).then(|| texts.concat())
}

/// Claude's reasoning in the form that callers send back, which they know of OpenRouter.
#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Detail<'a> {
    #[serde(rename = "reasoning.text")]
    Text { text: &'a str, signature: &'a str, format: &'static str, index: usize },
    #[serde(rename = "reasoning.encrypted")]
    Encrypted { data: &'a str, format: &'static str, index: usize },
}

impl<'a> Detail<'a> {
    /// The detail at this position among those of an answer; `None` if it is none.
    pub(super) fn of(signed: &'a Signed, index: usize) -> Option<Self> {
        match signed {
            Signed::Text { text, signature } => {
                Some(Self::Text { text, signature, format: FORMAT_OF_CLAUDE, index })
            }
            Signed::Redacted(data) => Some(Self::Encrypted { data, format: FORMAT_OF_CLAUDE, index }),
            // It is with its call.
            Signed::Call(_) => None,
        }
    }
}

fn details<'a>(answer: &'a Answer<'a>) -> Vec<Detail<'a>> {
    // Encrypted reasoning alone is no answer.
    if answer.parts.iter().all(|part| matches!(part, Part::Signed(Signed::Redacted(_)))) {
        return Vec::new();
    }
    let signed = answer.parts.iter().filter_map(|part| match part {
        Part::Signed(signed) => Some(signed),
        Part::Reasoning(_) | Part::Text(_) | Part::Call(_) => None,
    });
    signed.enumerate().filter_map(|(index, signed)| Detail::of(signed, index)).collect()
}

/// The calls, each with the signature before it.
fn calls<'a>(answer: &'a Answer<'a>) -> Vec<ToolCall<'a>> {
    let (mut calls, mut signature) = (Vec::new(), None);
    for part in &answer.parts {
        match part {
            Part::Signed(Signed::Call(marked)) => signature = Some(ExtraContent::of(marked)),
            Part::Call(call) => {
                let function = Function { name: &call.name, arguments: call.input.get() };
                let extra_content = signature.take();
                calls.push(ToolCall { id: &call.id, kind: "function", function, extra_content });
            }
            Part::Reasoning(_) | Part::Signed(_) | Part::Text(_) => {}
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialects::messages;

    #[test]
    fn a_message_becomes_a_completion() {
        let message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "x",
            "content": [
                {"type": "thinking", "thinking": "T", "signature": "c2ln"}, {"type": "redacted_thinking", "data": "eA=="},
                {"type": "text", "text": "H"},
                {"type": "text", "text": "i"}, {"type": "of_next_year"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
            ],
            "stop_reason": "tool_use"
        });
        let message = message.to_string();
        let answer = messages::read_answer::read(message.as_bytes()).expect("an answer");
        let tokens = Tokens { fresh: 1, cache_read: 2, cache_write: 3, output: 5, reasoning: 4 };
        let written = write(&answer, tokens, 7).expect("a completion");
        let completion: Value = serde_json::from_slice(&written).expect("JSON");
        let expected = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 7,
            "choices": [{
                "index": 0,
                "message": {
                    "role": "assistant", "content": "Hi", "refusal": null, "reasoning_content": "T",
                    "reasoning_details": [
                        {"type": "reasoning.text", "text": "T", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
                        {"type": "reasoning.encrypted", "data": "eA==", "format": "anthropic-claude-v1", "index": 1}
                    ],
                    "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]
                },
                "logprobs": null, "finish_reason": "tool_calls"
            }],
            "usage": {
                "prompt_tokens": 6, "completion_tokens": 5, "total_tokens": 11,
                "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 4}
            }
        });
        assert_eq!(completion, expected);
    }
}
