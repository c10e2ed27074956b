//! A stream of which the bytes pass: events of OpenAI's form other than those of chats, or sound. It is an answer once its
//! first content has arrived.

use bytes::Bytes;

use super::first_bytes::Beginning;
use super::passed_reader::{Awaited, PassedReader, Until};
use super::{Judged, end_fault, is_withheld, no_answer_fault};
use crate::domain::operation::Operation;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::NoAnswer;
use crate::gateway::call::response_body::body_fault;
use crate::gateway::call::whole_answer::rest_of;
use crate::gateway::request::json_object::RawObject;
use crate::gateway::usage::pricing::Reported;
use crate::limits::shares::HeldBytes;
use crate::providers::{error_in_answer, error_instead_of_answer, is_empty_error};
use crate::upstream::UpstreamResponse;

/// The most bytes of events that are kept until the first one with content.
const MOST_BEFORE_CONTENT: usize = 1024 * 1024;

/// Content types that most providers send.
const ORDINARY: [&str; 3] = ["audio/mpeg", "text/event-stream", "text/event-stream; charset=utf-8"];

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
    // It passes, so nothing may be hidden in it.
    let passes = |kind: &str| ORDINARY.contains(&kind) || !awaited.secrets.finds(kind.as_bytes());
    let declared = header.filter(|kind| passes(kind));
    let declared = declared.unwrap_or_default().to_owned();
    let should_sound = awaited.expectation.operation() == Operation::Speech
        && !declared.to_ascii_lowercase().starts_with("text/event-stream");
    let (first, beginning) = match beginning(&mut response, should_sound).await {
        Ok(begun) => begun,
        Err(fault) => return failed(fault),
    };
    if beginning == Beginning::Text {
        return one_text(response, first, &awaited).await;
    }
    let reader = PassedReader::new(response, beginning == Beginning::Events, &awaited);
    up_to_content(reader, first, (status, beginning.content_type(&declared))).await
}

/// Reads the first bytes of a response, until they show what they are.
async fn beginning(response: &mut UpstreamResponse, should_sound: bool) -> Result<(Bytes, Beginning), Fault> {
    let mut first = Bytes::new();
    loop {
        let chunk = response.chunk().await.map_err(body_fault)?;
        let is_all = chunk.is_none();
        first = match chunk {
            Some(chunk) if first.trim_ascii().is_empty() => chunk,
            Some(chunk) => [first, chunk].concat().into(),
            None => first,
        };
        match Beginning::of(&first, should_sound).or_else(|| Beginning::of_all(&first).filter(|_| is_all)) {
            Some(beginning) => return Ok((first, beginning)),
            None if is_all => return Err(Fault::Garbage(Garbage::Empty)),
            None => {}
        }
    }
}

/// Reads a stream that begins with `first` up to its first content.
async fn up_to_content(
    mut reader: PassedReader,
    first: Bytes,
    (status, content_type): (u16, String),
) -> Begun {
    let mut out = Vec::new();
    let mut begun = match reader.feed(first, &mut out) {
        Ok(begun) => begun,
        Err(fault) => return failed(fault),
    };
    while !begun {
        if out.len() > MOST_BEFORE_CONTENT {
            return failed(Fault::Garbage(Garbage::TooLarge));
        }
        let is_last = match reader.read_to(&mut out, Until::Content).await {
            Ok(Some(content)) => {
                begun = content;
                false
            }
            Ok(None) => true,
            Err(fault) => return Begun::Failed(fault, Box::new(reader.seen.reported)),
        };
        match reader.seen.bad_end(is_last).filter(|_| !begun) {
            Some(ending) if is_withheld(ending) => {
                reader.seen.excuse();
                let reply = Box::new(PassedReply { status, content_type, first: out, reader });
                return Begun::Withheld(reply, end_fault(ending));
            }
            Some(ending) => return Begun::Failed(end_fault(ending), Box::new(reader.seen.reported)),
            // A stream without content is no answer.
            None if is_last => {
                let garbage = if out.is_empty() { Garbage::Empty } else { Garbage::NoContent };
                return Begun::Failed(Fault::Garbage(garbage), Box::new(reader.seen.reported));
            }
            None => {}
        }
    }
    Begun::Stream(Box::new(PassedReply { status, content_type, first: out, reader }))
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
    let Ok(members) = RawObject::parse(body) else {
        return match body.trim_ascii_start().first() {
            Some(b'{' | b'[' | b'<') => no_answer_fault(NoAnswer::Broken, body),
            Some(_) | None => Fault::Garbage(Garbage::NoResult),
        };
    };
    let error = members.present("error").filter(|error| !is_empty_error(error.get()));
    let error = error.map(|error| error_in_answer(error.bytes())).or_else(|| error_instead_of_answer(body));
    error.map_or(Fault::Garbage(Garbage::NoResult), |error| Fault::Upstream(Box::new(error)))
}
