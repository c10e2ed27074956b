//! A stream of which the bytes pass: events of OpenAI's form other than those of chats, or sound. It is an answer once its
//! first content has arrived.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::event_error::error_of;
use super::operation::Expectation;
use super::passed_event::{PassedSoFar, Worth};
use super::{Judged, end_fault, is_withheld, no_answer_fault};
use crate::domain::operation::Operation;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Identity, NoAnswer};
use crate::gateway::call::response_body::{body_fault, hold};
use crate::gateway::call::whole_answer::rest_of;
use crate::gateway::request::json_object::{RawObject, quoted, span};
use crate::gateway::usage::pricing::Reported;
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{HeldBytes, Share};
use crate::providers::{error_in_answer, error_instead_of_answer, error_of_event, is_empty_error};
use crate::upstream::UpstreamResponse;
use crate::upstream::bare_event::{in_one_line, without_comment_texts};
use crate::upstream::sse::{Data, Splitter, data, data_lines, is_comment, is_keepalive, is_named_error};

/// The most bytes of events that are kept until the first one with content.
const MOST_BEFORE_CONTENT: usize = 1024 * 1024;
/// The first bytes that tell a text from sound.
const LETTERS: usize = 12;

/// A stream that has begun, of which the bytes pass.
#[derive(Debug)]
pub struct PassedReply {
    /// The HTTP status of the upstream response.
    pub status: u16,
    /// The content type that the provider sent.
    pub content_type: String,
    /// The bytes to send first.
    pub first: Vec<u8>,
    /// Reads the rest of the stream.
    pub reader: PassedReader,
}

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
    seen: PassedSoFar,
    /// The event `[DONE]`, which is sent last.
    done: Option<Bytes>,
    /// Counts an incomplete event against the memory share.
    counted: HeldBytes,
}

/// How far events are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Up to the first one with content: what follows it can no longer be answered by another model.
    Content,
    /// All that have arrived.
    Chunk,
}

/// What a call of a stream is about.
pub(in crate::gateway::call) struct Awaited<'a> {
    /// What a whole answer in place of the stream must have.
    pub(in crate::gateway::call) expectation: Expectation,
    /// The catalog's name of the model.
    pub(in crate::gateway::call) model: &'a str,
    /// When the call started.
    pub(in crate::gateway::call) started: Instant,
    /// The memory share of the organization.
    pub(in crate::gateway::call) share: &'a Arc<Share>,
}

/// What a response begins with.
pub(in crate::gateway::call) enum Begun {
    /// A stream with content.
    Stream(Box<PassedReply>),
    /// One text in place of a stream, which was judged, and its place in the memory share.
    Text(Bytes, Box<Judged>, HeldBytes),
    /// A stream without content that is served only if no other candidate answers.
    Withheld(Box<PassedReply>, Fault),
    /// Nothing that is an answer, with the usage that was reported.
    Failed(Fault, Box<Reported>),
}

/// Reads a response up to its first content.
pub(in crate::gateway::call) async fn passed(mut response: UpstreamResponse, awaited: Awaited<'_>) -> Begun {
    let status = response.status();
    let header = response.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = header.unwrap_or_default().to_owned();
    let first = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if chunk.trim_ascii().is_empty() => {}
            Ok(Some(chunk)) => break chunk,
            Ok(None) => return failed(Fault::Garbage(Garbage::Empty)),
            Err(error) => return failed(body_fault(error)),
        }
    };
    let sounds = awaited.expectation.operation() == Operation::Speech
        && !content_type.starts_with("text/event-stream");
    let is_text = content_type.starts_with("application/json") || content_type.starts_with("text/");
    let begins_text =
        first.trim_ascii_start().starts_with(b"{") || first.trim_ascii_start().starts_with(b"<");
    let is_no_sound = is_text || begins_text && (content_type.is_empty() || is_letters(&first));
    let is_one_text = if sounds { is_no_sound } else { begins_text };
    if is_one_text {
        return one_text(response, first, &awaited).await;
    }
    let mut reader = PassedReader {
        response,
        splitter: (!sounds).then(Splitter::default),
        model: quoted(awaited.model),
        include_usage: awaited.expectation.includes_usage(),
        started: awaited.started,
        seen: PassedSoFar::of(awaited.expectation.operation()).echoing(awaited.expectation.echoes()),
        done: None,
        counted: awaited.share.hold(),
    };
    let mut out = Vec::new();
    let mut begun = match reader.feed(first, &mut out) {
        Ok(begun) => begun,
        Err(fault) => return failed(fault),
    };
    while !begun {
        if out.len() > MOST_BEFORE_CONTENT {
            return failed(Fault::Garbage(Garbage::TooLarge));
        }
        if let Some(ending) = reader.seen.bad_end() {
            let fault = end_fault(ending);
            return match is_withheld(ending) {
                true => {
                    Begun::Withheld(Box::new(PassedReply { status, content_type, first: out, reader }), fault)
                }
                false => Begun::Failed(fault, Box::new(reader.seen.reported)),
            };
        }
        begun = match reader.read_to(&mut out, Until::Content).await {
            Ok(Some(begun)) => begun,
            // A stream without content is no answer.
            Ok(None) if reader.seen.bad_end().is_some() => false,
            Ok(None) if out.is_empty() => return failed(Fault::Garbage(Garbage::Empty)),
            Ok(None) => {
                return Begun::Failed(Fault::Garbage(Garbage::NoContent), Box::new(reader.seen.reported));
            }
            Err(fault) => return Begun::Failed(fault, Box::new(reader.seen.reported)),
        };
    }
    Begun::Stream(Box::new(PassedReply { status, content_type, first: out, reader }))
}

/// Whether the first bytes are letters, as those of a page or of JSON are, whatever the content type says. Sound has others among them.
fn is_letters(first: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    first.len() >= LETTERS && first.iter().take(LETTERS).all(is_letter)
}

/// A failure without usage.
fn failed(fault: Fault) -> Begun {
    Begun::Failed(fault, Box::default())
}

/// One text in place of a stream: an answer passes as it is, and anything else is a fault.
async fn one_text(mut response: UpstreamResponse, first: Bytes, awaited: &Awaited<'_>) -> Begun {
    let mut held = awaited.share.hold();
    let body = match rest_of(&mut response, first, &mut held).await {
        Ok(body) => body,
        Err(fault) => return failed(fault),
    };
    if awaited.expectation.operation() == Operation::Speech {
        return failed(no_sound(&body));
    }
    let judged = awaited.expectation.judge_off_event_loop(&body, awaited.share).await;
    Begun::Text(body, Box::new(judged), held)
}

/// The fault for a text in place of sound.
fn no_sound(body: &[u8]) -> Fault {
    let Ok(members) = RawObject::parse(body) else { return no_answer_fault(NoAnswer::Broken, body) };
    let error = members.present("error").filter(|error| !is_empty_error(error.get()));
    let error = error.map(|error| error_in_answer(error.bytes())).or_else(|| error_instead_of_answer(body));
    error.map_or(Fault::Garbage(Garbage::NoResult), |error| Fault::Upstream(Box::new(error)))
}

impl PassedReader {
    /// Writes what has arrived, or waits for the next chunk. `None` once the stream has ended.
    ///
    /// # Errors
    /// The stream broke, or has an error in it.
    pub(in crate::gateway) async fn read(&mut self, out: &mut Vec<u8>) -> Result<Option<()>, Fault> {
        Ok(self.read_to(out, Until::Chunk).await?.map(|_| ()))
    }

    /// As [`PassedReader::read`]. Returns whether there was content.
    async fn read_to(&mut self, out: &mut Vec<u8>, until: Until) -> Result<Option<bool>, Fault> {
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
                if !rest.trim_ascii().is_empty() {
                    self.take(rest, out)?;
                    out.extend_from_slice(b"\n\n");
                }
                Ok(None)
            }
        }
    }

    /// Whether the stream has its end, so that nothing is missing.
    pub(in crate::gateway) fn is_whole(&self) -> bool {
        self.splitter.is_none() || self.seen.is_over() || self.done.is_some() && self.seen.ends_with_done()
    }

    /// Whether events say that the answer is complete.
    pub(in crate::gateway) fn is_complete(&self) -> bool {
        self.has_events() && self.is_whole()
    }

    /// Whether the answer is events, not sound.
    pub(in crate::gateway) fn has_events(&self) -> bool {
        self.splitter.is_some()
    }

    /// The event that ends the stream, if the provider sent one.
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
    fn feed(&mut self, chunk: Bytes, out: &mut Vec<u8>) -> Result<bool, Fault> {
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
        let event = without_comment_texts(event);
        match data(&event) {
            Data::Done => {
                self.done = Some(event);
                Ok(false)
            }
            Data::Line(line) => self.take_line(&event, line, out),
            Data::Many => self.take_many(&event, out),
            Data::None if is_comment(&event) => {
                out.extend_from_slice(&event);
                Ok(false)
            }
            Data::None => no_data(&event).map_or(Ok(false), Err),
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

/// The fault for an event without data that is no comment; `None` for one that clients ignore.
fn no_data(event: &[u8]) -> Option<Fault> {
    let text = event.trim_ascii_start();
    match text.first() {
        Some(b'<') => Some(Fault::Garbage(Garbage::Html)),
        Some(b'{') => error_of(text),
        Some(_) | None if is_named_error(event) => Some(Fault::Upstream(Box::new(error_of_event(b"")))),
        Some(_) | None => None,
    }
}

/// Whether a JSON list has an element.
fn has_elements(list: &[u8]) -> bool {
    let inside = list.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    inside.is_some_and(|inside| !inside.trim_ascii().is_empty())
}
