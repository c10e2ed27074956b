//! Writes a request as a message.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialects::change::{Changes, Verb};
use crate::dialects::ids;
use crate::dialects::need::Need;
use crate::dialects::turns::{Block, CallResult, Choice, Request, Role, Signed, Source, Tool, Turn};

/// The highest temperature that is accepted.
const HOTTEST: f64 = 1.0;
/// The schema of a tool that has none.
const NO_SCHEMA: &str = r#"{"type":"object","properties":{}}"#;
/// What a user says before a conversation that begins with an answer.
const CONTINUED: &str = "(continued)";

const UNWRITTEN: Need = Need::Translation("it cannot be written");

/// Writes a request for the model of this name. The limit of the answer, which is required, is added later if it is absent.
///
/// # Errors
/// Messages cannot express it.
pub fn write(request: &Request<'_>, model: &str, changes: &mut Changes) -> Result<Vec<u8>, Need> {
    if request.turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
        return Err(Need::Prefill);
    }
    let leading = request.turns.iter().take_while(|turn| turn.role == Role::System).count();
    let (system, turns) = request.turns.split_at(leading);
    let system: Vec<Content<'_>> = system.iter().flat_map(|turn| &turn.blocks).filter_map(as_text).collect();
    let temperature = request.temperature.map(|value| temperature(value, changes));
    let asks = request.effort.is_some() || request.budget.is_some();
    let body = Body {
        model,
        max_tokens: request.limit,
        system,
        messages: messages(turns, changes),
        tools: request.tools.iter().map(tool).collect::<Result<_, _>>()?,
        tool_choice: choice(request),
        stop_sequences: &request.stop,
        top_p: request.top_p.filter(|_| only_one(temperature.is_some(), changes)),
        temperature,
        stream: request.stream.then_some(true),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        output_config: request
            .schema
            .map(|schema| OutputConfig { format: Format { kind: "json_schema", schema } }),
        reasoning: asks
            .then_some(Reasoning { effort: request.effort.as_deref(), max_tokens: request.budget }),
    };
    if body.metadata.is_some() {
        changes.note(Verb::Renamed, "user");
    }
    serde_json::to_vec(&body).map_err(|_| UNWRITTEN)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Content<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Definition<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
}

/// What the caller asks of the reasoning. No model gets it: what a model takes is known only when the request is adapted to it.
#[derive(Serialize)]
struct Reasoning<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Vec<Content<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Place<'a>,
    },
    Document {
        source: Place<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: &'a RawValue,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Content<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Place<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
}

#[derive(Serialize)]
struct Definition<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct ToolChoice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a RawValue,
}

/// The temperature, at most the highest one.
fn temperature<'a>(value: &'a RawValue, changes: &mut Changes) -> Cow<'a, RawValue> {
    let too_hot = value.get().parse::<f64>().is_ok_and(|temperature| temperature > HOTTEST);
    match RawValue::from_string("1".to_owned()) {
        Ok(hottest) if too_hot => {
            changes.note(Verb::Clamped, "temperature");
            Cow::Owned(hottest)
        }
        Ok(_) | Err(_) => Cow::Borrowed(value),
    }
}

/// Whether there is no temperature: Claude accepts only one of the two.
fn only_one(temperature: bool, changes: &mut Changes) -> bool {
    if temperature {
        changes.note(Verb::Dropped, "top_p");
    }
    !temperature
}

fn tool<'a>(tool: &'a Tool<'a>) -> Result<Definition<'a>, Need> {
    let Tool { name, description, schema, strict } = tool;
    let input_schema = match schema {
        Some(schema) => Cow::Borrowed(*schema),
        None => Cow::Owned(RawValue::from_string(NO_SCHEMA.to_owned()).map_err(|_| UNWRITTEN)?),
    };
    Ok(Definition { name, description: description.as_deref(), input_schema, strict: *strict })
}

fn choice<'a>(request: &'a Request<'a>) -> Option<ToolChoice<'a>> {
    if request.tools.is_empty() {
        return None;
    }
    let alone = request.parallel.filter(|parallel| !parallel).map(|parallel| !parallel);
    let (kind, name) = match &request.choice {
        None if alone.is_none() => return None,
        None | Some(Choice::Auto) => ("auto", None),
        Some(Choice::Any) => ("any", None),
        Some(Choice::Named(name)) => ("tool", Some(name.as_str())),
        Some(Choice::None) => {
            return Some(ToolChoice { kind: "none", name: None, disable_parallel_tool_use: None });
        }
    };
    Some(ToolChoice { kind, name, disable_parallel_tool_use: alone })
}

/// The messages: roles alternate, a user begins, and the results of a turn come before what the user says.
fn messages<'a>(turns: &'a [Turn<'a>], changes: &mut Changes) -> Vec<Message<'a>> {
    let mut messages: Vec<Message<'a>> = Vec::with_capacity(turns.len());
    for turn in turns {
        let role = match turn.role {
            Role::System | Role::User => "user",
            Role::Assistant => "assistant",
        };
        let blocks = turn.blocks.iter().filter_map(|block| match turn.role {
            Role::System => as_system(block, changes),
            Role::User | Role::Assistant => as_content(block, changes),
        });
        let content: Vec<Content<'a>> = blocks.collect();
        match messages.last_mut() {
            // Nothing is left of a turn of reasoning alone.
            _ if content.iter().all(is_reasoning) => {}
            Some(last) if last.role == role => last.content.extend(content),
            Some(_) | None => messages.push(Message { role, content }),
        }
    }
    if messages.first().is_none_or(|first| first.role == "assistant") {
        changes.note(Verb::Placeholder, "user_message");
        messages.insert(0, Message { role: "user", content: vec![Content::Text { text: CONTINUED.into() }] });
    }
    for message in &mut messages {
        let user = message.role == "user";
        message.content.sort_by_key(|content| user && !matches!(content, Content::ToolResult { .. }));
    }
    messages
}

fn is_reasoning(content: &Content<'_>) -> bool {
    matches!(content, Content::Thinking { .. } | Content::RedactedThinking { .. })
}

fn as_text<'a>(block: &'a Block<'a>) -> Option<Content<'a>> {
    match block {
        // Blank ones are refused.
        Block::Text(text) if !text.trim().is_empty() => Some(Content::Text { text: text.into() }),
        Block::Text(_)
        | Block::Image(_)
        | Block::Document(_)
        | Block::Call(_)
        | Block::Result(_)
        | Block::Reasoning
        | Block::Signed(_)
        | Block::Foreign(_) => None,
    }
}

/// A message of the operator in the middle of a conversation. It keeps its place, because the messages before it may be
/// cached.
fn as_system<'a>(block: &'a Block<'a>, changes: &mut Changes) -> Option<Content<'a>> {
    let Content::Text { text } = as_text(block)? else { return None };
    changes.note(Verb::Mapped, "system");
    Some(Content::Text { text: ["<system>\n", &text, "\n</system>"].concat().into() })
}

fn as_content<'a>(block: &'a Block<'a>, changes: &mut Changes) -> Option<Content<'a>> {
    match block {
        Block::Text(_) => as_text(block),
        Block::Image(source) => place(source).map(|source| Content::Image { source }),
        Block::Document(source) => document(source),
        Block::Call(call) => {
            let id = id(&call.id, changes);
            Some(Content::ToolUse { id, name: &call.name, input: call.input.raw() })
        }
        Block::Result(CallResult { id, failed, blocks }) => {
            let tool_use_id = self::id(id, changes);
            let content = blocks.iter().filter_map(|block| inside_result(block)).collect();
            Some(Content::ToolResult { tool_use_id, content, is_error: *failed })
        }
        Block::Signed(Signed::Text { text, signature }) => {
            Some(Content::Thinking { thinking: text, signature })
        }
        Block::Signed(Signed::Redacted(data)) => Some(Content::RedactedThinking { data }),
        Block::Reasoning | Block::Signed(Signed::Call(_)) | Block::Foreign(_) => None,
    }
}

/// A block inside of a result: a text, an image or a document.
fn inside_result<'a>(block: &'a Block<'a>) -> Option<Content<'a>> {
    match block {
        Block::Image(source) => place(source).map(|source| Content::Image { source }),
        Block::Document(source) => document(source),
        Block::Text(_)
        | Block::Call(_)
        | Block::Result(_)
        | Block::Reasoning
        | Block::Signed(_)
        | Block::Foreign(_) => as_text(block),
    }
}

fn document(source: &Source) -> Option<Content<'_>> {
    let title = match source {
        Source::Named { name, .. } => Some(name.as_str()),
        Source::Base64 { .. } | Source::Url(_) | Source::File => None,
    };
    place(source).map(|source| Content::Document { source, title })
}

fn place(source: &Source) -> Option<Place<'_>> {
    match source {
        Source::Base64 { media_type, data } | Source::Named { media_type, data, .. } => {
            Some(Place::Base64 { media_type, data })
        }
        Source::Url(url) => Some(Place::Url { url }),
        Source::File => None,
    }
}

fn id<'a>(id: &'a str, changes: &mut Changes) -> Cow<'a, str> {
    match ids::alias_of_call(id) {
        Some(alias) => {
            changes.note(Verb::Aliased, "tool_id");
            alias.into()
        }
        None => id.into(),
    }
}
