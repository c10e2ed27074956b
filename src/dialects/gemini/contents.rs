//! Writes the turns of a conversation as Gemini's contents.
//!
//! Roles alternate and a user begins. The results of calls have the name of their tool in place of an id, so they follow their
//! calls at once, in the same order and number. A call without a result, or a result without a call, becomes a text.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialects::change::{Changes, Verb};
use crate::dialects::need::Need;
use crate::dialects::turns::{Block, Call, CallResult, Role, Signed, Source, Turn};

/// What a user says before a conversation that begins with an answer.
const CONTINUED: &str = "(continued)";
/// Take the place of the images and the documents of a result, which follow it.
const IMAGE_FOLLOWS: &str = "[image follows]";
const DOCUMENT_FOLLOWS: &str = "[document follows]";

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
#[serde(rename_all = "camelCase")]
pub(super) struct Inline<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    mime_type: &'static str,
    file_uri: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionCall<'a> {
    name: &'a str,
    args: &'a RawValue,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionResponse<'a> {
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
        Block::Reasoning | Block::Signed(_) | Block::Foreign(_) => true,
        Block::Image(_) | Block::Document(_) | Block::Call(_) | Block::Result(_) => false,
    }
}

fn of_model<'a>(run: &Run<'a>, next: Option<&Run<'a>>, changes: &mut Changes) -> Vec<Part<'a>> {
    let (mut parts, mut signature) = (Vec::new(), None);
    for (block, _) in &run.blocks {
        match block {
            Block::Text(text) if !text.trim().is_empty() => parts.push(Part::text(text)),
            Block::Signed(Signed::Call(marked)) => signature = Some(marked.as_str()),
            Block::Call(call) => {
                let is_answered = next.is_some_and(|next| next.results().any(|result| result.id == call.id));
                let thought_signature = signature.take();
                if is_answered {
                    let function_call = FunctionCall { name: &call.name, args: call.input.raw() };
                    parts.push(Part::Call { function_call, thought_signature });
                } else {
                    changes.note(Verb::Flattened, "tool_history");
                    parts.push(Part::text(format!("[call of {}: {}]", call.name, call.input.get())));
                }
            }
            Block::Text(_)
            | Block::Image(_)
            | Block::Document(_)
            | Block::Result(_)
            | Block::Reasoning
            | Block::Signed(_)
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
        parts.push(response(call, result, &mut media)?);
    }
    parts.append(&mut media);
    for (block, of_operator) in &run.blocks {
        match block {
            Block::Text(text) if text.trim().is_empty() => {}
            Block::Text(text) if *of_operator => {
                // It keeps its place, because the contents before it may be cached.
                changes.note(Verb::Mapped, "system");
                parts.push(Part::text(["<system>\n", text, "\n</system>"].concat()));
            }
            Block::Text(text) => parts.push(Part::text(text)),
            Block::Image(source) => parts.push(self::media(source, Need::Image)?),
            Block::Document(source) => parts.push(self::media(source, Need::Document)?),
            Block::Result(result) if answered.contains(&result.id.as_str()) => {}
            Block::Result(result) => {
                changes.note(Verb::Flattened, "tool_history");
                parts.push(Part::text("[result of an earlier call]"));
                let mut media = Vec::new();
                parts.push(Part::text(said(result, &mut media)?));
                parts.append(&mut media);
            }
            Block::Call(_) | Block::Reasoning | Block::Signed(_) | Block::Foreign(_) => {}
        }
    }
    Ok(parts)
}

fn response<'a>(
    call: &'a Call<'a>,
    result: &'a CallResult<'a>,
    media: &mut Vec<Part<'a>>,
) -> Result<Part<'a>, Need> {
    let said = said(result, media)?;
    let response = if result.failed { Outcome::Error(said) } else { Outcome::Result(said) };
    Ok(Part::Response { function_response: FunctionResponse { name: &call.name, response } })
}

/// The text of a result. What is no text follows in parts of its own.
fn said<'a>(result: &'a CallResult<'a>, media: &mut Vec<Part<'a>>) -> Result<String, Need> {
    let mut said: Vec<&str> = Vec::with_capacity(result.blocks.len());
    for block in &result.blocks {
        match block {
            Block::Text(text) => said.push(text),
            Block::Image(source) => {
                said.push(IMAGE_FOLLOWS);
                media.push(self::media(source, Need::Image)?);
            }
            Block::Document(source) => {
                said.push(DOCUMENT_FOLLOWS);
                media.push(self::media(source, Need::Document)?);
            }
            Block::Call(_) | Block::Result(_) | Block::Reasoning | Block::Signed(_) | Block::Foreign(_) => {}
        }
    }
    Ok(said.join("\n\n"))
}

/// A picture or a document. Google fetches one at an address, and has to know its type.
fn media(source: &Source, need: Need) -> Result<Part<'_>, Need> {
    match source {
        Source::Base64 { media_type, data } | Source::Named { media_type, data, .. } => {
            let is_taken = media_type != "image/gif";
            let inline_data = Inline { mime_type: media_type, data };
            if is_taken { Ok(Part::Inline { inline_data }) } else { Err(need) }
        }
        Source::Url(file_uri) if file_uri.starts_with("http") => {
            let mime_type = type_of(file_uri, need).ok_or(need)?;
            Ok(Part::File { file_data: File { mime_type, file_uri } })
        }
        Source::Url(_) => Err(need),
        Source::File => Err(Need::File),
    }
}

/// The type that an address shows by its end. Documents are PDF.
fn type_of(address: &str, need: Need) -> Option<&'static str> {
    if need == Need::Document {
        return Some("application/pdf");
    }
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    match path.rsplit('.').next()? {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        _ => None,
    }
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
        let called = |name: &str| json!({"functionCall": {"name": name, "args": {"a": 1}}});
        let answered = |name: &str, text: &str| json!({"functionResponse": {"name": name, "response": {"result": text}}});
        let expected = json!([
            {"role": "user", "parts": [{"text": "Go"}]},
            {"role": "model", "parts": [{"text": "I look."}, called("f"), called("g")]},
            {"role": "user", "parts": [answered("f", "one"), answered("g", "two"), {"text": "And?"}]}
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
    fn pictures_are_inline_or_at_an_address_that_shows_their_type() {
        let image = |url: &str| json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]);
        for (url, expected) in [
            ("data:image/png;base64,eA==", json!({"inlineData": {"mimeType": "image/png", "data": "eA=="}})),
            (
                "https://x.example/a.JPG?b=c.d",
                json!({"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/a.JPG?b=c.d"}}),
            ),
        ] {
            let (found, _) = contents(&image(url)).expect(url);
            assert_eq!(found[0]["parts"][0], expected, "{url}");
        }
        for url in ["https://x.example/a", "data:image/gif;base64,eA==", "gs://bucket/a.png"] {
            assert_eq!(contents(&image(url)), Err(Need::Image), "{url}");
        }
    }
}
