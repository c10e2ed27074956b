//! A stream of which the bytes pass: events of OpenAI's form other than those of chats, or sound. It is an answer once its
//! first content has arrived.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::operation::Expectation;
use super::{Judged, no_answer_fault};
use crate::domain::operation::Operation;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::NoAnswer;
use crate::gateway::call::response_body::{body_fault, hold};
use crate::gateway::call::whole_answer::rest_of;
use crate::gateway::request::json_object::{RawObject, quoted, span};
use crate::gateway::usage::pricing::{Reported, parse};
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{HeldBytes, Share};
use crate::providers::{error_in_answer, error_instead_of_answer, error_of_event, is_empty_error};
use crate::upstream::UpstreamResponse;
use crate::upstream::sse::{Data, Splitter, data, is_comment, is_keepalive, is_named_error};

/// The most bytes of events that are kept until the first one with content.
const MOST_BEFORE_CONTENT: usize = 1024 * 1024;

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
    operation: Operation,
    /// Whether the caller gets an event that has nothing but the usage.
    include_usage: bool,
    /// When the call started.
    pub(in crate::gateway) started: Instant,
    /// The usage that was reported.
    reported: Reported,
    /// The size of the text that a completion has so far.
    pub(in crate::gateway) size: TextSize,
    /// Whether an event has ended the answer.
    over: bool,
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
    /// Nothing that is an answer.
    Failed(Fault),
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
            Ok(None) => return Begun::Failed(Fault::Garbage(Garbage::Empty)),
            Err(error) => return Begun::Failed(body_fault(error)),
        }
    };
    let sounds = awaited.expectation.operation() == Operation::Speech
        && !content_type.starts_with("text/event-stream");
    let is_text = content_type.starts_with("application/json") || content_type.starts_with("text/");
    let begins_text =
        first.trim_ascii_start().starts_with(b"{") || first.trim_ascii_start().starts_with(b"<");
    let is_one_text = if sounds { is_text || content_type.is_empty() && begins_text } else { begins_text };
    if is_one_text {
        return one_text(response, first, &awaited).await;
    }
    let mut reader = PassedReader {
        response,
        splitter: (!sounds).then(Splitter::default),
        model: quoted(awaited.model),
        operation: awaited.expectation.operation(),
        include_usage: awaited.expectation.includes_usage(),
        started: awaited.started,
        reported: Reported::default(),
        size: TextSize::default(),
        over: false,
        done: None,
        counted: awaited.share.hold(),
    };
    let mut out = Vec::new();
    let mut begun = match reader.feed(first, &mut out) {
        Ok(begun) => begun,
        Err(fault) => return Begun::Failed(fault),
    };
    while !begun {
        if out.len() > MOST_BEFORE_CONTENT {
            return Begun::Failed(Fault::Garbage(Garbage::TooLarge));
        }
        begun = match reader.read_to(&mut out, Until::Content).await {
            Ok(Some(begun)) => begun,
            // A stream without content is no answer.
            Ok(None) if out.is_empty() => return Begun::Failed(Fault::Garbage(Garbage::Empty)),
            Ok(None) => return Begun::Failed(Fault::Garbage(Garbage::NoContent)),
            Err(fault) => return Begun::Failed(fault),
        };
    }
    Begun::Stream(Box::new(PassedReply { status, content_type, first: out, reader }))
}

/// One text in place of a stream: an answer passes as it is, and anything else is a fault.
async fn one_text(mut response: UpstreamResponse, first: Bytes, awaited: &Awaited<'_>) -> Begun {
    let mut held = awaited.share.hold();
    let body = match rest_of(&mut response, first, &mut held).await {
        Ok(body) => body,
        Err(fault) => return Begun::Failed(fault),
    };
    if awaited.expectation.operation() == Operation::Speech {
        return Begun::Failed(no_sound(&body));
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
        self.splitter.is_none() || self.over || self.done.is_some()
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
        let uncounted = self.operation != Operation::Completions && self.reported.input.is_none();
        Reported { extras: self.reported.extras || uncounted, ..self.reported }
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
        let line = match data(&event) {
            _ if is_comment(&event) => {
                out.extend_from_slice(&event);
                return Ok(false);
            }
            Data::Done => {
                self.done = Some(event);
                return Ok(false);
            }
            Data::Line(line) if is_named_error(&event) => {
                return Err(Fault::Upstream(Box::new(error_of_event(line))));
            }
            Data::Line(line) if !is_keepalive(line) => line,
            Data::Line(_) | Data::None | Data::Many => {
                out.extend_from_slice(&event);
                return Ok(false);
            }
        };
        let Ok(members) = RawObject::parse(line) else {
            return Err(no_answer_fault(NoAnswer::Broken, line));
        };
        if let Some(error) = members.present("error").filter(|error| !is_empty_error(error.get())) {
            return Err(Fault::Upstream(Box::new(error_in_answer(error.bytes()))));
        }
        let content = self.note(&members);
        let has_choice = || members.present("choices").is_some_and(|choices| has_elements(choices.bytes()));
        if !self.include_usage && members.present("usage").is_some() && !has_choice() {
            return Ok(content);
        }
        match members.present("model") {
            Some(model) => {
                let place = span(&event, model.bytes());
                out.extend_from_slice(event.get(..place.start).unwrap_or_default());
                out.extend_from_slice(self.model.as_bytes());
                out.extend_from_slice(event.get(place.end..).unwrap_or_default());
            }
            None => out.extend_from_slice(&event),
        }
        Ok(content)
    }

    /// Notes what an event says. Returns whether it has content.
    fn note(&mut self, members: &RawObject<'_>) -> bool {
        if let Some(usage) = members.present("usage") {
            self.reported = self.reported.followed_by(parse(usage.get()));
        }
        // Events other than those of completions name their type, and the last one is completed or done.
        if let Some(kind) = members.present("type") {
            let kind = kind.get().trim_matches('"');
            self.over |= kind.ends_with(".completed") || kind.ends_with(".done");
            return true;
        }
        let choices = members.present("choices").map(|choices| choices.bytes()).unwrap_or_default();
        let choices: Vec<RawObject<'_>> = serde_json::from_slice(choices).unwrap_or_default();
        let mut content = false;
        for choice in &choices {
            let text =
                choice.present("text").filter(|text| text.get().starts_with('"') && text.get() != "\"\"");
            if let Some(text) = text {
                self.size = self.size.then(TextSize::of_piece(text.get()));
                content = true;
            }
            if choice.present("finish_reason").is_some() {
                self.over = true;
                content = true;
            }
        }
        content
    }
}

/// Whether a JSON list has an element.
fn has_elements(list: &[u8]) -> bool {
    let inside = list.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    inside.is_some_and(|inside| !inside.trim_ascii().is_empty())
}
