//! Reads frames from an upstream and rewrites the model and provider names in them.

use std::time::Instant;

use bytes::Bytes;

use super::alike::{Alike, Sample};
use super::seen::{Event, Read, Seen, Unusable};

use crate::gateway::call::classify::{Fault, Filter, Garbage};
use crate::gateway::call::completion_events::chunks;
use crate::gateway::call::frame::{Inspected, Names, NoAnswer};
use crate::gateway::call::response_body::{hold, send_fault};
use crate::gateway::call::usable_answer::{end_fault, error_of_choice, no_answer_fault};
use crate::gateway::request::json_object::span;
use crate::gateway::usage::pricing::parse_inside;
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::HeldBytes;
use crate::providers::{FinishMeaning, error_of_event};
use crate::upstream::sse::{Data, Splitter, data, data_lines, is_keepalive, is_named_error};
use crate::upstream::{SendError, UpstreamResponse};

/// The end of a stream, if its provider sends no `[DONE]` after the last choice ended.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Enough bytes for the names of our fields, which a chunk may lack.
const ADDED: usize = 32;

/// Reads frames from an upstream and rewrites the model and provider names in them.
#[derive(Debug)]
pub struct FrameReader {
    /// `None` once the body was read completely.
    response: Option<UpstreamResponse>,
    status: u16,
    splitter: Splitter,
    names: Names,
    include_usage: bool,
    /// Whether the last event lacks its blank line.
    open: bool,
    /// A `[DONE]` that was read early.
    done: Option<Bytes>,
    /// A summary of the frames so far.
    pub seen: Seen,
    /// When the call started.
    pub started: Instant,
    /// The chunk that later ones are compared with.
    alike: Alike,
    /// Counts the bytes of an incomplete event against the memory share.
    counted: HeldBytes,
}

impl FrameReader {
    pub(super) fn new(
        response: UpstreamResponse,
        names: Names,
        include_usage: bool,
        started: Instant,
        counted: HeldBytes,
    ) -> Self {
        Self {
            status: response.status(),
            response: Some(response),
            splitter: Splitter::default(),
            names,
            include_usage,
            open: false,
            done: None,
            seen: Seen::default(),
            started,
            alike: Alike::default(),
            counted,
        }
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
        hold(&mut self.counted, self.splitter.waiting() + chunk.len())?;
        self.splitter.push(chunk);
        Ok(())
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
        if let Some(done) = self.done.take() {
            return Ok(Read::Done(done));
        }
        while let Some(event) = self.next_event()? {
            match self.take(event, out)? {
                Event::Preface | Event::Real | Event::Unusable(_) => {}
                Event::Done(done) => return Ok(Read::Done(done)),
            }
        }
        Ok(Read::More)
    }

    /// Writes the bytes that remain when the body has ended.
    pub(in crate::gateway) fn drain_rest(&mut self, out: &mut Vec<u8>) -> Result<Read, Fault> {
        let rest = self.splitter.rest();
        if rest.trim_ascii().is_empty() {
            out.extend_from_slice(&rest);
            return Ok(Read::End);
        }
        match self.take_last(rest, out)? {
            Event::Done(done) => Ok(Read::Done(done)),
            Event::Preface | Event::Real | Event::Unusable(_) => Ok(Read::End),
        }
    }

    /// Ignores a fault once every choice has ended, because the caller has the whole answer. An error that the
    /// provider reports is never ignored.
    pub(in crate::gateway) fn settle(&self, fault: Fault) -> Result<Read, Fault> {
        match fault {
            Fault::Upstream(_) => Err(fault),
            _ if self.seen.is_over() => Ok(Read::Done(self.ending())),
            fault => Err(fault),
        }
    }

    /// The end of a stream that its provider did not end.
    fn ending(&self) -> Bytes {
        [self.gap(), DONE].concat().into()
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
        &self.names.model
    }

    pub(super) fn next_event(&mut self) -> Result<Option<Bytes>, Fault> {
        self.splitter.next_event().map_err(|_| Fault::Garbage(Garbage::EventTooLong))
    }

    /// Takes the last event, which may lack its blank line.
    pub(super) fn take_last(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        let before = out.len();
        let taken = self.take(event, out)?;
        self.open = out.len() > before && !out.ends_with(b"\n\n");
        Ok(taken)
    }

    pub(super) fn take(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        if let Some((text, choice)) = self.alike.text(&event) {
            self.alike.write(text, out);
            self.seen.say(choice, text);
            return Ok(Event::Real);
        }
        match data(&event) {
            Data::Done => Ok(Event::Done(event)),
            Data::None => Self::take_other(&event, out),
            Data::Many => self.take_many(&event, out),
            Data::Line(line) => self.take_counted(&event, line, out),
        }
    }

    /// Takes an event without data: a comment, or content of another format.
    fn take_other(event: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let text = event.trim_ascii_start();
        match text.first() {
            Some(b'<') => return Err(Fault::Garbage(Garbage::Html)),
            Some(b'e') if is_named_error(text) => {
                return Err(Fault::Upstream(Box::new(error_of_event(b""))));
            }
            Some(b'{') => {
                if let Err(NoAnswer::Error(error)) = Inspected::new(text) {
                    return Err(Fault::Upstream(error));
                }
            }
            Some(_) | None => {}
        }
        out.extend_from_slice(event);
        Ok(Event::Preface)
    }

    /// Takes an event with several data lines: one text over several lines, or several events without blank lines
    /// between them.
    fn take_many(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let lines: Vec<&[u8]> = data_lines(event).collect();
        let joined = lines.join(&b' ');
        if is_named_error(event) || !matches!(Inspected::new(&joined), Err(NoAnswer::Broken)) {
            let fields = event.split(|byte| matches!(byte, b'\n' | b'\r'));
            let others = fields.filter(|line| !line.is_empty() && !line.starts_with(b"data:"));
            let mut whole: Vec<u8> = others.flat_map(|line| [line, b"\n".as_slice()].concat()).collect();
            let from = whole.len() + b"data: ".len();
            whole.extend_from_slice(&[b"data: ".as_slice(), &joined, b"\n\n"].concat());
            let line = whole.get(from..from + joined.len()).unwrap_or_default();
            return self.take_counted(&whole, line, out);
        }
        let mut strongest = Event::Preface;
        for line in lines {
            let single = Bytes::from([b"data: ".as_slice(), line, b"\n\n"].concat());
            match self.take(single, out)? {
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

    /// Takes a JSON text. Of one that fails the stream, only the usage counts.
    fn take_counted(&mut self, event: &[u8], line: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let taken = self.take_json(event, line, out);
        if taken.is_err()
            && let Ok(text) = std::str::from_utf8(line)
        {
            self.seen.usage = self.seen.usage.followed_by(parse_inside(text));
        }
        taken
    }

    fn take_json(&mut self, event: &[u8], line: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        if is_keepalive(line) && !is_named_error(event) {
            return Ok(Event::Preface);
        }
        let mut chunk = match Inspected::new(line) {
            Ok(chunk) => chunk,
            Err(no_answer) => return self.take_no_answer(no_answer, event, line, out),
        };
        if chunk.choices.in_message && !chunk.choices.in_delta {
            if !self.seen.content
                && let Some(chunks) = chunks(line)
            {
                return self.take_chunks(&chunks, out);
            }
            // Some vendors repeat the whole message in the last chunk. Clients of streams do not read it.
            (chunk.choices.content, chunk.choices.size) = (false, TextSize::default());
        }
        let choices = chunk.choices;
        self.seen.extras |= choices.extras;
        if !choices.any && is_named_error(event) {
            return Err(Fault::Upstream(Box::new(error_of_event(line))));
        }
        // Some vendors send a `finish_reason` in every chunk.
        let continues = choices.content || choices.nameless;
        self.seen.continued_after_end |= continues && self.seen.over.hold(choices.begun);
        self.seen.begun.add(choices.begun);
        self.refuse_error(&chunk, line)?;
        if choices.finished
            && !self.seen.content
            && let Some(error) = chunk.error_beside(line)
        {
            return Err(Fault::Upstream(error));
        }
        self.seen.over.add(choices.over);
        self.seen.count(&chunk, line);
        // Frames before content may lack the id, or have an empty one.
        if self.seen.identity.is_none() || !self.seen.content && choices.any {
            self.seen.identity = Some(chunk.identity(line));
        }
        if chunk.is_usage_only() && !self.include_usage {
            return Ok(Event::Preface);
        }
        // Exactly one allocation for a chunk.
        out.reserve(event.len() + self.names.model.len() + self.names.provider.len() + ADDED);
        let (at, from) = (span(event, line), out.len());
        out.extend_from_slice(event.get(..at.start).unwrap_or_default());
        chunk.write(line, out, &self.names, &[]);
        out.extend_from_slice(event.get(at.end..).unwrap_or_default());
        if let Some(content) = &chunk.content
            && !(chunk.usage.present || choices.usage)
            && let Some(Ok(json)) = line.get(content.clone()).map(std::str::from_utf8)
            && choices.is_only(json)
        {
            let text = at.start + content.start..at.start + content.end;
            let written = out.get(from..).unwrap_or_default();
            self.alike.learn(&Sample { event, text, written, choice: choices.begun });
        }
        Ok(self.seen.take(&choices))
    }

    /// Takes the chunks into which a whole answer inside a stream was turned.
    fn take_chunks(&mut self, chunks: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let mut strongest = Event::Preface;
        for chunk in chunks.split_inclusive(|byte| *byte == b'\n').filter(|line| line.len() > 1) {
            match self.take([chunk, b"\n"].concat().into(), out)? {
                Event::Preface | Event::Done(_) => {}
                Event::Unusable(_) if matches!(strongest, Event::Real) => {}
                stronger @ (Event::Real | Event::Unusable(_)) => strongest = stronger,
            }
        }
        Ok(strongest)
    }

    /// Takes a text that is not a chunk.
    fn take_no_answer(
        &mut self,
        no_answer: NoAnswer,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        match no_answer {
            // It is served as the answer if no other candidate answers.
            NoAnswer::Blocked => {
                out.extend_from_slice(event);
                self.seen.finished = true;
                Ok(Event::Unusable(Unusable { fault: Fault::Filtered(Filter::Prompt), withheld: true }))
            }
            NoAnswer::Broken if is_named_error(event) => Err(Fault::Upstream(Box::new(error_of_event(line)))),
            NoAnswer::Broken | NoAnswer::Error(_) => Err(no_answer_fault(no_answer, line)),
        }
    }

    /// Fails if a choice reports an error, unless the caller already has content of other choices.
    fn refuse_error(&self, chunk: &Inspected, line: &[u8]) -> Result<(), Fault> {
        let choices = &chunk.choices;
        if choices.content || self.seen.content && self.seen.begun.count() > 1 {
            return Ok(());
        }
        if choices.error {
            return Err(error_of_choice(chunk, line));
        }
        match choices.bad {
            Some(ending) if ending.finish == FinishMeaning::Error && self.seen.content => {
                Err(end_fault(ending))
            }
            Some(_) | None => Ok(()),
        }
    }
}
