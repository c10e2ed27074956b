//! Writes the messages of a request: roles alternate, a user begins, and the results of a turn come first in the next one.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialects::change::{Changes, Verb};
use crate::dialects::ids;
use crate::dialects::need::Need;
use crate::dialects::turns::cache_mark::{self, CacheMark, Written};
use crate::dialects::turns::written::{CONTINUED, as_instruction};
use crate::dialects::turns::{Block, Call, CallResult, Role, Signed, Source, Turn};

/// The longest id of a call.
const LONGEST_ID: usize = 64;
/// The longest name of a document.
const LONGEST_TITLE: usize = 180;
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

/// A text of the operator before the conversation, or a mark for the cache after one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum System<'a> {
    Text(&'a str),
    CachePoint(Written),
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
    CachePoint(Written),
}

/// A block with the mark for the cache that follows it.
struct Marked<'a> {
    content: Content<'a>,
    mark: Option<CacheMark>,
}

/// A message that is being written.
struct Draft<'a> {
    role: &'static str,
    blocks: Vec<Marked<'a>>,
}

impl<'a> From<Content<'a>> for Marked<'a> {
    fn from(content: Content<'a>) -> Self {
        Self { content, mark: None }
    }
}

impl<'a> From<Draft<'a>> for Message<'a> {
    fn from(Draft { role, blocks }: Draft<'a>) -> Self {
        let mut content = Vec::with_capacity(blocks.len());
        for block in blocks {
            content.push(block.content);
            content.extend(block.mark.map(|mark| Content::CachePoint(point(mark))));
        }
        Self { role, content }
    }
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

    /// What the operator says before the conversation. Blank texts are refused.
    pub(super) fn instructions<'a>(&mut self, turns: &'a [Turn<'a>]) -> Vec<System<'a>> {
        let mut said: Vec<System<'a>> = Vec::new();
        for block in turns.iter().flat_map(|turn| &turn.blocks) {
            let follows_text = matches!(said.last(), Some(System::Text(_)));
            match block {
                Block::CacheMark(mark) if follows_text => said.push(System::CachePoint(point(*mark))),
                Block::CacheMark(_) => self.changes.stripped(cache_mark::NAME),
                other => said.extend(other.spoken().map(System::Text)),
            }
        }
        said
    }

    /// The messages of a conversation, with a mark at its end if there is one.
    pub(super) fn messages<'a>(
        &mut self,
        turns: &'a [Turn<'a>],
        last: Option<CacheMark>,
    ) -> Result<Vec<Message<'a>>, Need> {
        let mut drafts: Vec<Draft<'a>> = Vec::with_capacity(turns.len());
        for turn in turns {
            let role = match turn.role {
                Role::System | Role::User => "user",
                Role::Assistant => "assistant",
            };
            let blocks = self.blocks(turn)?;
            match drafts.last_mut() {
                // Nothing is left of a turn of reasoning alone.
                _ if blocks.iter().all(|block| matches!(block.content, Content::Reasoning(_))) => {}
                Some(draft) if draft.role == role => draft.blocks.extend(blocks),
                Some(_) | None => drafts.push(Draft { role, blocks }),
            }
        }
        if drafts.first().is_none_or(|first| first.role == "assistant") {
            self.changes.note(Verb::Placeholder, "user_message");
            drafts.insert(0, Draft { role: "user", blocks: vec![Content::Text(CONTINUED.into()).into()] });
        }
        // An answer that was cut off while its model reasoned. Claude refuses a message that ends with reasoning.
        for draft in &mut drafts {
            while draft.blocks.pop_if(|last| matches!(last.content, Content::Reasoning(_))).is_some() {
                self.changes.stripped("thinking");
            }
        }
        for draft in drafts.iter_mut().filter(|draft| draft.role == "user") {
            draft.blocks.sort_by_key(|block| !matches!(block.content, Content::ToolResult(_)));
            self.text_beside_documents(draft);
        }
        if let (Some(draft), Some(mark)) = (drafts.last_mut(), last) {
            self.mark(&mut draft.blocks, mark);
        }
        Ok(drafts.into_iter().map(Message::from).collect())
    }

    fn blocks<'a>(&mut self, turn: &'a Turn<'a>) -> Result<Vec<Marked<'a>>, Need> {
        let mut blocks: Vec<Marked<'a>> = Vec::with_capacity(turn.blocks.len());
        for block in &turn.blocks {
            match (block, turn.role) {
                (Block::CacheMark(mark), _) => self.mark(&mut blocks, *mark),
                (_, Role::System) => blocks.extend(self.instruction(block).map(Marked::from)),
                (Block::Result(result), _) => blocks.push(self.result(result)?),
                (_, Role::User | Role::Assistant) => blocks.extend(self.content(block)?.map(Marked::from)),
            }
        }
        Ok(blocks)
    }

    /// Marks the last of some blocks, unless there is none, or it is reasoning, which cannot have a mark.
    fn mark(&mut self, blocks: &mut [Marked<'_>], mark: CacheMark) {
        match blocks.last_mut().filter(|last| !matches!(last.content, Content::Reasoning(_))) {
            Some(last) => last.mark = last.mark.max(Some(mark)),
            None => self.changes.stripped(cache_mark::NAME),
        }
    }

    /// A document without any text beside it is refused.
    fn text_beside_documents(&mut self, draft: &mut Draft<'_>) {
        let has = |is: fn(&Marked<'_>) -> bool| draft.blocks.iter().any(is);
        let is_alone = has(|block| matches!(block.content, Content::Document(_)))
            && !has(|block| matches!(block.content, Content::Text(_)));
        if is_alone {
            self.changes.note(Verb::Placeholder, "text");
            draft.blocks.push(Content::Text(DOCUMENT.into()).into());
        }
    }

    /// A message of the operator in the middle of a conversation. It keeps its place, because the messages before it may be
    /// cached.
    fn instruction<'a>(&mut self, block: &'a Block<'a>) -> Option<Content<'a>> {
        let text = block.spoken()?;
        self.changes.note(Verb::Mapped, "system");
        Some(Content::Text(as_instruction(text).into()))
    }

    fn content<'a>(&mut self, block: &'a Block<'a>) -> Result<Option<Content<'a>>, Need> {
        Ok(match block {
            Block::Text(_) => block.spoken().map(|text| Content::Text(text.into())),
            Block::Image(source) => Some(Content::Image(image(source)?)),
            Block::Document(source) => Some(Content::Document(self.document(source)?)),
            Block::Call(Call { id, name, input }) => {
                let tool_use_id = self.id(id);
                Some(Content::ToolUse(ToolUse { tool_use_id, name, input: input.raw() }))
            }
            Block::Signed(Signed::Text { text, signature }) => {
                Some(Content::Reasoning(Reasoning::ReasoningText { text, signature }))
            }
            Block::Signed(Signed::Redacted(data)) => self.redacted(data),
            Block::Result(_)
            | Block::Reasoning
            | Block::Signed(Signed::Call(_))
            | Block::CacheMark(_)
            | Block::Foreign(_) => None,
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

    /// A result. Marks in it follow it, because they cannot be inside.
    fn result<'a>(&mut self, result: &'a CallResult<'a>) -> Result<Marked<'a>, Need> {
        let CallResult { id, failed, blocks } = result;
        let mut content: Vec<Content<'a>> = Vec::with_capacity(blocks.len());
        let mut marked: Option<CacheMark> = None;
        for block in blocks {
            content.extend(match block {
                Block::Text(_) | Block::Image(_) | Block::Document(_) => self.content(block)?,
                Block::CacheMark(mark) => {
                    marked = marked.max(Some(*mark));
                    None
                }
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
        let status = failed.then_some("error");
        let result = ToolResult { tool_use_id: self.id(id), content, status };
        Ok(Marked { content: Content::ToolResult(result), mark: marked })
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

/// A mark for the cache.
pub(super) const fn point(mark: CacheMark) -> Written {
    mark.written("default")
}

/// Whether a name has only letters, digits, `_` and `-`.
pub(super) fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.bytes().all(is_plain)
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
