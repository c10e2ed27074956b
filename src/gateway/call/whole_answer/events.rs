//! The events of a stream that came in place of a whole answer.

use std::borrow::Cow;

use bytes::Bytes;

use super::completion::Completion;
use crate::dialects::Dialect;
use crate::dialects::messages::answer_of_events::AssembledMessage;
use crate::dialects::messages::event::Event;
use crate::dialects::responses::event::{Event as ResponseEvent, Numbered};
use crate::dialects::split_characters::{joined, marked};
use crate::dialects::whole_characters::whole_characters;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Inspected, NoAnswer};
use crate::gateway::call::usable_answer::event_error::error_in_stray;
use crate::gateway::call::usable_answer::{message_event, no_answer_fault};
use crate::providers::error_of_event;
use crate::upstream::sse::{
    Data, Lines, data_lines, event_name, is_keepalive, is_named_error, lines, without_mark,
};

/// The answer that the events so far amount to.
pub(super) struct Events {
    answer: Parts,
    /// The number of choices that the caller asked for.
    choices: usize,
    /// Whether there was half of a character, which may be the end or the beginning of a piece.
    split: bool,
}

/// An answer under construction, by dialect.
enum Parts {
    /// A chat completion under construction.
    Completion {
        completion: Completion,
        /// The text of a blocked prompt, for which there is no completion.
        blocked: Option<Bytes>,
    },
    /// A message of Anthropic's dialect.
    Message(AssembledMessage),
    /// A response, which its last event has as a whole.
    Response(Option<Bytes>),
}

impl Events {
    /// No events so far of an answer with so many choices.
    pub(super) fn of(dialect: Dialect, choices: usize) -> Self {
        let answer = match dialect {
            Dialect::ChatCompletions => {
                Parts::Completion { completion: Completion::default(), blocked: None }
            }
            Dialect::Messages => Parts::Message(AssembledMessage::default()),
            // The others send events only to those who ask for them.
            Dialect::Responses | Dialect::Gemini | Dialect::Converse => Parts::Response(None),
        };
        Self { answer, choices, split: false }
    }

    /// Adds an event. Returns true if it was the last one.
    pub(super) fn take(&mut self, event: &[u8]) -> Result<bool, Fault> {
        let Lines { data, plain } = lines(event);
        if !plain && let Some(fault) = error_in_stray(event) {
            return Err(fault);
        }
        match data {
            Data::Done => return Ok(self.ends_with_done()),
            Data::Line(line) => return self.add(event, line),
            Data::None => {
                let text = without_mark(event).trim_ascii_start();
                if is_named_error(event) || text.starts_with(b"<") {
                    return self.add(event, text);
                }
            }
            Data::Many => {
                let lines: Vec<&[u8]> = data_lines(event).collect();
                let joined = lines.join(&b'\n');
                if is_named_error(event) || !matches!(Inspected::new(&joined), Err(NoAnswer::Broken)) {
                    return self.add(event, &joined);
                }
                for line in lines {
                    let last = if line == b"[DONE]" { self.ends_with_done() } else { self.add(event, line)? };
                    if last {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Whether there are as many choices as the caller asked for, and all have ended.
    pub(super) fn is_over(&self) -> bool {
        match &self.answer {
            Parts::Completion { completion, .. } => completion.is_over(self.choices),
            Parts::Message(message) => message.is_over(),
            Parts::Response(response) => response.is_some(),
        }
    }

    /// The answer as JSON.
    pub(super) fn into_body(self) -> Result<Bytes, Fault> {
        let body = match self.answer {
            Parts::Completion { completion, blocked: Some(blocked) } if completion.is_empty() => {
                return Ok(blocked);
            }
            Parts::Completion { completion, .. } => completion.into_body(),
            Parts::Message(message) => message.into_body().ok_or(Fault::Garbage(Garbage::BrokenJson))?,
            Parts::Response(response) => return response.ok_or(Fault::Garbage(Garbage::NoMessage)),
        };
        Ok(if self.split { joined(body) } else { body }.into())
    }

    /// Whether `[DONE]` is the last event.
    fn ends_with_done(&self) -> bool {
        match self.answer {
            Parts::Completion { .. } => true,
            // The others end with an event of their own.
            Parts::Message(_) | Parts::Response(_) => false,
        }
    }

    fn add(&mut self, event: &[u8], line: &[u8]) -> Result<bool, Fault> {
        let marked = marked(line);
        self.split |= matches!(marked, Cow::Owned(_));
        let line = &*whole_characters(line);
        match &mut self.answer {
            Parts::Completion { completion, blocked } => {
                add_chunk(completion, blocked, event, line, &marked).map(|()| false)
            }
            Parts::Message(message) => add_event(message, event, line, &marked),
            Parts::Response(response) => add_numbered(response, event, line),
        }
    }
}

/// Adds a chunk. `marked` is the same text with marks for the halves of characters.
fn add_chunk(
    completion: &mut Completion,
    blocked: &mut Option<Bytes>,
    event: &[u8],
    line: &[u8],
    marked: &[u8],
) -> Result<(), Fault> {
    if is_keepalive(line) && !is_named_error(event) {
        return Ok(());
    }
    let named = || Fault::Upstream(Box::new(error_of_event(line)));
    match Inspected::new(line) {
        Ok(chunk) if !chunk.choices.any && is_named_error(event) => Err(named()),
        Ok(_) => completion.add(marked).ok_or(Fault::Garbage(Garbage::BrokenJson)),
        Err(NoAnswer::Blocked) => {
            blocked.get_or_insert_with(|| Bytes::copy_from_slice(line));
            Ok(())
        }
        Err(NoAnswer::Broken) if is_named_error(event) => Err(named()),
        Err(no_answer) => Err(no_answer_fault(no_answer, line)),
    }
}

/// Adds an event of a response. Only its last one counts.
fn add_numbered(response: &mut Option<Bytes>, event: &[u8], line: &[u8]) -> Result<bool, Fault> {
    let is_error = is_named_error(event);
    if is_keepalive(line) && !is_error {
        return Ok(false);
    }
    match Numbered::read(line, event_name(event)) {
        Some(Numbered { event: ResponseEvent::Failed(error), .. }) => {
            let error = error.map(|error| format!("{{\"error\":{}}}", error.get()));
            let error = error_of_event(error.as_deref().map_or(line, str::as_bytes));
            Err(Fault::Upstream(Box::new(error)))
        }
        Some(Numbered { event: ResponseEvent::Ended(head), .. }) => {
            *response = Some(Bytes::copy_from_slice(head.json.get().as_bytes()));
            Ok(true)
        }
        Some(_) => Ok(false),
        None if is_error => Err(Fault::Upstream(Box::new(error_of_event(line)))),
        None => Err(no_answer_fault(NoAnswer::Broken, line)),
    }
}

/// Adds an event of a message; `marked` as for a chunk.
fn add_event(
    message: &mut AssembledMessage,
    event: &[u8],
    line: &[u8],
    marked: &[u8],
) -> Result<bool, Fault> {
    let Some(read) = message_event::read(event, line)? else { return Ok(false) };
    message.add(&read.event, marked).ok_or(Fault::Garbage(Garbage::NoMessage))?;
    Ok(matches!(read.event, Event::Stop))
}
