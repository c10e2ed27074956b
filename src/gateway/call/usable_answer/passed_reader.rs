//! Reads a stream of which the bytes pass, and rewrites the name of the model in its events.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::event_error::error_in_stray;
use super::no_answer_fault;
use super::operation::Expectation;
use super::passed_event::{PassedSoFar, Worth};
use super::relaying::Relaying;
use crate::dialects::Dialect;
use crate::domain::operation::Operation;
use crate::gateway::call::classify::{Fault, Garbage, Interruption};
use crate::gateway::call::endpoint::SecretSearch;
use crate::gateway::call::frame::{Identity, NoAnswer};
use crate::gateway::call::response_body::{body_fault, hold};
use crate::gateway::request::json_object::{RawObject, quoted, span};
use crate::gateway::usage::pricing::Reported;
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{HeldBytes, Share};
use crate::providers::error_of_event;
use crate::upstream::UpstreamResponse;
use crate::upstream::bare_event::{bare, in_one_line};
use crate::upstream::sse::{
    Data, Lines, Splitter, data_lines, is_comment, is_keepalive, is_named_error, lines,
};

/// Reads a stream of which the bytes pass.
#[derive(Debug)]
pub struct PassedReader {
    response: UpstreamResponse,
    /// Splits events; `None` for sound.
    splitter: Option<Splitter>,
    /// The catalog's name of the model, as a JSON string.
    model: String,
    /// Whether the caller gets an event that has nothing but the usage.
    include_usage: bool,
    /// When the call started.
    pub(in crate::gateway) started: Instant,
    /// What the events said so far.
    pub(super) seen: PassedSoFar,
    /// The event `[DONE]`, which is sent last.
    done: Option<Bytes>,
    /// Counts an incomplete event against the memory share.
    counted: HeldBytes,
}

/// How far events are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Up to the first one with content: what follows it can no longer be answered by another model.
    Content,
    /// All that have arrived.
    Chunk,
}

/// What a call of a stream is about.
pub(in crate::gateway::call) struct Awaited<'a> {
    /// What a whole answer in place of the stream must have.
    pub(in crate::gateway::call) expectation: Expectation,
    /// What the caller gets of the stream.
    pub(in crate::gateway::call) relaying: Relaying,
    /// The catalog's name of the model.
    pub(in crate::gateway::call) model: &'a str,
    /// When the call started.
    pub(in crate::gateway::call) started: Instant,
    /// The memory share of the organization.
    pub(in crate::gateway::call) share: &'a Arc<Share>,
    /// Finds the secrets of the provider in what is no content.
    pub(in crate::gateway::call) secrets: SecretSearch,
}

impl PassedReader {
    /// Reads a response with events, or with sound.
    pub(super) fn new(response: UpstreamResponse, has_events: bool, awaited: &Awaited<'_>) -> Self {
        let (expectation, relaying) = (awaited.expectation, awaited.relaying);
        let seen = PassedSoFar::of(expectation.operation(), expectation.results());
        Self {
            response,
            splitter: has_events.then(Splitter::default),
            model: quoted(awaited.model),
            include_usage: relaying.include_usage,
            started: awaited.started,
            seen: seen.echoing(relaying.echoes).searching(awaited.secrets.clone()),
            done: None,
            counted: awaited.share.hold(),
        }
    }

    /// Writes what has arrived, or waits for the next chunk. `None` once the stream has ended.
    ///
    /// # Errors
    /// The stream broke, or has an error in it.
    pub(in crate::gateway) async fn read(&mut self, out: &mut Vec<u8>) -> Result<Option<()>, Fault> {
        Ok(self.read_to(out, Until::Chunk).await?.map(|_| ()))
    }

    /// As [`PassedReader::read`]. Returns whether there was content.
    pub(super) async fn read_to(&mut self, out: &mut Vec<u8>, until: Until) -> Result<Option<bool>, Fault> {
        let before = out.len();
        let content = self.drain(out, until)?;
        if content || out.len() > before {
            return Ok(Some(content));
        }
        if self.done.is_some() {
            return Ok(None);
        }
        match self.response.chunk().await.map_err(body_fault)? {
            Some(chunk) => {
                let sounds = self.feed(chunk, out)?;
                Ok(Some(sounds || self.drain(out, until)?))
            }
            None => {
                let rest = self.splitter.as_mut().map(Splitter::rest).unwrap_or_default();
                if rest.trim_ascii().is_empty() {
                    return Ok(None);
                }
                let content = self.take(rest, out)?;
                out.extend_from_slice(b"\n\n");
                // The last word may lack its blank line.
                Ok((content && self.seen.is_over()).then_some(true))
            }
        }
    }

    /// Whether the stream has its end, so that nothing is missing.
    pub(in crate::gateway) fn is_whole(&self) -> bool {
        self.splitter.is_none() || self.seen.is_over() || self.has_its_done() && !self.seen.lacks_a_choice()
    }

    fn has_its_done(&self) -> bool {
        self.done.is_some() && self.seen.ends_with_done()
    }

    /// The fault of a stream that has ended without its end, or without a choice; `None` if it is whole.
    pub(in crate::gateway) fn missing(&self) -> Option<Fault> {
        match self.is_whole() {
            true => None,
            false if self.has_its_done() => Some(Fault::Garbage(Garbage::MissingChoice)),
            false => Some(Fault::Interrupted(Interruption::Ended)),
        }
    }

    /// Whether events say that the answer is complete, also if the stream goes on with content.
    pub(in crate::gateway) fn is_over(&self) -> bool {
        self.has_events() && self.is_whole()
    }

    /// Whether events say that the answer is complete, and only its last words are awaited.
    pub(in crate::gateway) fn is_complete(&self) -> bool {
        self.has_events() && self.seen.is_complete()
    }

    /// Whether the answer is events, not sound.
    pub(in crate::gateway) fn has_events(&self) -> bool {
        self.splitter.is_some()
    }

    /// Ends a complete stream that its provider did not end.
    pub(in crate::gateway) fn settle(&mut self) {
        if self.seen.operation == Operation::Completions {
            self.done.get_or_insert(Bytes::from_static(Dialect::ChatCompletions.last_event()));
        }
    }

    /// The event that ends the stream, if there is one.
    pub(in crate::gateway) fn take_done(&mut self) -> Option<Bytes> {
        self.done.take()
    }

    /// The catalog's name of the model, as a JSON string.
    pub(in crate::gateway) fn model(&self) -> &str {
        &self.model
    }

    /// The usage that was reported. What is billed in another unit than tokens has no price here.
    pub(in crate::gateway) fn reported(&self) -> Reported {
        let reported = self.seen.reported;
        let uncounted = self.seen.operation != Operation::Completions && reported.input.is_none();
        Reported { extras: reported.extras || uncounted, ..reported }
    }

    /// The size of the text that a completion has so far.
    pub(in crate::gateway) fn size(&self) -> &TextSize {
        &self.seen.size
    }

    /// The identity of a completion, if it has begun.
    pub(in crate::gateway) fn identity(&self) -> Option<&Identity> {
        self.seen.identity.as_ref()
    }

    /// Returns the connection to the pool.
    pub(in crate::gateway) fn finish(self) {
        self.response.finish();
    }

    /// Takes a chunk, of which all events of the one before were taken. Sound is written at once, and is content.
    pub(super) fn feed(&mut self, chunk: Bytes, out: &mut Vec<u8>) -> Result<bool, Fault> {
        let Some(splitter) = &mut self.splitter else {
            out.extend_from_slice(&chunk);
            return Ok(true);
        };
        hold(&mut self.counted, splitter.waiting() + chunk.len())?;
        splitter.push(chunk);
        Ok(false)
    }

    /// Writes the complete events. Returns whether they have content.
    fn drain(&mut self, out: &mut Vec<u8>, until: Until) -> Result<bool, Fault> {
        let mut content = false;
        while self.done.is_none()
            && !(content && until == Until::Content)
            && let Some(event) = self.next_event()?
        {
            content |= self.take(event, out)?;
        }
        Ok(content)
    }

    fn next_event(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(splitter) = &mut self.splitter else { return Ok(None) };
        splitter.next_event().map_err(|_| Fault::Garbage(Garbage::EventTooLong))
    }

    /// Takes an event. Returns whether it has content.
    fn take(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<bool, Fault> {
        let Lines { data, plain } = lines(&event);
        if data == Data::None {
            if is_comment(&event) {
                out.extend_from_slice(&bare(&event, |_| true));
            }
            return no_data(&event).map_or(Ok(false), Err);
        }
        if plain {
            return self.take_data(&event, data, out);
        }
        if let Some(fault) = error_in_stray(&event) {
            return Err(fault);
        }
        let secrets = &self.seen.secrets;
        let bare = Bytes::from(bare(&event, |value| !secrets.finds(value)));
        self.take_data(&bare, lines(&bare).data, out)
    }

    /// Takes an event with data of which all lines pass.
    fn take_data(&mut self, event: &Bytes, data: Data<'_>, out: &mut Vec<u8>) -> Result<bool, Fault> {
        match data {
            Data::Done => {
                self.done = Some(event.clone());
                Ok(false)
            }
            Data::Line(line) => self.take_line(event, line, out),
            Data::Many => self.take_many(event, out),
            Data::None => Ok(false),
        }
    }

    /// Takes an event with several data lines: one text over several lines, or several events without blank lines between
    /// them.
    fn take_many(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<bool, Fault> {
        let (whole, place) = in_one_line(event);
        let line = whole.get(place).unwrap_or_default();
        if is_named_error(event) || RawObject::parse(line).is_ok() {
            return self.take_line(&whole, line, out);
        }
        let mut content = false;
        for line in data_lines(event) {
            let single = [b"data: ".as_slice(), line, b"\n\n"].concat();
            if self.done.is_none() {
                content |= self.take(single.into(), out)?;
            }
        }
        Ok(content)
    }

    /// Takes an event with one data line.
    fn take_line(&mut self, event: &[u8], line: &[u8], out: &mut Vec<u8>) -> Result<bool, Fault> {
        if is_named_error(event) {
            return Err(Fault::Upstream(Box::new(error_of_event(line))));
        }
        if is_keepalive(line) {
            return Ok(false);
        }
        let Ok(members) = RawObject::parse(line) else {
            return Err(no_answer_fault(NoAnswer::Broken, line));
        };
        let worth = self.seen.take(event, line, &members)?;
        let has_choice = || members.present("choices").is_some_and(|choices| has_elements(choices.bytes()));
        let is_unwanted = !self.include_usage && members.present("usage").is_some() && !has_choice();
        match members.present("model") {
            _ if is_unwanted || worth == Worth::Nothing => {}
            Some(model) => {
                let place = span(event, model.bytes());
                out.extend_from_slice(event.get(..place.start).unwrap_or_default());
                out.extend_from_slice(self.model.as_bytes());
                out.extend_from_slice(event.get(place.end..).unwrap_or_default());
            }
            None => out.extend_from_slice(event),
        }
        Ok(worth == Worth::Content)
    }
}

/// The fault for an event without data; `None` for one that clients ignore.
fn no_data(event: &[u8]) -> Option<Fault> {
    if event.trim_ascii_start().starts_with(b"<") {
        return Some(Fault::Garbage(Garbage::Html));
    }
    if is_named_error(event) {
        return Some(Fault::Upstream(Box::new(error_of_event(b""))));
    }
    error_in_stray(event)
}

/// Whether a JSON list has an element.
fn has_elements(list: &[u8]) -> bool {
    let inside = list.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    inside.is_some_and(|inside| !inside.trim_ascii().is_empty())
}
