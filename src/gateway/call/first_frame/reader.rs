//! Reads frames from an upstream and writes them with our names in them.

use std::time::Instant;

use bytes::Bytes;

use super::seen::{Event, Read, Seen, Unusable};

use crate::gateway::call::attempt::{hold, send_fault};
use crate::gateway::call::classify::{Fault, Filter, Garbage};
use crate::gateway::call::frame::{Inspected, Names, NoAnswer};
use crate::gateway::call::usable_answer::{end_fault, error_of_choice, no_answer_fault};
use crate::gateway::request::json_object::span;
use crate::limits::shares::HeldBytes;
use crate::providers::{FinishMeaning, error_of_event};
use crate::upstream::sse::{Data, Splitter, data, data_lines, is_named_error};
use crate::upstream::{SendError, UpstreamResponse};

/// The end of a stream that its provider left open or broke off after its last word.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Reads frames from an upstream and writes them with our names in them.
#[derive(Debug)]
pub struct FrameReader {
    /// None once its body was read whole.
    response: Option<UpstreamResponse>,
    status: u16,
    splitter: Splitter,
    names: Names,
    include_usage: bool,
    /// The last event has no blank line behind it.
    open: bool,
    /// `[DONE]`, where it came before it was asked for.
    done: Option<Bytes>,
    /// What was said so far.
    pub seen: Seen,
    /// When the call was made.
    pub started: Instant,
    /// Where an event that is long in coming is counted.
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

    /// Takes the next chunk, and counts what waits for the end of its event. Every whole event must have been taken out.
    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), Fault> {
        hold(&mut self.counted, self.splitter.waiting() + chunk.len())?;
        self.splitter.push(chunk);
        Ok(())
    }

    /// What is left when the body has ended.
    pub(super) fn rest(&mut self) -> Bytes {
        self.splitter.rest()
    }

    /// Keeps `[DONE]` for later.
    pub(super) fn put_back(&mut self, done: Bytes) {
        self.done = Some(done);
    }

    /// Whether `[DONE]` has come.
    pub(super) fn is_done(&self) -> bool {
        self.done.is_some()
    }

    pub(super) fn take_response(&mut self) -> Option<UpstreamResponse> {
        self.response.take()
    }

    /// Waits for the next chunk.
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

    /// Writes every whole event that has arrived.
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

    /// Writes what is left when the body has ended.
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

    /// What a fault is worth. Once every choice has ended, the caller has the answer: a connection that breaks, falls
    /// silent or talks nonsense takes nothing away. An error that the provider reports is still one.
    pub(in crate::gateway) fn settle(&self, fault: Fault) -> Result<Read, Fault> {
        match fault {
            Fault::Upstream(_) => Err(fault),
            _ if self.seen.is_over() => Ok(self.end()),
            fault => Err(fault),
        }
    }

    /// The end of a stream that its provider does not end.
    pub(in crate::gateway) fn end(&self) -> Read {
        Read::Done([self.gap(), DONE].concat().into())
    }

    /// Lets the connection go back to the pool.
    pub(in crate::gateway) fn finish(self) {
        if let Some(response) = self.response {
            response.finish();
        }
    }

    /// What has to stand before an event of ours, so that it is one.
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

    /// An event without its blank line.
    pub(super) fn take_last(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        let before = out.len();
        let taken = self.take(event, out)?;
        self.open = out.len() > before && !out.ends_with(b"\n\n");
        Ok(taken)
    }

    pub(super) fn take(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        match data(&event) {
            Data::Done => Ok(Event::Done(event)),
            Data::None => Self::take_other(&event, out),
            Data::Many => self.take_many(&event, out),
            Data::Line(line) => self.take_json(&event, line, out),
        }
    }

    /// An event without data: a comment, or what should not be here.
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

    /// Several lines of data: one text over several lines, or events without a blank line between them.
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
            return self.take_json(&whole, line, out);
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

    fn take_json(&mut self, event: &[u8], line: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let chunk = match Inspected::new(line) {
            Ok(chunk) => chunk,
            Err(no_answer) => return self.take_no_answer(no_answer, event, line, out),
        };
        let choices = chunk.choices;
        if !choices.any && is_named_error(event) {
            return Err(Fault::Upstream(Box::new(error_of_event(line))));
        }
        // Some vendors write an end into every chunk.
        self.seen.goes_on |= choices.content && self.seen.over.hold(choices.begun);
        self.seen.begun.add(choices.begun);
        self.refuse_error(&chunk, line)?;
        self.seen.over.add(choices.over);
        self.seen.count(&chunk, line);
        // What comes before content may name none, or an empty one.
        if self.seen.identity.is_none() || !self.seen.content && choices.any {
            self.seen.identity = Some(chunk.identity(line));
        }
        if chunk.is_usage_only() && !self.include_usage {
            return Ok(Event::Preface);
        }
        let at = span(event, line);
        out.extend_from_slice(event.get(..at.start).unwrap_or_default());
        chunk.write(line, out, &self.names, &[]);
        out.extend_from_slice(event.get(at.end..).unwrap_or_default());
        Ok(self.seen.take(&choices))
    }

    /// A text that is no chunk.
    fn take_no_answer(
        &mut self,
        no_answer: NoAnswer,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        match no_answer {
            // It comes in the place of an answer and is one if no other candidate answers.
            NoAnswer::Blocked => {
                out.extend_from_slice(event);
                self.seen.finished = true;
                Ok(Event::Unusable(Unusable { fault: Fault::Filtered(Filter::Prompt), withheld: true }))
            }
            NoAnswer::Broken if is_named_error(event) => Err(Fault::Upstream(Box::new(error_of_event(line)))),
            NoAnswer::Broken | NoAnswer::Error(_) => Err(no_answer_fault(no_answer, line)),
        }
    }

    /// A choice that reports an error ends the stream, unless the caller already has content of others.
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
