//! Writes the turns of a conversation as Gemini's contents.
//!
//! Roles alternate and a user begins. Not every endpoint knows ids of calls, so results follow their calls at once, in the same order
//! and number; which ids are sent is known when the request is adapted. A call without a result, or a result without a call, becomes
//! a text.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::media::{self, File, Inline};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::need::Need;
use crate::dialects::turns::written::{CONTINUED, DOCUMENT_FOLLOWS, IMAGE_FOLLOWS, as_instruction};
use crate::dialects::turns::{Block, Call, CallResult, Role, Signed, Turn};

/// A turn of one side.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    role: &'static str,
    parts: Vec<Part<'a>>,
}

/// A part of a turn.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    Text {
        text: Cow<'a, str>,
    },
    #[serde(rename_all = "camelCase")]
    Inline {
        inline_data: Inline<'a>,
    },
    #[serde(rename_all = "camelCase")]
    File {
        file_data: File<'a>,
    },
    #[serde(rename_all = "camelCase")]
    Call {
        function_call: FunctionCall<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        thought_signature: Option<&'a str>,
    },
    #[serde(rename_all = "camelCase")]
    Response {
        function_response: FunctionResponse<'a>,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionCall<'a> {
    id: &'a str,
    name: &'a str,
    args: &'a RawValue,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionResponse<'a> {
    id: &'a str,
    name: &'a str,
    response: Outcome,
}

/// What a tool returned: an object, as Gemini wants it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(String),
    Error(String),
}

impl<'a> Part<'a> {
    /// A part with this text.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// Turns of one side that follow each other.
struct Run<'a> {
    of_model: bool,
    /// The blocks, each with whether the operator wrote it.
    blocks: Vec<(&'a Block<'a>, bool)>,
}

impl<'a> Run<'a> {
    fn results(&self) -> impl Iterator<Item = &'a CallResult<'a>> + '_ {
        self.blocks.iter().filter_map(|(block, _)| match block {
            Block::Result(result) => Some(result),
            _ => None,
        })
    }

    fn calls(&self) -> impl Iterator<Item = &'a Call<'a>> + '_ {
        self.blocks.iter().filter_map(|(block, _)| match block {
            Block::Call(call) => Some(call),
            _ => None,
        })
    }
}

/// The contents of a conversation.
///
/// # Errors
/// A picture or a document is of a type that Gemini does not take, or at an address that does not show its type.
pub(super) fn of<'a>(turns: &'a [Turn<'a>], changes: &mut Changes) -> Result<Vec<Content<'a>>, Need> {
    let runs = runs(turns);
    let mut contents: Vec<Content<'a>> = Vec::with_capacity(runs.len() + 1);
    for (index, run) in runs.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| runs.get(index));
        let parts = if run.of_model {
            of_model(run, runs.get(index + 1), changes)
        } else {
            of_user(run, before, changes)?
        };
        let role = if run.of_model { "model" } else { "user" };
        match contents.last_mut() {
            _ if parts.is_empty() => {}
            Some(last) if last.role == role => last.parts.extend(parts),
            Some(_) | None => contents.push(Content { role, parts }),
        }
    }
    if contents.first().is_none_or(|first| first.role == "model") {
        changes.note(Verb::Placeholder, "user_message");
        contents.insert(0, Content { role: "user", parts: vec![Part::text(CONTINUED)] });
    }
    Ok(contents)
}

fn runs<'a>(turns: &'a [Turn<'a>]) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::with_capacity(turns.len());
    for turn in turns {
        let of_model = turn.role == Role::Assistant;
        let blocks = turn.blocks.iter().map(|block| (block, turn.role == Role::System));
        match runs.last_mut() {
            Some(last) if last.of_model == of_model => last.blocks.extend(blocks),
            Some(_) | None => runs.push(Run { of_model, blocks: blocks.collect() }),
        }
    }
    // Nothing is left of a turn of reasoning alone, so that it does not part a call from its result.
    runs.retain(|run| run.blocks.iter().any(|(block, _)| !is_empty(block)));
    let mut joined: Vec<Run<'a>> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.of_model == run.of_model => last.blocks.extend(run.blocks),
            Some(_) | None => joined.push(run),
        }
    }
    joined
}

fn is_empty(block: &Block<'_>) -> bool {
    match block {
        Block::Text(text) => text.trim().is_empty(),
        Block::Reasoning | Block::Signed(_) | Block::CacheMark(_) | Block::Foreign(_) => true,
        Block::Image(_) | Block::Document(_) | Block::Call(_) | Block::Result(_) => false,
    }
}

fn of_model<'a>(run: &Run<'a>, next: Option<&Run<'a>>, changes: &mut Changes) -> Vec<Part<'a>> {
    let (mut parts, mut signature) = (Vec::new(), None);
    for (block, _) in &run.blocks {
        match block {
            Block::Text(_) => parts.extend(block.spoken().map(Part::text)),
            Block::Signed(Signed::Call(marked)) => signature = Some(marked.as_str()),
            Block::Call(call) => {
                let is_answered = next.is_some_and(|next| next.results().any(|result| result.id == call.id));
                let thought_signature = signature.take();
                if is_answered {
                    let function_call =
                        FunctionCall { id: &call.id, name: &call.name, args: call.input.raw() };
                    parts.push(Part::Call { function_call, thought_signature });
                } else {
                    changes.note(Verb::Flattened, "tool_history");
                    parts.push(Part::text(format!("[call of {}: {}]", call.name, call.input.get())));
                }
            }
            Block::Image(_)
            | Block::Document(_)
            | Block::Result(_)
            | Block::Reasoning
            | Block::Signed(_)
            | Block::CacheMark(_)
            | Block::Foreign(_) => {}
        }
    }
    parts
}

/// The parts of a user: the results of the calls before, in their order, then what belongs to them, then the rest.
fn of_user<'a>(
    run: &Run<'a>,
    before: Option<&Run<'a>>,
    changes: &mut Changes,
) -> Result<Vec<Part<'a>>, Need> {
    let (mut parts, mut media, mut answered) = (Vec::new(), Vec::new(), Vec::new());
    for call in before.into_iter().flat_map(Run::calls) {
        let Some(result) = run.results().find(|result| result.id == call.id) else { continue };
        answered.push(result.id.as_str());
        parts.push(response(call, result, &mut media, changes)?);
    }
    parts.append(&mut media);
    for (block, of_operator) in &run.blocks {
        match block {
            Block::Text(text) if text.trim().is_empty() => {}
            Block::Text(text) if *of_operator => {
                // It keeps its place, because the contents before it may be cached.
                changes.note(Verb::Mapped, "system");
                parts.push(Part::text(as_instruction(text)));
            }
            Block::Text(text) => parts.push(Part::text(text)),
            Block::Image(source) => parts.push(media::part(source, Need::Image, changes)?),
            Block::Document(source) => parts.push(media::part(source, Need::Document, changes)?),
            Block::Result(result) if answered.contains(&result.id.as_str()) => {}
            Block::Result(result) => {
                changes.note(Verb::Flattened, "tool_history");
                parts.push(Part::text("[result of an earlier call]"));
                let mut media = Vec::new();
                parts.push(Part::text(said(result, &mut media, changes)?));
                parts.append(&mut media);
            }
            Block::Call(_)
            | Block::Reasoning
            | Block::Signed(_)
            | Block::CacheMark(_)
            | Block::Foreign(_) => {}
        }
    }
    Ok(parts)
}

fn response<'a>(
    call: &'a Call<'a>,
    result: &'a CallResult<'a>,
    media: &mut Vec<Part<'a>>,
    changes: &mut Changes,
) -> Result<Part<'a>, Need> {
    let said = said(result, media, changes)?;
    let response = if result.failed { Outcome::Error(said) } else { Outcome::Result(said) };
    Ok(Part::Response { function_response: FunctionResponse { id: &call.id, name: &call.name, response } })
}

/// The text of a result. What is no text follows in parts of its own.
fn said<'a>(
    result: &'a CallResult<'a>,
    media: &mut Vec<Part<'a>>,
    changes: &mut Changes,
) -> Result<String, Need> {
    let mut said: Vec<&str> = Vec::with_capacity(result.blocks.len());
    for block in &result.blocks {
        match block {
            Block::Text(text) => said.push(text),
            Block::Image(source) => {
                changes.note(Verb::Moved, "image");
                said.push(IMAGE_FOLLOWS);
                media.push(media::part(source, Need::Image, changes)?);
            }
            Block::Document(source) => {
                changes.note(Verb::Moved, "document");
                said.push(DOCUMENT_FOLLOWS);
                media.push(media::part(source, Need::Document, changes)?);
            }
            Block::Call(_)
            | Block::Result(_)
            | Block::Reasoning
            | Block::Signed(_)
            | Block::CacheMark(_)
            | Block::Foreign(_) => {}
        }
    }
    Ok(said.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialects::chat;
    use crate::dialects::members::Members;

    /// The contents of the messages of a chat completion, and the changes.
    fn contents(messages: &Value) -> Result<(Value, Vec<String>), Need> {
        let body = json!({"messages": messages}).to_string();
        let members: Members<'_> = serde_json::from_str(&body).expect("an object");
        let mut changes = Changes::default();
        let request = chat::read_request::read(&members, &mut changes).expect("a request");
        let contents = of(&request.turns, &mut changes)?;
        Ok((serde_json::to_value(contents).expect("JSON"), changes.into_names()))
    }

    fn call(id: &str, name: &str) -> Value {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{\"a\":1}"}})
    }

    fn result(id: &str, text: &str) -> Value {
        json!({"role": "tool", "tool_call_id": id, "content": text})
    }

    #[test]
    fn results_follow_their_calls_in_order_and_with_the_name() {
        let (found, changes) = contents(&json!([
            {"role": "user", "content": "Go"},
            {"role": "assistant", "content": "I look.", "tool_calls": [call("x", "f"), call("y", "g")]},
            result("y", "two"), result("x", "one"), {"role": "user", "content": "And?"}
        ]))
        .expect("contents");
        let called =
            |id: &str, name: &str| json!({"functionCall": {"id": id, "name": name, "args": {"a": 1}}});
        let answered = |id: &str, name: &str, text: &str| json!({"functionResponse": {"id": id, "name": name, "response": {"result": text}}});
        let expected = json!([
            {"role": "user", "parts": [{"text": "Go"}]},
            {"role": "model", "parts": [{"text": "I look."}, called("x", "f"), called("y", "g")]},
            {"role": "user", "parts": [answered("x", "f", "one"), answered("y", "g", "two"), {"text": "And?"}]}
        ]);
        assert_eq!((found, changes), (expected, Vec::new()));
    }

    #[test]
    fn a_call_or_a_result_alone_is_a_text() {
        let (found, changes) = contents(&json!([
            {"role": "assistant", "tool_calls": [call("x", "f")]},
            result("z", "stray"), {"role": "system", "content": "Stop."}
        ]))
        .expect("contents");
        let expected = json!([
            {"role": "user", "parts": [{"text": "(continued)"}]},
            {"role": "model", "parts": [{"text": "[call of f: {\"a\":1}]"}]},
            {"role": "user", "parts": [
                {"text": "[result of an earlier call]"}, {"text": "stray"}, {"text": "<system>\nStop.\n</system>"}
            ]}
        ]);
        let names = ["flattened:tool_history", "mapped:system", "placeholder:user_message"];
        assert_eq!((found, changes), (expected, names.map(str::to_owned).to_vec()));
    }

    #[test]
    fn what_moves_out_of_a_result_and_a_name_are_noted() {
        let parts = json!([
            {"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,eA=="}}
        ]);
        let (found, changes) = contents(&json!([
            {"role": "user", "content": "Go"}, {"role": "assistant", "tool_calls": [call("x", "f")]},
            {"role": "tool", "tool_call_id": "x", "content": parts}
        ]))
        .expect("contents");
        let expected = json!([
            {"functionResponse": {"id": "x", "name": "f", "response": {"result": "See\n\n[image follows]\n\n[document follows]"}}},
            {"inlineData": {"mimeType": "image/png", "data": "eA=="}},
            {"inlineData": {"mimeType": "application/pdf", "data": "eA=="}}
        ]);
        assert_eq!(found[2]["parts"], expected);
        assert_eq!(changes, ["moved:image", "moved:document", "stripped:name"]);
    }
}
