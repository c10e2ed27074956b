//! Reads a request of Messages into turns of blocks.

use serde_json::value::RawValue;

use super::unsigned::signed_block;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::fate::{Fate, check, strip, typed};
use crate::dialects::gemini::signature;
use crate::dialects::members::{Members, list, text};
use crate::dialects::need::{Need, ServerTool};
use crate::dialects::turns::cache_mark::{self, CacheMark};
use crate::dialects::turns::{
    Block, Call, CallResult, Choice, Input, Request, Role, Signed, Source, Tool, Turn,
};

/// The members of a request, besides those of the gateway.
const MEMBERS: &[(&str, Fate)] = &[
    ("messages", Fate::Read),
    ("system", Fate::Read),
    ("cache_control", Fate::Read),
    ("max_tokens", Fate::Read),
    ("metadata", Fate::Read),
    ("output_config", Fate::Read),
    ("output_format", Fate::Read),
    ("stop_sequences", Fate::Read),
    ("stream", Fate::Read),
    ("temperature", Fate::Read),
    ("thinking", Fate::Read),
    ("thread", Fate::Read),
    ("tool_choice", Fate::Read),
    ("tools", Fate::Read),
    ("top_k", Fate::Read),
    ("top_p", Fate::Read),
    ("inference_geo", Fate::Read),
    ("context_management", Fate::Dropped),
    ("diagnostics", Fate::Dropped),
    ("fallback_credit_token", Fate::Dropped),
    ("service_tier", Fate::Dropped),
    ("speed", Fate::Dropped),
    ("container", Fate::Needed(Need::Container)),
    ("fallbacks", Fate::Needed(Need::Fallbacks)),
    ("mcp_servers", Fate::Needed(Need::McpServers)),
];

/// The members of a tool that are read.
const OF_TOOL: &[&str] = &["type", "name", "description", "input_schema", "strict", cache_mark::NAME];
/// The members of blocks that are read, by the types of these.
const OF_BLOCK: &[(&str, &[&str])] = &[
    ("text", &["type", "text", cache_mark::NAME]),
    ("image", &["type", "source", cache_mark::NAME]),
    ("document", &["type", "source", "title", "context", cache_mark::NAME]),
    ("tool_use", &["type", "id", "name", "input", cache_mark::NAME]),
    ("tool_result", &["type", "tool_use_id", "content", "is_error", cache_mark::NAME]),
];

/// The region of a request that may be answered anywhere, as JSON.
const ANYWHERE: &str = "\"global\"";

/// The longest id of a user that providers of chat completions accept, in bytes.
const LONGEST_USER: usize = 64;

const MESSAGES: Need = Need::Translation("'messages' must be a list of objects with a role and a content");
const CONTENT: Need = Need::Translation("a content must be a text or a list of blocks");
const SYSTEM: Need = Need::Translation("'system' must be a text or a list of blocks with text");
const BLOCK: Need = Need::Translation("a block of a content lacks a member of its type");
const NESTED: Need = Need::Translation("a block is inside of another one that cannot hold it");
const TOOLS: Need = Need::Translation("'tools' must be a list of objects with a name");
const CHOICE: Need = Need::Translation("'tool_choice' must be an object with a known type");
const STOP: Need = Need::Translation("'stop_sequences' must be a list of texts");
const USER: Need = Need::Translation("'metadata' must be an object, and its 'user_id' a text");

/// Reads a request.
///
/// # Errors
/// It needs something that no model of another dialect can do, or is not a valid request.
pub fn read<'a>(members: &Members<'a>, changes: &mut Changes) -> Result<Request<'a>, Need> {
    check(members, MEMBERS, changes)?;
    thread(members, changes)?;
    let mut turns = Vec::new();
    if let Some(system) = members.raw("system") {
        turns.push(Turn {
            role: Role::System,
            blocks: content(system, Place::Turn, changes).map_err(|_| SYSTEM)?,
        });
    }
    for message in members.list("messages").ok_or(MESSAGES)? {
        turns.push(turn(message, changes)?);
    }
    let (choice, parallel) = choice(members)?;
    region(members, changes)?;
    let (effort, budget, adaptive) = thinking(members, changes);
    Ok(Request {
        turns,
        tools: tools(members, changes)?,
        choice,
        parallel,
        limit: members.raw("max_tokens"),
        temperature: members.raw("temperature"),
        top_p: members.raw("top_p"),
        top_k: members.raw("top_k"),
        seed: None,
        stop: typed(members, "stop_sequences", STOP)?.unwrap_or_default(),
        stream: members.value("stream").unwrap_or_default(),
        user: user(members, changes)?,
        effort,
        budget,
        adaptive,
        cache: CacheMark::read(members, changes),
        json: false,
        schema: schema(members, changes),
        schema_name: None,
        // Anthropic holds every answer to its schema.
        strict_schema: Some(true),
    })
}

/// Whether a `thread` continues a conversation that its provider holds, so that only what is new is in the request.
#[must_use]
pub fn continues(thread: &RawValue) -> bool {
    Members::of(thread).and_then(|thread| thread.text("type")).as_deref() == Some("continue")
}

/// Leaves out that the provider is to hold the conversation. What it holds already is needed.
fn thread(members: &Members<'_>, changes: &mut Changes) -> Result<(), Need> {
    match members.raw("thread") {
        Some(thread) if continues(thread) => Err(Need::Thread),
        Some(_) => {
            changes.note(Verb::Dropped, "thread");
            Ok(())
        }
        None => Ok(()),
    }
}

fn turn<'a>(message: &'a RawValue, changes: &mut Changes) -> Result<Turn<'a>, Need> {
    let message = Members::of(message).ok_or(MESSAGES)?;
    let role = match message.text("role").as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") => Role::System,
        Some(_) | None => return Err(MESSAGES),
    };
    strip(&message, &["role", "content"], changes);
    let blocks = content(message.raw("content").ok_or(MESSAGES)?, Place::Turn, changes)?;
    Ok(Turn { role, blocks })
}

/// Where a block is. Blocks hold others one level deep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Turn,
    Result,
    Document,
}

/// The blocks of a content, which is a text or a list.
fn content<'a>(content: &'a RawValue, place: Place, changes: &mut Changes) -> Result<Vec<Block<'a>>, Need> {
    if let Some(text) = text(content) {
        return Ok(if text.is_empty() { Vec::new() } else { vec![Block::Text(text)] });
    }
    let mut blocks = Vec::new();
    for entry in list(content).ok_or(CONTENT)? {
        let members = Members::of(entry).ok_or(CONTENT)?;
        block(&members, place, &mut blocks, changes)?;
        blocks.extend(CacheMark::read(&members, changes).map(Block::CacheMark));
    }
    Ok(blocks)
}

fn block<'a>(
    members: &Members<'a>,
    place: Place,
    blocks: &mut Vec<Block<'a>>,
    changes: &mut Changes,
) -> Result<(), Need> {
    let kind = members.text("type").ok_or(BLOCK)?;
    if let Some((_, read)) = OF_BLOCK.iter().find(|(known, _)| *known == kind) {
        strip(members, read, changes);
    }
    let block = match (kind.as_str(), place) {
        ("text", _) => match members.text("text").ok_or(BLOCK)? {
            text if text.is_empty() => return Ok(()),
            text => Block::Text(text),
        },
        ("image", _) => Block::Image(source(members, changes)?),
        ("document", Place::Turn | Place::Result) => return document(members, blocks, changes),
        ("tool_use", Place::Turn) => Block::Call(call(members)?),
        ("tool_result", Place::Turn) => Block::Result(result(members, changes)?),
        ("thinking" | "redacted_thinking", Place::Turn) => reasoning(members),
        ("document" | "tool_use" | "tool_result" | "thinking" | "redacted_thinking", _) => {
            return Err(NESTED);
        }
        (_, _) => Block::Foreign(Need::ServerTool(ServerTool::Content)),
    };
    blocks.push(block);
    Ok(())
}

/// Reasoning. What the gateway marked is Gemini's signature of the call that follows.
fn reasoning<'a>(members: &Members<'_>) -> Block<'a> {
    let marked = members.text("signature").filter(|marked| signature::read(marked).is_some());
    let signed = marked.map(Signed::Call).or_else(|| signed_block(members));
    signed.map_or(Block::Reasoning, Block::Signed)
}

fn source(members: &Members<'_>, changes: &mut Changes) -> Result<Source, Need> {
    let source = members.object("source").ok_or(BLOCK)?;
    strip(&source, &["type", "media_type", "data", "url", "file_id"], changes);
    match source.text("type").as_deref() {
        Some("base64") => Ok(Source::Base64 {
            media_type: source.text("media_type").ok_or(BLOCK)?,
            data: source.text("data").ok_or(BLOCK)?,
        }),
        Some("url") => Ok(Source::Url(source.text("url").ok_or(BLOCK)?)),
        Some("file") => Ok(Source::File),
        Some(_) | None => Err(BLOCK),
    }
}

/// A document. One of plain text, or of blocks, is its content under its title. What the caller says about it precedes it.
fn document<'a>(
    members: &Members<'a>,
    blocks: &mut Vec<Block<'a>>,
    changes: &mut Changes,
) -> Result<(), Need> {
    let of_source = members.object("source").ok_or(BLOCK)?;
    let title = members.text("title").filter(|title| !title.is_empty());
    let context = members.text("context").filter(|context| !context.is_empty()).map(Block::Text);
    let inside = match of_source.text("type").as_deref() {
        Some("text") => content(of_source.raw("data").ok_or(BLOCK)?, Place::Document, changes)?,
        Some("content") => content(of_source.raw("content").ok_or(BLOCK)?, Place::Document, changes)?,
        Some(_) | None => {
            let source = match (source(members, changes)?, title) {
                (Source::Base64 { media_type, data }, Some(name)) => Source::Named { name, media_type, data },
                (source, title) => {
                    if title.is_some() {
                        changes.stripped("title");
                    }
                    source
                }
            };
            blocks.extend(context);
            blocks.push(Block::Document(source));
            return Ok(());
        }
    };
    changes.note(Verb::Mapped, "document");
    blocks.extend(title.map(Block::Text));
    blocks.extend(context);
    blocks.extend(inside);
    Ok(())
}

fn call<'a>(members: &Members<'a>) -> Result<Call<'a>, Need> {
    let input = members.raw("input").filter(|input| input.get().starts_with('{')).ok_or(BLOCK)?;
    Ok(Call {
        id: members.text("id").ok_or(BLOCK)?,
        name: members.text("name").ok_or(BLOCK)?,
        input: Input::Borrowed(input),
    })
}

fn result<'a>(members: &Members<'a>, changes: &mut Changes) -> Result<CallResult<'a>, Need> {
    let blocks = match members.raw("content") {
        Some(inside) => content(inside, Place::Result, changes)?,
        None => Vec::new(),
    };
    let failed = members.value("is_error").unwrap_or_default();
    Ok(CallResult { id: members.text("tool_use_id").ok_or(BLOCK)?, failed, blocks })
}

fn tools<'a>(members: &Members<'a>, changes: &mut Changes) -> Result<Vec<Tool<'a>>, Need> {
    if members.raw("tools").is_none() {
        return Ok(Vec::new());
    }
    let tools = members.list("tools").ok_or(TOOLS)?;
    tools
        .into_iter()
        .map(|tool| Members::of(tool).ok_or(TOOLS).and_then(|tool| self::tool(&tool, changes)))
        .collect()
}

/// A tool of the caller's own. Those with another type are run, or known, by Anthropic.
fn tool<'a>(members: &Members<'a>, changes: &mut Changes) -> Result<Tool<'a>, Need> {
    if let Some(kind) = members.text("type").filter(|kind| kind != "custom") {
        return Err(Need::ServerTool(ServerTool::of(&kind)));
    }
    strip(members, OF_TOOL, changes);
    Ok(Tool {
        name: members.text("name").ok_or(TOOLS)?,
        description: members.text("description"),
        schema: members.raw("input_schema"),
        strict: members.value("strict"),
        mark: CacheMark::read(members, changes),
    })
}

fn choice(members: &Members<'_>) -> Result<(Option<Choice>, Option<bool>), Need> {
    if members.raw("tool_choice").is_none() {
        return Ok((None, None));
    }
    let choice = members.object("tool_choice").ok_or(CHOICE)?;
    let chosen = match choice.text("type").as_deref() {
        Some("auto") => Choice::Auto,
        Some("any") => Choice::Any,
        Some("none") => Choice::None,
        Some("tool") => Choice::Named(choice.text("name").ok_or(CHOICE)?),
        Some(_) | None => return Err(CHOICE),
    };
    let alone: Option<bool> = typed(&choice, "disable_parallel_tool_use", CHOICE)?;
    Ok((Some(chosen), alone.map(|alone| !alone)))
}

/// The caller's own user, unless its id is longer than providers accept.
fn user(members: &Members<'_>, changes: &mut Changes) -> Result<Option<String>, Need> {
    let Some(metadata) = members.raw("metadata") else { return Ok(None) };
    let metadata = Members::of(metadata).ok_or(USER)?;
    if metadata.names().any(|name| name != "user_id") {
        changes.note(Verb::Dropped, "metadata");
    }
    let Some(user) = typed::<String>(&metadata, "user_id", USER)? else { return Ok(None) };
    if user.len() > LONGEST_USER {
        changes.note(Verb::Dropped, "user_id");
        return Ok(None);
    }
    changes.note(Verb::Renamed, "user_id");
    Ok(Some(user))
}

/// A request for a certain region must not leave it.
fn region(members: &Members<'_>, changes: &mut Changes) -> Result<(), Need> {
    match members.raw("inference_geo").map(RawValue::get) {
        None => Ok(()),
        Some(ANYWHERE) => {
            changes.note(Verb::Dropped, "inference_geo");
            Ok(())
        }
        Some(_) => Err(Need::Region),
    }
}

/// How much the model is to think: the effort and the budget that the caller names, and whether the model decides.
fn thinking(members: &Members<'_>, changes: &mut Changes) -> (Option<String>, Option<u64>, bool) {
    let thinking = members.object("thinking");
    if let Some(thinking) = &thinking {
        strip(thinking, &["type", "budget_tokens"], changes);
    }
    let kind = thinking.as_ref().and_then(|thinking| thinking.text("type"));
    let named = members.object("output_config").and_then(|config| config.text("effort"));
    let (effort, budget) = match kind.as_deref() {
        // Some vendors' models reason unless a request asks them not to.
        Some("disabled") => (Some("none".to_owned()), None),
        Some("enabled") => (named, thinking.and_then(|thinking| thinking.value("budget_tokens"))),
        Some(_) | None => (named, None),
    };
    let adaptive = kind.as_deref() == Some("adaptive") && effort.is_none();
    match (effort.is_some() || budget.is_some(), kind.as_deref()) {
        (true, _) => changes.note(Verb::Mapped, "thinking"),
        // What becomes of it depends on the target.
        (false, None | Some("adaptive")) => {}
        (false, Some(_)) => changes.note(Verb::Dropped, "thinking"),
    }
    (effort, budget, adaptive)
}

/// The effort that fits a budget of reasoning, in tokens.
#[must_use]
pub const fn effort_of(budget: u64) -> &'static str {
    match budget {
        0..2_000 => "low",
        2_000..8_000 => "medium",
        8_000..24_000 => "high",
        24_000.. => "xhigh",
    }
}

/// The schema of the answer, under its name of today or the one before.
fn schema<'a>(members: &Members<'a>, changes: &mut Changes) -> Option<&'a RawValue> {
    let config = members.object("output_config");
    if let Some(config) = &config {
        strip(config, &["effort", "format"], changes);
    }
    let format = config.and_then(|config| config.object("format"));
    let format = format.or_else(|| members.object("output_format"))?;
    strip(&format, &["type", "schema"], changes);
    let schema = format.raw("schema");
    if schema.is_none() {
        changes.note(Verb::Dropped, "output_config");
    }
    schema
}
