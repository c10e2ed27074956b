//! Writes the messages of a request: roles alternate, a user begins, and the results of a turn come first in the next one.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialects::change::{Changes, Verb};
use crate::dialects::ids;
use crate::dialects::need::Need;
use crate::dialects::turns::{Block, Call, CallResult, Role, Signed, Source, Turn};

/// The longest id of a call.
const LONGEST_ID: usize = 64;
/// The longest name of a document.
const LONGEST_TITLE: usize = 180;
/// What a user says before a conversation that begins with an answer.
const CONTINUED: &str = "(continued)";
/// The content of a result without one.
const NO_OUTPUT: &str = "(no output)";
/// The name of a document without one, and the text beside documents without any.
const DOCUMENT: &str = "document";

/// The formats of images, by media type.
const IMAGES: [(&str, &str); 5] = [
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("image/jpg", "jpeg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
];
/// The formats of documents, by media type.
const DOCUMENTS: [(&str, &str); 10] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
];

/// A text of the operator before the conversation.
#[derive(Serialize)]
pub(super) struct System<'a> {
    text: &'a str,
}

impl<'a> System<'a> {
    /// Blank ones are refused.
    pub(super) fn of(block: &'a Block<'a>) -> Option<Self> {
        as_text(block).map(|text| Self { text })
    }
}

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Vec<Content<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Content<'a> {
    Text(Cow<'a, str>),
    Image(Image<'a>),
    Document(Document<'a>),
    #[serde(rename = "reasoningContent")]
    Reasoning(Reasoning<'a>),
    ToolUse(ToolUse<'a>),
    ToolResult(ToolResult<'a>),
}

#[derive(Serialize)]
struct Image<'a> {
    format: &'static str,
    source: Bytes<'a>,
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    name: String,
    source: Bytes<'a>,
}

/// The bytes of a file, in base64.
#[derive(Serialize)]
struct Bytes<'a> {
    bytes: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Reasoning<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: Cow<'a, str>,
    name: &'a str,
    input: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    tool_use_id: Cow<'a, str>,
    content: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

/// The writing of one request.
pub(super) struct Writing<'c> {
    changes: &'c mut Changes,
    /// The names of documents so far, of which no two may be alike.
    titles: HashSet<String>,
}

impl<'c> Writing<'c> {
    pub(super) fn new(changes: &'c mut Changes) -> Self {
        Self { changes, titles: HashSet::new() }
    }

    pub(super) fn messages<'a>(&mut self, turns: &'a [Turn<'a>]) -> Result<Vec<Message<'a>>, Need> {
        let mut messages: Vec<Message<'a>> = Vec::with_capacity(turns.len());
        for turn in turns {
            let role = match turn.role {
                Role::System | Role::User => "user",
                Role::Assistant => "assistant",
            };
            let mut content = Vec::with_capacity(turn.blocks.len());
            for block in &turn.blocks {
                content.extend(match turn.role {
                    Role::System => self.instruction(block),
                    Role::User | Role::Assistant => self.content(block)?,
                });
            }
            match messages.last_mut() {
                // Nothing is left of a turn of reasoning alone.
                _ if content.iter().all(|content| matches!(content, Content::Reasoning(_))) => {}
                Some(last) if last.role == role => last.content.extend(content),
                Some(_) | None => messages.push(Message { role, content }),
            }
        }
        if messages.first().is_none_or(|first| first.role == "assistant") {
            self.changes.note(Verb::Placeholder, "user_message");
            messages.insert(0, Message { role: "user", content: vec![Content::Text(CONTINUED.into())] });
        }
        for message in messages.iter_mut().filter(|message| message.role == "user") {
            message.content.sort_by_key(|content| !matches!(content, Content::ToolResult(_)));
            self.text_beside_documents(message);
        }
        Ok(messages)
    }

    /// A document without any text beside it is refused.
    fn text_beside_documents(&mut self, message: &mut Message<'_>) {
        let has = |is: fn(&Content<'_>) -> bool| message.content.iter().any(is);
        let is_alone = has(|content| matches!(content, Content::Document(_)))
            && !has(|content| matches!(content, Content::Text(_)));
        if is_alone {
            self.changes.note(Verb::Placeholder, "text");
            message.content.push(Content::Text(DOCUMENT.into()));
        }
    }

    /// A message of the operator in the middle of a conversation. It keeps its place, because the messages before it may be
    /// cached.
    fn instruction<'a>(&mut self, block: &'a Block<'a>) -> Option<Content<'a>> {
        let text = as_text(block)?;
        self.changes.note(Verb::Mapped, "system");
        Some(Content::Text(["<system>\n", text, "\n</system>"].concat().into()))
    }

    fn content<'a>(&mut self, block: &'a Block<'a>) -> Result<Option<Content<'a>>, Need> {
        Ok(match block {
            Block::Text(_) => as_text(block).map(|text| Content::Text(text.into())),
            Block::Image(source) => Some(Content::Image(image(source)?)),
            Block::Document(source) => Some(Content::Document(self.document(source)?)),
            Block::Call(Call { id, name, input }) => {
                let tool_use_id = self.id(id);
                Some(Content::ToolUse(ToolUse { tool_use_id, name, input: input.raw() }))
            }
            Block::Result(result) => Some(Content::ToolResult(self.result(result)?)),
            Block::Signed(Signed::Text { text, signature }) => {
                Some(Content::Reasoning(Reasoning::ReasoningText { text, signature }))
            }
            Block::Signed(Signed::Redacted(data)) => self.redacted(data),
            Block::Reasoning | Block::Signed(Signed::Call(_)) | Block::Foreign(_) => None,
        })
    }

    /// Encrypted reasoning, which is bytes here, so that only what is base64 can be sent.
    fn redacted<'a>(&mut self, data: &'a str) -> Option<Content<'a>> {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if data.is_empty() || !data.len().is_multiple_of(4) || !data.bytes().all(is_base64) {
            self.changes.stripped("thinking");
            return None;
        }
        Some(Content::Reasoning(Reasoning::RedactedContent(data)))
    }

    fn result<'a>(&mut self, result: &'a CallResult<'a>) -> Result<ToolResult<'a>, Need> {
        let CallResult { id, failed, blocks } = result;
        let mut content = Vec::with_capacity(blocks.len());
        for block in blocks {
            content.extend(match block {
                Block::Text(_) | Block::Image(_) | Block::Document(_) => self.content(block)?,
                Block::Call(_)
                | Block::Result(_)
                | Block::Reasoning
                | Block::Signed(_)
                | Block::Foreign(_) => None,
            });
        }
        if content.is_empty() {
            content.push(Content::Text(NO_OUTPUT.into()));
        }
        Ok(ToolResult { tool_use_id: self.id(id), content, status: failed.then_some("error") })
    }

    fn id<'a>(&mut self, id: &'a str) -> Cow<'a, str> {
        match ids::short_alias_of_call(id, LONGEST_ID) {
            Some(alias) => {
                self.changes.note(Verb::Aliased, "tool_id");
                alias.into()
            }
            None => id.into(),
        }
    }

    fn document<'a>(&mut self, source: &'a Source) -> Result<Document<'a>, Need> {
        let (title, media_type, bytes) = match source {
            Source::Base64 { media_type, data } => (DOCUMENT, media_type, data),
            Source::Named { name, media_type, data } => (name.as_str(), media_type, data),
            // It has no addresses.
            Source::Url(_) => return Err(Need::Document),
            Source::File => return Err(Need::File),
        };
        let format = format(media_type, &DOCUMENTS).ok_or(Need::Document)?;
        let title = title_of(title);
        let mut others = (2_u32..).map(|number| format!("{title} {number}"));
        let mut name = title.clone();
        while self.titles.contains(&name) {
            name = others.next().unwrap_or_default();
        }
        self.titles.insert(name.clone());
        Ok(Document { format, name, source: Bytes { bytes } })
    }
}

/// Whether a name has only letters, digits, `_` and `-`.
pub(super) fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.bytes().all(is_plain)
}

fn as_text<'a>(block: &'a Block<'a>) -> Option<&'a str> {
    match block {
        // Blank ones are refused.
        Block::Text(text) if !text.trim().is_empty() => Some(text),
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

fn image(source: &Source) -> Result<Image<'_>, Need> {
    match source {
        Source::Base64 { media_type, data } | Source::Named { media_type, data, .. } => {
            let format = format(media_type, &IMAGES).ok_or(Need::Image)?;
            Ok(Image { format, source: Bytes { bytes: data } })
        }
        // It has no addresses.
        Source::Url(_) => Err(Need::Image),
        Source::File => Err(Need::File),
    }
}

/// The format of a media type, which may have parameters.
fn format(media_type: &str, formats: &[(&str, &'static str)]) -> Option<&'static str> {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let known = formats.iter().find(|(known, _)| known.eq_ignore_ascii_case(media_type));
    known.map(|(_, format)| *format)
}

/// A name that is accepted: of letters, digits, single blanks, hyphens, parentheses and brackets.
fn title_of(name: &str) -> String {
    let kept = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '(' | ')' | '[' | ']');
    let letters: String =
        name.chars().take(LONGEST_TITLE).map(|letter| if kept(letter) { letter } else { ' ' }).collect();
    let words: Vec<&str> = letters.split_ascii_whitespace().collect();
    if words.is_empty() { DOCUMENT.to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests;
