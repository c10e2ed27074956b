//! Translates a request, a whole answer, or a stream: the reader of one dialect, then the writer of the other.

mod cache_marks;
mod call_inputs;
mod history;
mod joined_halves;

use std::borrow::Cow;

use self::call_inputs::CallInputs;
use self::joined_halves::JoinedHalves;
use super::answers::{Event, Stop, Tokens};
use super::change::{Changes, Verb};
use super::chat::DECIDED_BY_CLAUDE;
use super::crossing::{Crossing, for_target};
use super::gemini::signature::Signer;
use super::members::Members;
use super::messages::write_stream::TooMuch;
use super::need::Need;
use super::responses::repeated::Repeated;
use super::split_characters::marked;
use super::turns::{Block, Choice, Request, Turn, cache_mark};
use super::whole_characters::whole_characters;
use super::{CallerDialect, Dialect, chat, converse, gemini, ids, messages, responses};

/// Translates a request from one dialect into another one, for the model of this name. Returns its body.
///
/// # Errors
/// It needs something that no model of the other dialect can do, or is not a valid request.
pub fn request(
    (from, to): (CallerDialect, Dialect),
    members: &Members<'_>,
    model: &str,
    changes: &mut Changes,
) -> Result<Vec<u8>, Need> {
    let mut request = match from {
        CallerDialect::ChatCompletions => chat::read_request::read(members, changes)?,
        CallerDialect::Messages => messages::read_request::read(members, changes)?,
        CallerDialect::Responses => responses::read_request::read(members, changes)?,
    };
    history::check(&request.turns)?;
    leave_out_settings(&mut request, (from, to), changes);
    cache_marks::limit(&mut request, changes);
    if to != Dialect::ChatCompletions && request.turns.iter().any(is_blank) {
        changes.stripped("content");
    }
    cross(&mut request, to, changes)?;
    if to != Dialect::ChatCompletions && request.schema_name.take().is_some() {
        changes.stripped("name");
    }
    give_ids(&mut request, changes);
    history::flatten_orphans(&mut request.turns, changes);
    leave_out_choice(&mut request, changes);
    decide_effort(&mut request, to, changes);
    match to {
        Dialect::ChatCompletions => chat::write_request::write(&request, model, changes),
        Dialect::Messages => messages::write_request::write(&request, model, changes),
        Dialect::Gemini => gemini::write_request::write(&request, model, changes),
        Dialect::Converse => converse::write_request::write(&request, model, changes),
        Dialect::Responses => Err(Need::Dialect(to)),
    }
}

/// Names the settings that only one other dialect has a place for.
fn leave_out_settings(
    request: &mut Request<'_>,
    (from, to): (CallerDialect, Dialect),
    changes: &mut Changes,
) {
    if to != Dialect::Converse && request.cache.take().is_some() {
        changes.note(Verb::Dropped, cache_mark::NAME);
    }
    if to == Dialect::Gemini {
        return;
    }
    for (setting, name) in [(request.seed.take(), "seed"), (request.top_k.take(), "top_k")] {
        if setting.is_some() {
            changes.note(Verb::Dropped, name);
        }
    }
    if std::mem::take(&mut request.json) {
        let name = if from == CallerDialect::Responses { "text" } else { "response_format" };
        changes.note(Verb::Dropped, name);
    }
}

/// Whether a turn says nothing, so that most dialects refuse it.
fn is_blank(turn: &Turn<'_>) -> bool {
    turn.blocks.iter().all(|block| match block {
        Block::Text(text) => text.trim().is_empty(),
        Block::CacheMark(_) => true,
        Block::Image(_)
        | Block::Document(_)
        | Block::Call(_)
        | Block::Result(_)
        | Block::Reasoning
        | Block::Signed(_)
        | Block::Foreign(_) => false,
    })
}

/// Where Claude is, reasoning that the model decides about has Claude's own default effort. Elsewhere the model's default
/// applies.
fn decide_effort(request: &mut Request<'_>, to: Dialect, changes: &mut Changes) {
    if !request.adaptive {
        return;
    }
    match to {
        Dialect::Converse | Dialect::Messages => {
            changes.note(Verb::Mapped, "thinking");
            request.effort = Some(DECIDED_BY_CLAUDE.to_owned());
        }
        Dialect::ChatCompletions | Dialect::Responses | Dialect::Gemini => {
            changes.note(Verb::Dropped, "thinking");
        }
    }
}

/// Gives calls without an id, or with that of an earlier call, another one, and their results the same.
fn give_ids(request: &mut Request<'_>, changes: &mut Changes) {
    let mut ids = ids::OfConversation::default();
    for turn in &mut request.turns {
        ids.begin_turn();
        for block in &mut turn.blocks {
            let (other, id) = match block {
                Block::Call(call) => (ids.of_call(&call.id), &mut call.id),
                Block::Result(result) => (ids.of_result(&result.id), &mut result.id),
                Block::Text(_)
                | Block::Image(_)
                | Block::Document(_)
                | Block::Reasoning
                | Block::Signed(_)
                | Block::CacheMark(_)
                | Block::Foreign(_) => continue,
            };
            if let Some(other) = other {
                changes.note(Verb::Aliased, "tool_id");
                *id = other;
            }
        }
    }
}

/// Without tools, there is nothing to choose from, and providers refuse a choice.
fn leave_out_choice(request: &mut Request<'_>, changes: &mut Changes) {
    if !request.tools.is_empty() {
        return;
    }
    if request.choice.take().is_some_and(|choice| !matches!(choice, Choice::Auto | Choice::None)) {
        changes.note(Verb::Dropped, "tool_choice");
    }
    if request.parallel.take() == Some(false) {
        changes.note(Verb::Dropped, "parallel_tool_calls");
    }
}

/// Removes what may not reach the target.
fn cross(request: &mut Request<'_>, target: Dialect, changes: &mut Changes) -> Result<(), Need> {
    for tool in &mut request.tools {
        let crossing = tool.mark.map(|mark| for_target(&Block::CacheMark(mark), target));
        if let Some(Crossing::Stripped(what)) = crossing {
            changes.stripped(what);
            tool.mark = None;
        }
    }
    for turn in &mut request.turns {
        keep(&mut turn.blocks, target, changes)?;
        for block in &mut turn.blocks {
            if let Block::Result(result) = block {
                keep(&mut result.blocks, target, changes)?;
            }
        }
    }
    Ok(())
}

fn keep(blocks: &mut Vec<Block<'_>>, target: Dialect, changes: &mut Changes) -> Result<(), Need> {
    let mut lacking = None;
    blocks.retain(|block| match for_target(block, target) {
        Crossing::Kept => true,
        Crossing::Stripped(what) => {
            changes.stripped(what);
            false
        }
        Crossing::PassedOver(need) => {
            lacking = lacking.or(Some(need));
            true
        }
    });
    lacking.map_or(Ok(()), Err)
}

/// What an answer needs besides what its provider wrote.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Interprets the `finish_reason` of any vendor.
    pub stop: fn(&str) -> Stop,
    /// The endpoint of Google that signed the calls, if one did.
    pub signer: Signer,
    /// The time of the answer, in seconds.
    pub created: i64,
    /// What a response repeats of its request.
    pub repeated: Option<&'a Repeated>,
}

/// Translates a whole answer into the dialect of the caller. `None` if it is not an answer, or a call in it has no valid input.
/// Also returns whether a limit ended the answer within a call, which is left out.
#[must_use]
pub fn answer(
    (from, to): (Dialect, CallerDialect),
    body: &[u8],
    tokens: Tokens,
    context: Context<'_>,
) -> Option<(Vec<u8>, bool)> {
    let body = &*whole_characters(body);
    let answer = match from {
        Dialect::ChatCompletions => chat::read_answer::read(body, context.stop)?,
        Dialect::Messages => messages::read_answer::read(body)?,
        Dialect::Gemini => gemini::read_answer::read(body, context.stop, context.signer)?,
        Dialect::Converse => converse::read_answer::read(body)?,
        // Only a caller of the same dialect gets its answers.
        Dialect::Responses => return None,
    };
    let written = match to {
        CallerDialect::ChatCompletions => chat::write_answer::write(&answer, tokens, context.created),
        CallerDialect::Messages => messages::write_answer::write(&answer, tokens),
        CallerDialect::Responses => {
            responses::write_answer::write(&answer, tokens, context.created, context.repeated?)
        }
    };
    Some((written?, answer.is_cut_by_limit()))
}

/// Why a stream cannot go on in the dialect of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwritable {
    /// More waits for the end of the stream than is kept, or the inputs of its calls are larger.
    TooMuch,
    /// A call lacks its name or its id, or its input is not a JSON object.
    BrokenCall,
}

impl From<TooMuch> for Unwritable {
    fn from(_: TooMuch) -> Self {
        Self::TooMuch
    }
}

/// A stream that is being translated.
#[derive(Debug)]
pub struct Stream {
    reader: Reader,
    writer: Writer,
    halves: JoinedHalves,
    calls: CallInputs,
    has_content: bool,
    /// Set once the stream cannot be written any more.
    unwritable: Option<Unwritable>,
}

/// Reads the stream of a provider.
#[derive(Debug)]
pub enum Reader {
    /// The chunks of a completion.
    Chat(chat::read_stream::Reader),
    /// The events of a message.
    Messages(messages::read_stream::Reader),
    /// The pieces of Google's `generateContent`.
    Gemini(gemini::read_stream::Reader),
    /// The events of Amazon Bedrock's Converse.
    Converse(converse::read_stream::Reader),
}

/// Writes the stream of a caller.
#[derive(Debug)]
pub enum Writer {
    /// The chunks of a completion.
    Chat(Box<chat::write_stream::Writer>),
    /// The events of a message.
    Messages(Box<messages::write_stream::Writer>),
    /// The events of a response.
    Responses(Box<responses::write_stream::Writer>),
}

impl Stream {
    /// Translates a stream from its beginning.
    #[must_use]
    pub fn new(reader: Reader, writer: Writer) -> Self {
        Self {
            reader,
            writer,
            halves: JoinedHalves::default(),
            calls: CallInputs::default(),
            has_content: false,
            unwritable: None,
        }
    }

    /// The id of the caller's stream, as a JSON string; `None` if its end does not repeat it.
    #[must_use]
    pub fn id(&self) -> Option<Cow<'_, str>> {
        match &self.writer {
            Writer::Messages(_) => None,
            Writer::Chat(writer) => Some(writer.id().into()),
            Writer::Responses(writer) => Some(["\"", writer.id(), "\""].concat().into()),
        }
    }

    /// The number of the next event, where events are numbered.
    #[must_use]
    pub fn number(&self) -> u64 {
        match &self.writer {
            Writer::Messages(_) | Writer::Chat(_) => 0,
            Writer::Responses(writer) => writer.number(),
        }
    }

    /// Whether anything was written that a caller can show or act on.
    #[must_use]
    pub const fn has_content(&self) -> bool {
        self.has_content
    }

    /// Translates the data of one event.
    ///
    /// # Errors
    /// The stream cannot go on. It has no end then.
    pub fn feed(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let data = marked(data);
        let mut events: Vec<Event> = Vec::new();
        match &mut self.reader {
            Reader::Chat(reader) => reader.read(&data, &mut events),
            Reader::Messages(reader) => reader.read(&data, &mut events),
            Reader::Gemini(reader) => reader.read(&data, &mut events),
            Reader::Converse(reader) => reader.read(&data, &mut events),
        }
        if matches!(data, Cow::Owned(_)) || !self.halves.are_empty() {
            events = self.halves.of(events);
        }
        self.write(events, out)
    }

    /// The rest of a complete stream, with its `tokens`.
    ///
    /// # Errors
    /// It is not complete: a call in it is broken, or it could not be written.
    pub fn end(&mut self, tokens: Tokens) -> Result<Vec<u8>, Unwritable> {
        let mut out = Vec::new();
        let rest = self.halves.rest();
        self.write(rest, &mut out)?;
        let nameless = match &self.reader {
            Reader::Chat(reader) => reader.has_call_without_name(),
            Reader::Messages(_) | Reader::Gemini(_) | Reader::Converse(_) => false,
        };
        self.calls.check(nameless)?;
        out.extend(match &self.writer {
            Writer::Chat(writer) => writer.end(tokens),
            Writer::Messages(writer) => writer.end(tokens),
            Writer::Responses(writer) => writer.end(tokens),
        });
        Ok(out)
    }

    fn write(&mut self, events: Vec<Event>, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        if let Some(unwritable) = self.unwritable {
            return Err(unwritable);
        }
        let written = events.into_iter().try_for_each(|event| self.write_one(event, out));
        self.unwritable = written.err();
        written
    }

    fn write_one(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        if self.calls.is_blank_before_input(&event) {
            return Ok(());
        }
        self.calls.add(&event)?;
        self.has_content |= event.is_content();
        match &mut self.writer {
            Writer::Messages(writer) => writer.write(event, out)?,
            Writer::Responses(writer) => writer.write(event, out)?,
            Writer::Chat(writer) => writer.write(event, out),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
