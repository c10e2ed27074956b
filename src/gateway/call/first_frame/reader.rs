//! Reads frames from an upstream and rewrites the model and provider names in them.

use std::time::Instant;

use bytes::Bytes;

use super::Expected;
use super::alike::Alike;
use super::message::MessageSoFar;
use super::seen::{Event, Read, Seen};

use crate::dialects::Dialect;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Inspected, NoAnswer};
use crate::gateway::call::response_body::{hold, send_fault};
use crate::gateway::call::usable_answer::event_error::error_in_stray;
use crate::limits::shares::HeldBytes;
use crate::providers::error_of_event;
use crate::upstream::bare_event::{bare, in_one_line};
use crate::upstream::event_stream::{Broken, Decoder};
use crate::upstream::sse::{
    Data, Lines, Splitter, begins_events, data_lines, is_comment, is_named_error, lines,
};
use crate::upstream::{SendError, UpstreamResponse};

/// Reads frames from an upstream and rewrites the model and provider names in them.
#[derive(Debug)]
pub struct FrameReader {
    /// `None` once the body was read completely.
    response: Option<UpstreamResponse>,
    status: u16,
    splitter: Splitter,
    /// Turns the binary messages of AWS into events; `None` if the body has events itself.
    decoder: Option<Decoder>,
    pub(super) expected: Expected,
    /// Whether the last event lacks its blank line.
    open: bool,
    /// A `[DONE]` that was read early.
    done: Option<Bytes>,
    /// A summary of the frames so far.
    pub seen: Seen,
    /// When the call started.
    pub started: Instant,
    /// The chunk that later ones are compared with.
    pub(super) alike: Alike,
    /// What the events of a message said so far.
    pub(super) message: MessageSoFar,
    /// Whether the event that begins an answer has come, in dialects that have one and no order of their own.
    pub(super) has_begun: bool,
    /// Whether a frame that was real in the provider's dialect came before any content in the caller's.
    pub(super) lost: bool,
    /// Whether there was a text that is no event.
    pub(super) formless: bool,
    /// Counts the bytes of an incomplete event against the memory share.
    counted: HeldBytes,
}

impl FrameReader {
    pub(super) fn new(
        response: UpstreamResponse,
        expected: Expected,
        started: Instant,
        counted: HeldBytes,
    ) -> Self {
        Self {
            status: response.status(),
            response: Some(response),
            splitter: Splitter::default(),
            decoder: (expected.dialect == Dialect::Converse).then(Decoder::default),
            seen: Seen::of(expected.choices),
            expected,
            open: false,
            done: None,
            started,
            alike: Alike::default(),
            message: MessageSoFar::default(),
            has_begun: false,
            lost: false,
            formless: false,
            counted,
        }
    }

    /// The dialect of the provider.
    pub(super) fn dialect(&self) -> Dialect {
        self.expected.dialect
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        match &mut self.response {
            Some(response) => response.chunk().await,
            None => Ok(None),
        }
    }

    /// Adds a chunk and counts the incomplete event. All complete events must have been taken before.
    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), Fault> {
        let waiting = self.splitter.waiting() + self.decoder.as_ref().map_or(0, Decoder::waiting);
        hold(&mut self.counted, waiting + chunk.len())?;
        self.splitter.push(match &mut self.decoder {
            Some(decoder) => decoder.events(&chunk),
            None => chunk,
        });
        Ok(())
    }

    /// Says that what follows is text in any case.
    pub(super) fn reads_text(&mut self) {
        self.decoder = None;
    }

    /// The bytes that remain when the body has ended.
    pub(super) fn rest(&mut self) -> Bytes {
        self.splitter.rest()
    }

    /// Keeps `[DONE]` for later.
    pub(super) fn put_back(&mut self, done: Bytes) {
        self.done = Some(done);
    }

    /// Whether `[DONE]` was read early.
    pub(super) fn is_done(&self) -> bool {
        self.done.is_some()
    }

    pub(super) fn take_response(&mut self) -> Option<UpstreamResponse> {
        self.response.take()
    }

    /// Waits for the next chunk. Returns false at the end of the body.
    pub(in crate::gateway) async fn read(&mut self) -> Result<bool, Fault> {
        match self.chunk().await {
            Ok(Some(chunk)) => {
                self.push(chunk)?;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => Err(send_fault(error)),
        }
    }

    /// Writes every complete event that has arrived.
    pub(in crate::gateway) fn drain(&mut self, out: &mut Vec<u8>) -> Result<Read, Fault> {
        loop {
            if let Some(done) = self.done.take() {
                return self.complete(done);
            }
            let Some(event) = self.next_event()? else { return Ok(Read::More) };
            match self.take(event, out)? {
                Event::Preface | Event::Real | Event::Unusable(_) => {}
                Event::Done(done) => return self.complete(done),
            }
        }
    }

    /// Writes the bytes that remain when the body has ended.
    pub(in crate::gateway) fn drain_rest(&mut self, out: &mut Vec<u8>) -> Result<Read, Fault> {
        let rest = self.splitter.rest();
        if rest.trim_ascii().is_empty() {
            out.extend_from_slice(&rest);
            return Ok(Read::End);
        }
        match self.take_last(rest, out)? {
            Event::Done(done) => self.complete(done),
            Event::Preface | Event::Real | Event::Unusable(_) => Ok(Read::End),
        }
    }

    /// The end of a stream where its provider says that it is complete. Fails if a choice is missing.
    fn complete(&self, done: Bytes) -> Result<Read, Fault> {
        if self.seen.choices.lack_one() {
            return Err(Fault::Garbage(Garbage::MissingChoice));
        }
        Ok(Read::Done(done))
    }

    /// Ignores a fault once every choice has ended, because the caller has the whole answer. An error that the
    /// provider reports is never ignored, even as another reason for the end, nor is an answer that cannot be translated.
    pub(in crate::gateway) fn settle(&mut self, fault: Fault) -> Result<Read, Fault> {
        match fault {
            Fault::Upstream(_) | Fault::Garbage(Garbage::Inference) => Err(fault),
            _ if self.seen.choices.is_over() => self.ending().map(Read::Done),
            fault => Err(fault),
        }
    }

    /// The end of a stream that its provider did not end.
    fn ending(&mut self) -> Result<Bytes, Fault> {
        // The end of a response has its content, so it is its provider's.
        if self.expected.dialect == Dialect::Responses
            && let Some(end) = self.done.take()
        {
            return Ok([self.gap(), &end].concat().into());
        }
        let end = self.translated_end()?.unwrap_or_else(|| self.expected.dialect.last_event().to_vec());
        Ok([self.gap(), &end].concat().into())
    }

    /// What follows an answer if its provider closed the connection without ending the stream. Clients of completions do
    /// without the end, but would drop a last event that lacks its blank line; those of messages repeat the request.
    ///
    /// # Errors
    /// The answer is not complete in the dialect of the caller.
    pub(in crate::gateway) fn closing(&mut self) -> Result<Option<Bytes>, Fault> {
        match self.expected.dialect {
            Dialect::ChatCompletions if self.expected.translation.is_none() => {
                Ok((!self.gap().is_empty()).then(|| Bytes::from_static(self.gap())))
            }
            Dialect::ChatCompletions
            | Dialect::Messages
            | Dialect::Responses
            | Dialect::Gemini
            | Dialect::Converse => self.ending().map(Some),
        }
    }

    /// Returns the connection to the pool.
    pub(in crate::gateway) fn finish(self) {
        if let Some(response) = self.response {
            response.finish();
        }
    }

    /// The bytes that must precede an event of the gateway: a blank line if the last event lacks it.
    pub(in crate::gateway) fn gap(&self) -> &'static [u8] {
        if self.open { b"\n\n" } else { b"" }
    }

    /// The model's name as a JSON string.
    pub(in crate::gateway) fn model(&self) -> &str {
        &self.expected.names.model
    }

    pub(super) fn next_event(&mut self) -> Result<Option<Bytes>, Fault> {
        let event = self.splitter.next_event().map_err(|_| Fault::Garbage(Garbage::EventTooLong))?;
        // What came before a broken message is read first.
        match self.decoder.as_ref().and_then(Decoder::broken).filter(|_| event.is_none()) {
            Some(Broken::TooLong) => Err(Fault::Garbage(Garbage::EventTooLong)),
            Some(Broken::Checksum | Broken::Malformed) => Err(Fault::Garbage(Garbage::Framing)),
            None => Ok(event),
        }
    }

    /// Takes the last event, which may lack its blank line.
    pub(super) fn take_last(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        let before = out.len();
        let taken = self.take(event, out)?;
        self.open = out.len() > before && !out.ends_with(b"\n\n");
        Ok(taken)
    }

    /// Takes an event, and translates it if the caller speaks another dialect.
    pub(super) fn take(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        match self.expected.translation.take() {
            None => self.take_own(event, out),
            Some(translation) => self.take_translated(translation, event, out),
        }
    }

    /// Takes an event in the dialect of the provider.
    pub(super) fn take_own(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        if let Some((text, choice)) = self.alike.text(&event) {
            self.alike.write(text, out);
            self.seen.say(choice, text);
            return Ok(Event::Real);
        }
        let Lines { data, plain } = lines(&event);
        if plain || data == Data::None {
            return self.take_lines(&event, data, out);
        }
        if let Some(fault) = error_in_stray(&event) {
            return Err(fault);
        }
        let secrets = &self.expected.secrets;
        let bare = Bytes::from(bare(&event, |value| !secrets.finds(value)));
        self.take_lines(&bare, lines(&bare).data, out)
    }

    /// Takes an event of which all lines pass, or one without data.
    fn take_lines(&mut self, event: &Bytes, data: Data<'_>, out: &mut Vec<u8>) -> Result<Event, Fault> {
        match data {
            Data::Done => match self.expected.dialect {
                Dialect::ChatCompletions => Ok(Event::Done(event.clone())),
                // Messages end with an event of their own, and the others with their last piece.
                Dialect::Messages | Dialect::Responses | Dialect::Gemini | Dialect::Converse => {
                    Ok(Event::Preface)
                }
            },
            Data::None => self.take_other(event, out),
            Data::Many => self.take_many(event, out),
            Data::Line(line) => self.take_data(event, line, out),
        }
    }

    /// Takes an event without data: a comment, or content of another format. Clients ignore it, so only comments are written.
    fn take_other(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        if event.trim_ascii_start().starts_with(b"<") {
            return Err(Fault::Garbage(Garbage::Html));
        }
        if is_named_error(event) {
            return Err(Fault::Upstream(Box::new(error_of_event(b""))));
        }
        if let Some(fault) = error_in_stray(event) {
            return Err(fault);
        }
        if is_comment(event) {
            out.extend_from_slice(&bare(event, |_| true));
        } else {
            self.formless |= begins_events(event) == Some(false);
        }
        Ok(Event::Preface)
    }

    /// Takes an event with several data lines: one text over several lines, or several events without blank lines
    /// between them.
    fn take_many(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let lines: Vec<&[u8]> = data_lines(event).collect();
        let joined = lines.join(&b' ');
        if is_named_error(event) || !matches!(Inspected::new(&joined), Err(NoAnswer::Broken)) {
            let (whole, place) = in_one_line(event);
            let line = whole.get(place).unwrap_or_default();
            return self.take_data(&whole, line, out);
        }
        let mut strongest = Event::Preface;
        for line in lines {
            let single = Bytes::from([b"data: ".as_slice(), line, b"\n\n"].concat());
            match self.take_own(single, out)? {
                Event::Done(done) if matches!(strongest, Event::Preface) => return Ok(Event::Done(done)),
                Event::Done(done) => {
                    self.done = Some(done);
                    break;
                }
                Event::Preface => {}
                Event::Unusable(_) if matches!(strongest, Event::Real) => {}
                stronger @ (Event::Real | Event::Unusable(_)) => strongest = stronger,
            }
        }
        Ok(strongest)
    }

    /// Takes an event with data.
    fn take_data(&mut self, event: &[u8], line: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        match self.expected.dialect {
            Dialect::ChatCompletions => self.take_counted(event, line, out),
            Dialect::Messages => self.take_message(event, line, out),
            Dialect::Responses => self.take_numbered(event, line, out),
            Dialect::Gemini => self.take_generated(event, line, out),
            Dialect::Converse => self.take_conversed(event, line, out),
        }
    }
}
