//! Reads a chat completion's request into turns of blocks.

use serde_json::value::RawValue;

use super::documents;
use super::reasoning::{asked, call_signature, returned};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::fate::{Fate, check, strip, typed};
use crate::dialects::members::{Members, list, text};
use crate::dialects::messages::unsigned::signed_block;
use crate::dialects::need::{Need, ServerTool};
use crate::dialects::turns::cache_mark::{self, CacheMark};
use crate::dialects::turns::{
    Block, Call, CallResult, Choice, Chosen, Input, Request, Role, Signed, Source, Tool, Turn, allowed,
};

/// The members of a request, besides those of the gateway.
const MEMBERS: &[(&str, Fate)] = &[
    ("max_completion_tokens", Fate::Read),
    ("max_tokens", Fate::Read),
    ("messages", Fate::Read),
    ("modalities", Fate::Read),
    ("n", Fate::Read),
    ("parallel_tool_calls", Fate::Read),
    ("reasoning", Fate::Read),
    ("reasoning_effort", Fate::Read),
    ("response_format", Fate::Read),
    ("seed", Fate::Read),
    ("stop", Fate::Read),
    ("stream", Fate::Read),
    ("stream_options", Fate::Read),
    ("temperature", Fate::Read),
    ("thinking", Fate::Read),
    ("tool_choice", Fate::Read),
    ("tools", Fate::Read),
    ("top_k", Fate::Read),
    ("top_p", Fate::Read),
    ("user", Fate::Read),
    ("frequency_penalty", Fate::Dropped),
    ("logit_bias", Fate::Dropped),
    ("metadata", Fate::Dropped),
    ("prediction", Fate::Dropped),
    ("presence_penalty", Fate::Dropped),
    ("prompt_cache_key", Fate::Dropped),
    ("prompt_cache_retention", Fate::Dropped),
    ("safety_identifier", Fate::Dropped),
    ("service_tier", Fate::Dropped),
    ("store", Fate::Dropped),
    ("verbosity", Fate::Dropped),
    ("audio", Fate::Needed(Need::Audio)),
    ("function_call", Fate::Needed(Need::Functions)),
    ("functions", Fate::Needed(Need::Functions)),
    ("logprobs", Fate::Needed(Need::Logprobs)),
    ("top_logprobs", Fate::Needed(Need::Logprobs)),
    ("web_search_options", Fate::Needed(Need::ServerTool(ServerTool::SearchOptions))),
];

const MESSAGES: Need = Need::Translation("'messages' must be a list of objects with a role");
const CONTENT: Need = Need::Translation("a content must be a text or a list of parts");
const PART: Need = Need::Translation("a part of a content lacks a member of its type");
const CALLS: Need = Need::Translation("'tool_calls' must be a list of calls with an id and a function");
const RESULT: Need = Need::Translation("a message of a tool must have a 'tool_call_id'");
const TOOLS: Need = Need::Translation("'tools' must be a list of functions with a name");
const CHOICE: Need = Need::Translation("'tool_choice' must be a known word, or name a function");
const COUNT: Need = Need::Translation("'n' must be a number");
const PARALLEL: Need = Need::Translation("'parallel_tool_calls' must be true or false");
const STOP: Need = Need::Translation("'stop' must be a text or a list of texts");
const USER: Need = Need::Translation("'user' must be a text");

/// The format of an answer that is JSON of any form.
const JSON: &str = "json_object";

/// The members of a message that are read, and those of a message of the assistant.
const OF_MESSAGE: &[&str] = &["role", "content", "tool_call_id", cache_mark::NAME];
const OF_ANSWER: &[&str] = &[
    "role",
    "content",
    "tool_calls",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "thinking_blocks",
    cache_mark::NAME,
];
/// The members of a part of a content that are read.
const OF_PART: &[&str] = &["type", "text", "refusal", "image_url", "file", cache_mark::NAME];
/// The members of a call, and of the definition of a function. The order of calls is their index.
const OF_CALL: &[&str] = &["id", "type", "function", "index"];
const OF_FUNCTION: &[&str] = &["name", "description", "parameters", "strict", cache_mark::NAME];

/// Reads a request.
///
/// # Errors
/// It needs something that no model of another dialect can do, or is not a valid request.
pub fn read<'a>(members: &Members<'a>, changes: &mut Changes) -> Result<Request<'a>, Need> {
    check(members, MEMBERS, changes)?;
    if typed::<f64>(members, "n", COUNT)?.is_some_and(|choices| choices > 1.0) {
        return Err(Need::Choices);
    }
    if members.value::<Vec<String>>("modalities").is_some_and(|kinds| kinds.iter().any(|kind| kind != "text"))
    {
        return Err(Need::Audio);
    }
    let mut turns = Vec::new();
    for message in members.list("messages").ok_or(MESSAGES)? {
        turns.push(turn(&Members::of(message).ok_or(MESSAGES)?, changes)?);
    }
    let tools = members.raw("tools").map(|tools| list(tools).ok_or(TOOLS)).transpose()?.unwrap_or_default();
    let tools = tools.into_iter().map(|tool| self::tool(tool, changes)).collect::<Result<_, _>>()?;
    let (choice, names) = choice(members)?;
    let (effort, budget) = asked(members, changes);
    if let Some(options) = members.object("stream_options")
        && options.names().any(|name| name != "include_usage")
    {
        changes.stripped("stream_options");
    }
    Ok(Request {
        turns,
        tools: allowed(tools, names, changes),
        choice,
        parallel: typed(members, "parallel_tool_calls", PARALLEL)?,
        limit: members.raw("max_completion_tokens").or_else(|| members.raw("max_tokens")),
        temperature: members.raw("temperature"),
        top_p: members.raw("top_p"),
        top_k: members.raw("top_k"),
        seed: members.raw("seed"),
        stop: stop(members)?,
        stream: members.value("stream").unwrap_or_default(),
        user: typed(members, "user", USER)?,
        effort,
        budget,
        // It has an effort already.
        adaptive: false,
        cache: None,
        json: asks_for_json(members),
        schema: schema(members, changes),
        // Chat completions are never written for callers of their own dialect.
        schema_name: None,
        strict_schema: None,
    })
}

fn turn<'a>(message: &Members<'a>, changes: &mut Changes) -> Result<Turn<'a>, Need> {
    let spoken =
        message.raw("content").map(|spoken| content(spoken, changes)).transpose()?.unwrap_or_default();
    let role = message.text("role");
    let read = if role.as_deref() == Some("assistant") { OF_ANSWER } else { OF_MESSAGE };
    strip(message, read, changes);
    let mut turn = match role.as_deref() {
        Some("system" | "developer") => Turn { role: Role::System, blocks: spoken },
        Some("user") => Turn { role: Role::User, blocks: spoken },
        Some("assistant") => answer(message, spoken, changes)?,
        Some("tool") => {
            let id = message.text("tool_call_id").ok_or(RESULT)?;
            let result = CallResult { id, failed: false, blocks: spoken };
            Turn { role: Role::User, blocks: vec![Block::Result(result)] }
        }
        Some("function") => return Err(Need::Functions),
        Some(_) | None => return Err(MESSAGES),
    };
    turn.blocks.extend(CacheMark::read(message, changes).map(Block::CacheMark));
    Ok(turn)
}

fn answer<'a>(
    message: &Members<'a>,
    mut blocks: Vec<Block<'a>>,
    changes: &mut Changes,
) -> Result<Turn<'a>, Need> {
    if message.raw("function_call").is_some() {
        return Err(Need::Functions);
    }
    // Claude requires it before all else.
    if !blocks.iter().any(|block| matches!(block, Block::Signed(_))) {
        drop(blocks.splice(0..0, returned(message)));
    }
    let refusal = message.text("refusal").filter(|refusal| !refusal.is_empty());
    blocks.extend(refusal.map(Block::Text));
    let calls = message.raw("tool_calls").map(|calls| list(calls).ok_or(CALLS)).transpose()?;
    for call in calls.unwrap_or_default() {
        let call = Members::of(call).ok_or(CALLS)?;
        blocks.extend(call_signature(&call).map(|signature| Block::Signed(Signed::Call(signature))));
        blocks.push(Block::Call(self::call(&call, changes)?));
    }
    Ok(Turn { role: Role::Assistant, blocks })
}

fn call<'a>(call: &Members<'a>, changes: &mut Changes) -> Result<Call<'a>, Need> {
    if call.raw("custom").is_some() {
        return Err(Need::CustomTool);
    }
    let function = call.object("function").ok_or(CALLS)?;
    strip(call, OF_CALL, changes);
    strip(&function, &["name", "arguments"], changes);
    let input = match function.raw("arguments") {
        Some(arguments) if arguments.get().starts_with('{') => Input::Borrowed(arguments),
        Some(arguments) => {
            let arguments = text(arguments).ok_or(CALLS)?;
            Input::of_arguments(&arguments).map_or_else(|| broken(&arguments, changes), Ok)?
        }
        None => Input::of_arguments("").ok_or(CALLS)?,
    };
    Ok(Call { id: call.text("id").ok_or(CALLS)?, name: function.text("name").ok_or(CALLS)?, input })
}

/// Input that a model wrote wrongly. The conversation goes on with it, as the text that it is.
fn broken<'a>(arguments: &str, changes: &mut Changes) -> Result<Input<'a>, Need> {
    changes.note(Verb::Mapped, "tool_arguments");
    let object = serde_json::json!({"_raw": arguments}).to_string();
    Input::of_arguments(&object).ok_or(CALLS)
}

/// The blocks of a content, which is a text or a list.
fn content<'a>(content: &'a RawValue, changes: &mut Changes) -> Result<Vec<Block<'a>>, Need> {
    if let Some(text) = text(content) {
        return Ok(vec![Block::Text(text)]);
    }
    let mut blocks = Vec::new();
    for part in list(content).ok_or(CONTENT)? {
        let part = Members::of(part).ok_or(CONTENT)?;
        blocks.push(self::part(&part, changes)?);
        blocks.extend(CacheMark::read(&part, changes).map(Block::CacheMark));
    }
    Ok(blocks)
}

fn part<'a>(part: &Members<'_>, changes: &mut Changes) -> Result<Block<'a>, Need> {
    let block = match part.text("type").as_deref() {
        Some("text") => Block::Text(part.text("text").ok_or(PART)?),
        Some("refusal") => Block::Text(part.text("refusal").ok_or(PART)?),
        Some("image_url") => image(part, changes)?,
        Some("file") => documents::read(&part.object("file").ok_or(PART)?, changes),
        Some("input_audio") => return Ok(Block::Foreign(Need::Audio)),
        Some("thinking" | "redacted_thinking" | "reasoning") => {
            return Ok(signed_block(part).map_or(Block::Reasoning, Block::Signed));
        }
        Some(_) | None => return Ok(Block::Foreign(Need::ServerTool(ServerTool::Content))),
    };
    strip(part, OF_PART, changes);
    Ok(block)
}

/// A picture, which is an object with its address or the address itself.
fn image<'a>(part: &Members<'_>, changes: &mut Changes) -> Result<Block<'a>, Need> {
    let image = part.object("image_url");
    if let Some(image) = &image {
        strip(image, &["url"], changes);
    }
    let url = image.and_then(|image| image.text("url")).or_else(|| part.text("image_url"));
    Ok(Block::Image(source(url.ok_or(PART)?)))
}

/// The source that an address names, which may hold the bytes itself.
pub(super) fn source(url: String) -> Source {
    let inline = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => {
            Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => Source::Url(url),
    }
}

fn tool<'a>(tool: &'a RawValue, changes: &mut Changes) -> Result<Tool<'a>, Need> {
    let tool = Members::of(tool).ok_or(TOOLS)?;
    match tool.text("type").as_deref() {
        Some("function") | None => {}
        Some("custom") => return Err(Need::CustomTool),
        Some(kind) => return Err(Need::ServerTool(ServerTool::of(kind))),
    }
    let function = tool.object("function").ok_or(TOOLS)?;
    strip(&tool, &["type", "function", cache_mark::NAME], changes);
    strip(&function, OF_FUNCTION, changes);
    let mark = CacheMark::read(&tool, changes);
    Ok(Tool {
        name: function.text("name").ok_or(TOOLS)?,
        description: function.text("description"),
        schema: function.raw("parameters"),
        strict: function.value("strict"),
        mark: mark.or_else(|| CacheMark::read(&function, changes)),
    })
}

fn choice(members: &Members<'_>) -> Result<Chosen, Need> {
    let of_object = |kind: Option<&str>, choice: &Members<'_>| match kind {
        Some("custom") => Err(Need::CustomTool),
        Some(_) | None => Ok(Choice::Named(name_of(choice).ok_or(CHOICE)?)),
    };
    Choice::read(members, CHOICE, of_object, name_of)
}

/// The name of the function that a choice names; `None` for one without a name.
fn name_of(tool: &Members<'_>) -> Option<String> {
    tool.object("function")?.text("name")
}

fn stop(members: &Members<'_>) -> Result<Vec<String>, Need> {
    match members.text("stop") {
        Some(stop) => Ok(vec![stop]),
        None => Ok(typed(members, "stop", STOP)?.unwrap_or_default()),
    }
}

/// The schema of the answer. Without one, only JSON of any form can be asked for.
fn schema<'a>(members: &Members<'a>, changes: &mut Changes) -> Option<&'a RawValue> {
    let format = members.object("response_format")?;
    let described = format.object("json_schema");
    if let Some(described) = &described {
        strip(described, &["schema", "strict"], changes);
    }
    let schema = described.and_then(|described| described.raw("schema"));
    if schema.is_none() && format.text("type").as_deref() != Some("text") && !asks_for_json(members) {
        changes.note(Verb::Dropped, "response_format");
    }
    schema
}

/// Whether the answer has to be JSON of any form.
fn asks_for_json(members: &Members<'_>) -> bool {
    let format = members.object("response_format");
    format.is_some_and(|format| {
        format.text("type").as_deref() == Some(JSON) && format.raw("json_schema").is_none()
    })
}
