//! Translates a request, a whole answer, or a stream: the reader of one dialect, then the writer of the other.

use super::answers::{Event, Stop, Tokens};
use super::change::Changes;
use super::crossing::{Crossing, for_target};
use super::members::Members;
use super::messages::write_stream::TooMuch;
use super::need::Need;
use super::turns::{Block, Request};
use super::whole_characters::whole_characters;
use super::{Dialect, chat, messages};

/// Translates a request from this dialect into the other one, for the model of this name. Returns its body.
///
/// # Errors
/// It needs something that no model of the other dialect can do, or is not a valid request.
pub fn request(
    from: Dialect,
    members: &Members<'_>,
    model: &str,
    changes: &mut Changes,
) -> Result<Vec<u8>, Need> {
    let mut request = match from {
        Dialect::ChatCompletions => chat::read_request::read(members, changes)?,
        Dialect::Messages => messages::read_request::read(members, changes)?,
    };
    cross(&mut request, from.other(), changes)?;
    match from.other() {
        Dialect::ChatCompletions => chat::write_request::write(&request, model, changes),
        Dialect::Messages => messages::write_request::write(&request, model, changes),
    }
}

/// Removes what may not reach the target.
fn cross(request: &mut Request<'_>, target: Dialect, changes: &mut Changes) -> Result<(), Need> {
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
pub struct Context {
    /// Interprets the `finish_reason` of a chat completion.
    pub stop: fn(&str) -> Stop,
    /// The time of the answer, in seconds.
    pub created: i64,
}

/// Translates a whole answer from this dialect into the other one. `None` if it is not an answer, or a call in it has no valid
/// input.
#[must_use]
pub fn answer(from: Dialect, body: &[u8], tokens: Tokens, context: Context) -> Option<Vec<u8>> {
    let body = &*whole_characters(body);
    match from {
        Dialect::ChatCompletions => {
            messages::write_answer::write(&chat::read_answer::read(body, context.stop)?, tokens)
        }
        Dialect::Messages => {
            chat::write_answer::write(&messages::read_answer::read(body)?, tokens, context.created)
        }
    }
}

/// A stream that is being translated.
#[derive(Debug)]
pub enum Stream {
    /// Chunks become the events of a message.
    ToMessages(chat::read_stream::Reader, Box<messages::write_stream::Writer>),
    /// The events of a message become chunks.
    ToChat(messages::read_stream::Reader, Box<chat::write_stream::Writer>),
}

impl Stream {
    /// The dialect of the caller.
    #[must_use]
    pub const fn to(&self) -> Dialect {
        match self {
            Self::ToMessages(..) => Dialect::Messages,
            Self::ToChat(..) => Dialect::ChatCompletions,
        }
    }

    /// Translates the data of one event. `tokens` counts everything until now.
    ///
    /// # Errors
    /// Too much waits for the end of the stream.
    pub fn feed(&mut self, data: &[u8], tokens: Tokens, out: &mut Vec<u8>) -> Result<(), TooMuch> {
        let data = &*whole_characters(data);
        let mut events: Vec<Event> = Vec::new();
        match self {
            Self::ToMessages(reader, writer) => {
                reader.read(data, &mut events);
                events.into_iter().try_for_each(|event| writer.write(event, out))
            }
            Self::ToChat(reader, writer) => {
                reader.read(data, &mut events);
                events.into_iter().for_each(|event| writer.write(event, tokens, out));
                Ok(())
            }
        }
    }

    /// The rest of a complete stream.
    #[must_use]
    pub fn end(&self, tokens: Tokens) -> Vec<u8> {
        match self {
            Self::ToMessages(_, writer) => writer.end(tokens),
            Self::ToChat(_, writer) => writer.end(),
        }
    }
}
