//! Writes a request as a chat completion. What a vendor wants otherwise is adapted later, as for any fallback.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::documents::{self, File};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::messages::read_request::effort_of;
use crate::dialects::need::Need;
use crate::dialects::turns::written::{DOCUMENT_FOLLOWS, IMAGE_FOLLOWS, UNWRITTEN};
use crate::dialects::turns::{Block, Call, CallResult, Choice, Request, Role, Source, Tool, Turn};

/// The most stop sequences of a request.
const MOST_STOPS: usize = 4;
/// The name of a schema without one, which chat completions require.
const SCHEMA_NAME: &str = "answer";
/// The longest name of a schema.
const LONGEST_NAME: usize = 64;

/// Writes a request for the model of this name.
///
/// # Errors
/// Chat completions cannot express it.
pub fn write(request: &Request<'_>, model: &str, changes: &mut Changes) -> Result<Vec<u8>, Need> {
    if request.stop.len() > MOST_STOPS {
        return Err(Need::StopSequences);
    }
    let (system, turns) = request.conversation()?;
    let mut messages = Vec::with_capacity(request.turns.len());
    for turn in system.iter().chain(turns) {
        push(turn, &mut messages, changes);
    }
    let body = Body {
        model,
        messages,
        max_tokens: request.limit,
        temperature: request.temperature,
        top_p: request.top_p,
        stop: (!request.stop.is_empty()).then_some(&request.stop),
        stream: request.stream.then_some(true),
        stream_options: request.stream.then_some(IncludeUsage { include_usage: true }),
        user: request.user.as_deref(),
        reasoning_effort: request.effort.as_deref().or_else(|| request.budget.map(effort_of)),
        tools: request.tools.iter().map(function).collect(),
        tool_choice: request.choice.as_ref().filter(|_| !request.tools.is_empty()).map(choice),
        parallel_tool_calls: request.parallel.filter(|parallel| !parallel && !request.tools.is_empty()),
        response_format: request.schema.map(|schema| response_format(schema, request)),
    };
    serde_json::to_vec(&body).map_err(|_| UNWRITTEN)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<IncludeUsage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Serialize)]
struct IncludeUsage {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum Message<'a> {
    System {
        content: String,
    },
    User {
        content: Content<'a>,
    },
    Assistant {
        content: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: String,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(String),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
    File { file: File<'a> },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Called<'a>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Definition<'a>,
}

#[derive(Serialize)]
struct Definition<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    Word(&'static str),
    Named {
        #[serde(rename = "type")]
        kind: &'static str,
        function: Name<'a>,
    },
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    json_schema: Schema<'a>,
}

#[derive(Serialize)]
struct Schema<'a> {
    name: Cow<'a, str>,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

fn function<'a>(tool: &'a Tool<'a>) -> Function<'a> {
    let Tool { name, description, schema, strict, .. } = tool;
    Function {
        kind: "function",
        function: Definition {
            name,
            description: description.as_deref(),
            parameters: *schema,
            strict: *strict,
        },
    }
}

fn choice(choice: &Choice) -> ToolChoice<'_> {
    match choice {
        Choice::Auto => ToolChoice::Word("auto"),
        Choice::None => ToolChoice::Word("none"),
        Choice::Any => ToolChoice::Word("required"),
        Choice::Named(name) => ToolChoice::Named { kind: "function", function: Name { name } },
    }
}

fn response_format<'a>(schema: &'a RawValue, request: &'a Request<'_>) -> ResponseFormat<'a> {
    let name = request.schema_name.as_deref().map_or(Cow::Borrowed(SCHEMA_NAME), name_of_schema);
    ResponseFormat {
        kind: "json_schema",
        json_schema: Schema { name, schema, strict: request.strict_schema },
    }
}

/// A name that every vendor takes: at most 64 letters, digits, `_` and `-`.
fn name_of_schema(name: &str) -> Cow<'_, str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if name.is_empty() {
        return Cow::Borrowed(SCHEMA_NAME);
    }
    if name.len() <= LONGEST_NAME && name.chars().all(fits) {
        return Cow::Borrowed(name);
    }
    name.chars().take(LONGEST_NAME).map(|letter| if fits(letter) { letter } else { '_' }).collect()
}

/// Adds the messages of a turn. The results of tools come first, each as a message of its own.
fn push<'a>(turn: &'a Turn<'a>, messages: &mut Vec<Message<'a>>, changes: &mut Changes) {
    match turn.role {
        Role::System => {
            let content = joined(turn.blocks.iter().filter_map(as_text), changes);
            messages.extend(content.map(|content| Message::System { content }));
        }
        Role::Assistant => {
            let content = joined(turn.blocks.iter().filter_map(as_text), changes);
            let tool_calls: Vec<_> = turn.blocks.iter().filter_map(as_call).collect();
            answer(content, tool_calls, messages, changes);
        }
        Role::User => {
            let mut spoken: Vec<&Block<'_>> = Vec::new();
            let mut results = Vec::new();
            for block in &turn.blocks {
                match block {
                    Block::Result(result) => results.push(tool(result, &mut spoken, changes)),
                    other => spoken.push(other),
                }
            }
            let at = after_calls(messages);
            messages.splice(at..at, results);
            messages.extend(content(&spoken, changes).map(|content| Message::User { content }));
        }
    }
}

/// Adds an answer of the model. One that follows calls is a part of their message, because their results have to follow at once.
fn answer<'a>(
    content: Option<String>,
    tool_calls: Vec<ToolCall<'a>>,
    messages: &mut Vec<Message<'a>>,
    changes: &mut Changes,
) {
    // Nothing is left of a turn of reasoning alone.
    if content.is_none() && tool_calls.is_empty() {
        return;
    }
    match messages.last_mut() {
        Some(Message::Assistant { content: said, tool_calls: calls }) if !calls.is_empty() => {
            let texts = [said.take(), content];
            *said = joined(texts.iter().flatten().map(String::as_str), changes);
            calls.extend(tool_calls);
        }
        Some(_) | None => messages.push(Message::Assistant { content, tool_calls }),
    }
}

/// The place for the results of tools: after the calls and their other results, before what was said since.
fn after_calls(messages: &[Message<'_>]) -> usize {
    let is_of_calls =
        |message: &Message<'_>| matches!(message, Message::Assistant { .. } | Message::Tool { .. });
    let said = messages.iter().rev().take_while(|message| !is_of_calls(message)).count();
    let has_calls = said < messages.len();
    messages.len() - if has_calls { said } else { 0 }
}

/// The message for a result. Its images and documents go to the message of the user that follows.
fn tool<'a>(
    result: &'a CallResult<'a>,
    spoken: &mut Vec<&'a Block<'a>>,
    changes: &mut Changes,
) -> Message<'a> {
    let mut texts: Vec<&str> = result.blocks.iter().filter_map(as_text).collect();
    let mut follow = |is_moved: fn(&Block<'_>) -> bool, what, follows| {
        let before = spoken.len();
        spoken.extend(result.blocks.iter().filter(|block| is_moved(block)));
        if spoken.len() > before {
            changes.note(Verb::Moved, what);
            texts.push(follows);
        }
    };
    follow(is_image, "image", IMAGE_FOLLOWS);
    follow(is_document, "document", DOCUMENT_FOLLOWS);
    let mut content = joined(texts.into_iter(), changes).unwrap_or_default();
    if result.failed {
        changes.note(Verb::Mapped, "tool_error");
        content.insert_str(0, "Error: ");
    }
    Message::Tool { tool_call_id: &result.id, content }
}

fn is_image(block: &Block<'_>) -> bool {
    matches!(block, Block::Image(_))
}

fn is_document(block: &Block<'_>) -> bool {
    matches!(block, Block::Document(_))
}

fn as_text<'a>(block: &'a Block<'a>) -> Option<&'a str> {
    match block {
        Block::Text(text) => Some(text),
        Block::Image(_)
        | Block::Document(_)
        | Block::Call(_)
        | Block::Result(_)
        | Block::Reasoning
        | Block::Signed(_)
        | Block::CacheMark(_)
        | Block::Foreign(_) => None,
    }
}

fn as_call<'a>(block: &'a Block<'a>) -> Option<ToolCall<'a>> {
    let Block::Call(Call { id, name, input }) = block else { return None };
    Some(ToolCall { id, kind: "function", function: Called { name, arguments: input.get() } })
}

/// One text, which every vendor accepts. `None` if there is none.
fn joined<'a>(texts: impl Iterator<Item = &'a str>, changes: &mut Changes) -> Option<String> {
    let texts: Vec<&str> = texts.collect();
    if texts.len() > 1 {
        changes.note(Verb::Flattened, "content");
    }
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// The content of a user's message: one text, or parts if there are images or documents.
fn content<'a>(blocks: &[&'a Block<'a>], changes: &mut Changes) -> Option<Content<'a>> {
    if !blocks.iter().any(|block| is_image(block) || is_document(block)) {
        return joined(blocks.iter().copied().filter_map(as_text), changes).map(Content::Text);
    }
    let part = |block: &&'a Block<'a>| match *block {
        Block::Image(Source::Base64 { media_type, data }) => {
            let url = ["data:", media_type, ";base64,", data].concat();
            Some(Part::ImageUrl { image_url: ImageUrl { url } })
        }
        Block::Image(Source::Url(url)) => Some(Part::ImageUrl { image_url: ImageUrl { url: url.clone() } }),
        Block::Document(source) => documents::write(source).map(|file| Part::File { file }),
        other => as_text(other).map(|text| Part::Text { text }),
    };
    Some(Content::Parts(blocks.iter().filter_map(part).collect()))
}

#[cfg(test)]
mod tests;
