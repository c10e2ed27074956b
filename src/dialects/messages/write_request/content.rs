//! The messages of a request: roles alternate, a user begins, and the results of a turn come before what the user says.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::EPHEMERAL;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::ids;
use crate::dialects::turns::cache_mark::{self, CacheMark, Written};
use crate::dialects::turns::written::{CONTINUED, as_instruction};
use crate::dialects::turns::{Block, CallResult, Role, Signed, Source, Turn};

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Vec<Content<'a>>,
}

/// A block. Reasoning cannot have a mark for the cache.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Written>,
    },
    Image {
        source: Place<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Written>,
    },
    Document {
        source: Place<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Written>,
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
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Written>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Content<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Written>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Place<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
}

impl<'a> Content<'a> {
    fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }

    fn is_reasoning(&self) -> bool {
        matches!(self, Self::Thinking { .. } | Self::RedactedThinking { .. })
    }

    /// The place for its mark; `None` if it cannot have one.
    fn mark(&mut self) -> Option<&mut Option<Written>> {
        match self {
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::Document { cache_control, .. }
            | Self::ToolUse { cache_control, .. }
            | Self::ToolResult { cache_control, .. } => Some(cache_control),
            Self::Thinking { .. } | Self::RedactedThinking { .. } => None,
        }
    }
}

/// What the operator says before the conversation.
pub(super) fn instructions<'a>(turns: &'a [Turn<'a>], changes: &mut Changes) -> Vec<Content<'a>> {
    let mut said: Vec<Content<'a>> = Vec::new();
    for block in turns.iter().flat_map(|turn| &turn.blocks) {
        match block {
            Block::CacheMark(mark) => self::mark(&mut said, *mark, changes),
            other => said.extend(as_text(other)),
        }
    }
    said
}

/// The messages of a conversation.
pub(super) fn messages<'a>(turns: &'a [Turn<'a>], changes: &mut Changes) -> Vec<Message<'a>> {
    let mut messages: Vec<Message<'a>> = Vec::with_capacity(turns.len());
    for turn in turns {
        let role = match turn.role {
            Role::System | Role::User => "user",
            Role::Assistant => "assistant",
        };
        let content = content(turn, changes);
        match messages.last_mut() {
            // Nothing is left of a turn of reasoning alone.
            _ if content.iter().all(Content::is_reasoning) => {}
            Some(last) if last.role == role => last.content.extend(content),
            Some(_) | None => messages.push(Message { role, content }),
        }
    }
    if messages.first().is_none_or(|first| first.role == "assistant") {
        changes.note(Verb::Placeholder, "user_message");
        messages.insert(0, Message { role: "user", content: vec![Content::text(CONTINUED)] });
    }
    for message in &mut messages {
        let user = message.role == "user";
        // An answer that was cut off while its model reasoned. Anthropic refuses a message that ends with reasoning.
        while message.content.pop_if(|last| last.is_reasoning()).is_some() {
            changes.stripped("thinking");
        }
        message.content.sort_by_key(|content| user && !matches!(content, Content::ToolResult { .. }));
    }
    messages
}

fn content<'a>(turn: &'a Turn<'a>, changes: &mut Changes) -> Vec<Content<'a>> {
    let mut content: Vec<Content<'a>> = Vec::with_capacity(turn.blocks.len());
    for block in &turn.blocks {
        match (block, turn.role) {
            (Block::CacheMark(mark), _) => self::mark(&mut content, *mark, changes),
            (_, Role::System) => content.extend(as_system(block, changes)),
            (_, Role::User | Role::Assistant) => content.extend(as_content(block, changes)),
        }
    }
    content
}

/// Marks the last of some blocks. A block that could not be written, or cannot have a mark, takes its mark with it.
fn mark(content: &mut [Content<'_>], mark: CacheMark, changes: &mut Changes) {
    match content.last_mut().and_then(Content::mark) {
        Some(place) if place.is_none() || mark == CacheMark::Hour => *place = Some(mark.written(EPHEMERAL)),
        // What is before it is kept longer already.
        Some(_) => {}
        None => changes.stripped(cache_mark::NAME),
    }
}

fn as_text<'a>(block: &'a Block<'a>) -> Option<Content<'a>> {
    block.spoken().map(Content::text)
}

/// A message of the operator in the middle of a conversation. It keeps its place, because the messages before it may be
/// cached.
fn as_system<'a>(block: &'a Block<'a>, changes: &mut Changes) -> Option<Content<'a>> {
    let text = block.spoken()?;
    changes.note(Verb::Mapped, "system");
    Some(Content::text(as_instruction(text)))
}

fn as_content<'a>(block: &'a Block<'a>, changes: &mut Changes) -> Option<Content<'a>> {
    match block {
        Block::Text(_) => as_text(block),
        Block::Image(source) => image(source),
        Block::Document(source) => document(source),
        Block::Call(call) => {
            let id = id(&call.id, changes);
            Some(Content::ToolUse { id, name: &call.name, input: call.input.raw(), cache_control: None })
        }
        Block::Result(result) => Some(self::result(result, changes)),
        Block::Signed(Signed::Text { text, signature }) => {
            Some(Content::Thinking { thinking: text, signature })
        }
        Block::Signed(Signed::Redacted(data)) => Some(Content::RedactedThinking { data }),
        Block::Reasoning | Block::Signed(Signed::Call(_)) | Block::CacheMark(_) | Block::Foreign(_) => None,
    }
}

fn result<'a>(result: &'a CallResult<'a>, changes: &mut Changes) -> Content<'a> {
    let CallResult { id, failed, blocks } = result;
    let tool_use_id = self::id(id, changes);
    let mut content: Vec<Content<'a>> = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            Block::CacheMark(mark) => self::mark(&mut content, *mark, changes),
            other => content.extend(inside_result(other)),
        }
    }
    Content::ToolResult { tool_use_id, content, is_error: *failed, cache_control: None }
}

/// A block inside of a result: a text, an image or a document.
fn inside_result<'a>(block: &'a Block<'a>) -> Option<Content<'a>> {
    match block {
        Block::Image(source) => image(source),
        Block::Document(source) => document(source),
        Block::Text(_)
        | Block::Call(_)
        | Block::Result(_)
        | Block::Reasoning
        | Block::Signed(_)
        | Block::CacheMark(_)
        | Block::Foreign(_) => as_text(block),
    }
}

fn image(source: &Source) -> Option<Content<'_>> {
    place(source).map(|source| Content::Image { source, cache_control: None })
}

fn document(source: &Source) -> Option<Content<'_>> {
    let title = match source {
        Source::Named { name, .. } => Some(name.as_str()),
        Source::Base64 { .. } | Source::Url(_) | Source::File => None,
    };
    place(source).map(|source| Content::Document { source, title, cache_control: None })
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn marked(mark: CacheMark) -> Block<'static> {
        Block::CacheMark(mark)
    }

    fn text(text: &str) -> Block<'static> {
        Block::Text(text.to_owned())
    }

    fn result(blocks: Vec<Block<'static>>) -> Block<'static> {
        Block::Result(CallResult { id: "t".to_owned(), failed: false, blocks })
    }

    fn written(turns: Vec<(Role, Vec<Block<'_>>)>) -> (Value, Vec<String>) {
        let turns: Vec<Turn<'_>> = turns.into_iter().map(|(role, blocks)| Turn { role, blocks }).collect();
        let mut changes = Changes::default();
        let messages = messages(&turns, &mut changes);
        (serde_json::to_value(&messages).expect("JSON"), changes.into_names())
    }

    #[test]
    fn marks_stay_with_their_blocks() {
        use CacheMark::{Hour, Usual};
        let (messages, changes) = written(vec![
            (Role::User, vec![text("Hi"), marked(Hour), text(" "), marked(Usual)]),
            (Role::System, vec![text("Be brief."), marked(Usual)]),
            (Role::User, vec![text("And?"), result(vec![text("7"), marked(Usual)]), marked(Usual)]),
        ]);
        let usual = || json!({"type": "ephemeral"});
        assert_eq!(
            messages[0]["content"],
            json!([
                {
                    "type": "tool_result", "tool_use_id": "t",
                    "content": [{"type": "text", "text": "7", "cache_control": usual()}], "cache_control": usual(),
                },
                {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {"type": "text", "text": "<system>\nBe brief.\n</system>", "cache_control": usual()},
                {"type": "text", "text": "And?"},
            ])
        );
        assert_eq!(changes, ["mapped:system"]);
    }

    #[test]
    fn a_mark_without_a_block_that_can_have_it_is_named() {
        let thought = || Block::Signed(Signed::Redacted("eA==".to_owned()));
        for blocks in [
            vec![thought(), marked(CacheMark::Usual), text("Hi")],
            vec![text(" "), marked(CacheMark::Usual), text("Hi")],
        ] {
            let (messages, changes) =
                written(vec![(Role::User, vec![text("Go")]), (Role::Assistant, blocks)]);
            assert!(!messages.to_string().contains("cache_control"), "{messages}");
            assert_eq!(changes, ["stripped:cache_control"]);
        }
    }

    #[test]
    fn reasoning_without_an_answer_after_it_is_left_out() {
        let thought = || Block::Signed(Signed::Text { text: "T".to_owned(), signature: "c2ln".to_owned() });
        let cut = (Role::Assistant, vec![thought(), text("Hi"), thought()]);
        let (messages, changes) =
            written(vec![(Role::User, vec![text("Go")]), cut, (Role::User, vec![text("On")])]);
        let kept = json!([{"type": "thinking", "thinking": "T", "signature": "c2ln"}, {"type": "text", "text": "Hi"}]);
        assert_eq!(messages[1]["content"], kept);
        assert_eq!(changes, ["stripped:thinking"]);
    }
}
