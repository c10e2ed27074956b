//! A stream up to its first real frame: frames before it are held, and with it failover ends.
//!
//! Imports `providers` for the framing, `upstream`, [`frame`](super::frame) and [`attempt`](mod@super::attempt).

use std::time::Instant;

use bytes::Bytes;

use super::attempt::{Outcome, Reply, body_fault, hold, no_answer_fault, send_fault};
use super::classify::{Fault, Filter, Garbage};
use super::frame::{Identity, Inspected, Names, NoAnswer};
use crate::providers::sse::{Data, Splitter, data};
use crate::shares::Held;
use crate::upstream::UpstreamResponse;

use super::cost::{Reported, Tier};
use super::measure::Measure;

/// Frames before the first real one are held up to here.
const MAX_HELD: usize = 64 * 1024;

/// A stream whose first real frame has arrived.
#[derive(Debug)]
pub struct StreamReply {
    /// The upstream's status.
    pub status: u16,
    /// What goes out first: the held frames and the first real one.
    pub held: Vec<u8>,
    /// The rest.
    pub reader: FrameReader,
}

/// Reads frames from an upstream and writes them with our names in them.
#[derive(Debug)]
pub struct FrameReader {
    response: UpstreamResponse,
    splitter: Splitter,
    names: Names,
    include_usage: bool,
    /// The last event has no blank line behind it.
    open: bool,
    /// What was said so far.
    pub seen: Seen,
    /// When the call was made.
    pub started: Instant,
    /// Where an event that is long in coming is counted.
    counted: Held,
}

/// What a stream has said so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Something that a caller would show.
    pub content: bool,
    /// A `finish_reason`.
    pub finished: bool,
    /// How much content.
    pub size: Measure,
    /// The provider's own count.
    pub usage: Reported,
    /// Which model the provider says that it is, as a raw JSON string.
    upstream_model: Option<Box<[u8]>>,
    /// The stream's identity.
    pub identity: Option<Identity>,
}

/// What one event came to.
enum Event {
    /// Held back until a real frame comes.
    Preface,
    /// A real frame.
    Real,
    /// The filter's verdict before any content.
    Filtered(Filter),
    /// `[DONE]`, kept out of the output.
    Done(Bytes),
}

/// What held frames came to.
enum First {
    /// A real frame.
    Real,
    /// The filter's verdict.
    Filtered(Filter),
}

/// What reading came to.
pub(super) enum Read {
    /// More frames were written.
    More,
    /// `[DONE]` stood at the end; its bytes are not written yet.
    Done(Bytes),
    /// The body ended without it.
    End,
}

/// Reads up to the first real frame.
pub(super) async fn first_frame(
    response: UpstreamResponse,
    names: Names,
    include_usage: bool,
    started: Instant,
    counted: Held,
) -> Outcome {
    let status = response.status();
    let splitter = Splitter::default();
    let (seen, open) = (Seen::default(), false);
    let mut reader = FrameReader { response, splitter, names, include_usage, open, seen, started, counted };
    let mut held = Vec::new();
    loop {
        match reader.response.chunk().await {
            Ok(Some(chunk)) => {
                if let Err(fault) = reader.push(chunk) {
                    return Outcome::Failed(fault);
                }
            }
            Ok(None) => return reader.ended_early(held),
            Err(error) => return Outcome::Failed(body_fault(error)),
        }
        match reader.take_held(&mut held) {
            Ok(None) => {}
            Ok(Some(first)) => {
                let reply = Reply::Stream(Box::new(StreamReply { status, held, reader }));
                return match first {
                    First::Real => Outcome::Ready(reply),
                    First::Filtered(filter) => Outcome::Filtered(reply, Fault::Filtered(filter)),
                };
            }
            Err(fault) => return Outcome::Failed(fault),
        }
    }
}

impl FrameReader {
    /// Takes events until the first real one, or the filter's verdict. What stands behind it stays.
    fn take_held(&mut self, held: &mut Vec<u8>) -> Result<Option<First>, Fault> {
        while let Some(event) = self.next_event()? {
            match self.take(event, held)? {
                Event::Preface if held.len() <= MAX_HELD => {}
                Event::Preface => return Err(Fault::Garbage(Garbage::TooLarge)),
                Event::Real => return Ok(Some(First::Real)),
                Event::Filtered(filter) => return Ok(Some(First::Filtered(filter))),
                Event::Done(_) => return Err(Fault::Garbage(Garbage::Empty)),
            }
        }
        Ok(None)
    }

    /// The body has ended before a real frame, unless the last frame is one that only lacks its blank line.
    fn ended_early(mut self, mut held: Vec<u8>) -> Outcome {
        let status = self.response.status();
        let rest = self.splitter.rest();
        let before = held.clone();
        if let Ok(Event::Real) = self.take(rest.clone(), &mut held)
            && self.seen.finished
        {
            self.open = true;
            return Outcome::Ready(Reply::Stream(Box::new(StreamReply { status, held, reader: self })));
        }
        Outcome::Failed(no_stream_fault(&before, &rest))
    }

    /// Takes a chunk, and counts what waits for the end of its event.
    fn push(&mut self, chunk: Bytes) -> Result<(), Fault> {
        hold(&mut self.counted, self.splitter.waiting() + chunk.len())?;
        self.splitter.push(chunk);
        Ok(())
    }

    /// Waits for the next chunk.
    pub(super) async fn read(&mut self) -> Result<bool, Fault> {
        match self.response.chunk().await {
            Ok(Some(chunk)) => {
                self.push(chunk)?;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => Err(send_fault(error)),
        }
    }

    /// Writes every whole event that has arrived.
    pub(super) fn drain(&mut self, out: &mut Vec<u8>) -> Result<Read, Fault> {
        while let Some(event) = self.next_event()? {
            match self.take(event, out)? {
                Event::Preface | Event::Real | Event::Filtered(_) => {}
                Event::Done(done) => return Ok(Read::Done(done)),
            }
        }
        Ok(Read::More)
    }

    /// Writes what is left when the body has ended.
    pub(super) fn drain_rest(&mut self, out: &mut Vec<u8>) -> Result<Read, Fault> {
        let rest = self.splitter.rest();
        if rest.trim_ascii().is_empty() {
            out.extend_from_slice(&rest);
            return Ok(Read::End);
        }
        match self.take(rest, out)? {
            Event::Done(done) => Ok(Read::Done(done)),
            Event::Preface | Event::Real | Event::Filtered(_) => {
                self.open = true;
                Ok(Read::End)
            }
        }
    }

    /// Lets the connection go back to the pool.
    pub(super) fn finish(self) {
        self.response.finish();
    }

    /// What has to stand before an event of ours, so that it is one.
    pub(super) fn gap(&self) -> &'static [u8] {
        if self.open { b"\n\n" } else { b"" }
    }

    /// The model's name as a JSON string.
    pub(super) fn model(&self) -> &str {
        &self.names.model
    }

    fn next_event(&mut self) -> Result<Option<Bytes>, Fault> {
        self.splitter.next_event().map_err(|_| Fault::Garbage(Garbage::LineTooLong))
    }

    fn take(&mut self, event: Bytes, out: &mut Vec<u8>) -> Result<Event, Fault> {
        match data(&event) {
            Data::Done => Ok(Event::Done(event)),
            Data::None => {
                if event.trim_ascii_start().starts_with(b"<") {
                    return Err(Fault::Garbage(Garbage::Html));
                }
                out.extend_from_slice(&event);
                Ok(Event::Preface)
            }
            // Not understood: it passes, and nothing can be held back for it any more.
            Data::Many => {
                out.extend_from_slice(&event);
                self.seen.content = true;
                Ok(Event::Real)
            }
            Data::Line(line) => self.take_json(&event, line, out),
        }
    }

    fn take_json(&mut self, event: &[u8], line: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let chunk = match Inspected::new(line) {
            Ok(chunk) => chunk,
            // It stands in the place of an answer and is one if nobody else answers.
            Err(NoAnswer::Blocked) => {
                out.extend_from_slice(event);
                self.seen.finished = true;
                return Ok(Event::Filtered(Filter::Prompt));
            }
            Err(no_answer) => return Err(no_answer_fault(&no_answer, line)),
        };
        if chunk.choices.broken {
            return Err(Fault::Garbage(Garbage::Truncated));
        }
        self.seen.count(&chunk, line);
        // What comes before content may name none, or an empty one.
        if self.seen.identity.is_none() || !self.seen.content && chunk.choices.any {
            self.seen.identity = Some(chunk.identity(line));
        }
        if chunk.is_usage_only() && !self.include_usage {
            return Ok(Event::Preface);
        }
        let at = super::members::span(event, line);
        out.extend_from_slice(event.get(..at.start).unwrap_or_default());
        chunk.write(line, out, &self.names, &[]);
        out.extend_from_slice(event.get(at.end..).unwrap_or_default());
        let choices = chunk.choices;
        let withheld = choices.filtered && !self.seen.content && !choices.content;
        self.seen.content |= choices.content;
        self.seen.finished |= choices.finished;
        self.seen.size = self.seen.size.then(choices.size);
        Ok(if withheld {
            Event::Filtered(Filter::FinishReason)
        } else if choices.content || choices.finished {
            Event::Real
        } else {
            Event::Preface
        })
    }
}

impl Seen {
    /// Takes the provider's count. One that comes with the name of another model than the answer's is suspect.
    fn count(&mut self, chunk: &Inspected, line: &[u8]) {
        if chunk.usage.present || chunk.usage.tier == Some(Tier::Special) {
            let other = chunk.upstream_model(line).zip(self.upstream_model.as_deref());
            let other = other.is_some_and(|(name, known)| name != known);
            let usage = if other { chunk.usage.of_another_model() } else { chunk.usage };
            self.usage = self.usage.followed_by(usage);
        } else if self.upstream_model.is_none() {
            self.upstream_model = chunk.upstream_model(line).map(Into::into);
        }
    }
}

/// What ended without a real frame, as a fault: whole events, and a rest that is none.
fn no_stream_fault(events: &[u8], rest: &[u8]) -> Fault {
    const FIELDS: [&[u8]; 5] = [b":", b"data", b"event", b"id", b"retry"];
    let whole = [events, rest].concat();
    let text = whole.trim_ascii_start();
    if text.is_empty() {
        return Fault::Garbage(Garbage::Empty);
    }
    if text.starts_with(b"{") {
        // One text where a stream was asked for, under a type that did not say so.
        return match Inspected::new(&whole) {
            Err(no_answer) => no_answer_fault(&no_answer, &whole),
            Ok(_) => Fault::Garbage(Garbage::ContentType),
        };
    }
    if rest.trim_ascii_start().starts_with(b"<") {
        return Fault::Garbage(Garbage::Html);
    }
    match data(rest) {
        Data::Done => Fault::Garbage(Garbage::Empty),
        Data::Line(line) => match Inspected::new(line) {
            Err(no_answer) => no_answer_fault(&no_answer, line),
            Ok(_) => Fault::Garbage(Garbage::Truncated),
        },
        Data::None | Data::Many if FIELDS.iter().any(|field| text.starts_with(field)) => {
            Fault::Garbage(Garbage::Truncated)
        }
        Data::None | Data::Many => Fault::Garbage(Garbage::ContentType),
    }
}

#[cfg(test)]
mod tests;
