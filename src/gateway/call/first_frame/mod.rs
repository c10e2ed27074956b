//! Reads a stream up to its first real frame. Earlier frames are held, so that failover stays possible until then.

mod alike;
mod completion;
mod completion_events;
mod conversed;
mod gemini;
mod message;
mod reader;
mod response;
mod seen;
mod translated;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::time::timeout;

use super::classify::{Fault, Filter, Garbage};
use super::endpoint::SecretSearch;
use super::frame::{Inspected, Names};
use super::outcome::{AttemptOutcome, Reply, StreamReply};
use super::response_body::{body_fault, hold};
use super::translation::{StreamTranslation, nothing_left};
use crate::dialects::messages::events_of_answer;
use crate::dialects::{self, Dialect, responses};
use crate::gateway::call::usable_answer::{Judged, judge_off_event_loop, no_answer_fault};
use crate::gateway::call::whole_answer::{GRACE, rest_of};
use crate::gateway::usage::pricing::Reported;
use crate::gateway::usage::so_far::SoFar;
use crate::limits::shares::{HeldBytes, LARGE, Share};
use crate::upstream::UpstreamResponse;
use crate::upstream::bare_event::bare;
use crate::upstream::sse::{Data, data, is_comment, without_mark};
use completion_events::events;

pub use reader::FrameReader;
pub(in crate::gateway) use seen::Read;
pub use seen::Seen;
use seen::{Event, Unusable};

/// The most bytes of chunks held before the first real frame. A vendor that repeats an empty chunk every 100 ms sends
/// less within the longest time that a model may take.
const MAX_HELD: usize = 2 * 1024 * 1024;
/// The most bytes of comments held before the first real frame. Later ones are dropped: they only kept the connection
/// open, for which the caller gets comments of ours.
const MAX_COMMENTS: usize = 16 * 1024;

/// What is expected of a stream.
#[derive(Debug)]
pub struct Expected {
    /// The dialect of the stream.
    pub dialect: Dialect,
    /// The names to write into it.
    pub names: Names,
    /// Whether it keeps the usage chunk of completions.
    pub include_usage: bool,
    /// The number of choices that it was asked for.
    pub choices: usize,
    /// Finds the secrets of the provider in what is no content.
    pub secrets: SecretSearch,
    /// Its translation; `None` if its dialect is the caller's.
    pub translation: Option<StreamTranslation>,
}

/// Frames that arrived before the first real one.
#[derive(Debug)]
struct Held {
    frames: Vec<u8>,
    /// The bytes of comments among the frames.
    comments: usize,
    /// Counts the frames against the memory share.
    counted: HeldBytes,
    /// A choice that ended without content. Another choice may still have some.
    unusable: Option<Unusable>,
}

impl Held {
    fn new(counted: HeldBytes) -> Self {
        Self { frames: Vec::new(), comments: 0, counted, unusable: None }
    }

    /// Takes a comment, unless there are many.
    fn comment(&mut self, event: &[u8]) {
        if self.comments + event.len() <= MAX_COMMENTS {
            self.comments += event.len();
            self.frames.extend_from_slice(event);
        }
    }

    /// Fails if the frames are too many.
    fn check(&mut self) -> Result<(), Fault> {
        if self.frames.len() - self.comments > MAX_HELD {
            return Err(Fault::Garbage(Garbage::TooLarge));
        }
        hold(&mut self.counted, self.frames.len())
    }
}

/// Reads a stream up to its first real frame.
pub(in crate::gateway) async fn first_frame(
    response: UpstreamResponse,
    expected: Expected,
    started: Instant,
    share: &Arc<Share>,
    so_far: &SoFar,
) -> AttemptOutcome {
    let mut reader = FrameReader::new(response, expected, started, share.hold());
    let mut held = Held::new(share.hold());
    // The first character shows the format, because some vendors send no content type or a wrong one.
    let mut formless = true;
    loop {
        let chunk = if (held.unusable.is_some() || reader.lost) && reader.seen.choices.is_over() {
            match timeout(GRACE, reader.chunk()).await {
                Ok(chunk) => chunk,
                Err(_) => Ok(None),
            }
        } else {
            reader.chunk().await
        };
        match chunk {
            Ok(Some(chunk)) => {
                if formless && let Some(first) = without_mark(&chunk).trim_ascii_start().first() {
                    formless = false;
                    if matches!(first, b'{' | b'[') {
                        return one_text(reader, chunk, share).await;
                    }
                }
                if let Err(fault) = reader.push(chunk) {
                    return AttemptOutcome::failed(fault, reader.seen.reported());
                }
            }
            Ok(None) => return ended_early(reader, held),
            Err(error) => return without_frame(reader, held, body_fault(error)),
        }
        match take_held(&mut reader, &mut held) {
            // Anthropic reports the prompt before any content.
            Ok(None) => so_far.report(reader.seen.reported()),
            Ok(Some(First::Real)) => return ready(reader, held),
            Ok(Some(First::None)) => return without_frame(reader, held, Fault::Garbage(Garbage::Empty)),
            Err(fault) => return AttemptOutcome::failed(fault, reader.seen.reported()),
        }
    }
}

/// The result of reading the held frames.
enum First {
    Real,
    /// The stream has ended without one.
    None,
}

/// Takes events up to the first real one or the end, and leaves those after it.
fn take_held(reader: &mut FrameReader, held: &mut Held) -> Result<Option<First>, Fault> {
    while !reader.is_done()
        && let Some(event) = reader.next_event()?
    {
        if is_comment(&event) {
            held.comment(&bare(&event, |_| true));
            continue;
        }
        match reader.take(event, &mut held.frames)? {
            Event::Real => return Ok(Some(First::Real)),
            Event::Done(done) => {
                reader.put_back(done);
                return Ok(Some(First::None));
            }
            Event::Unusable(unusable) => {
                held.unusable.get_or_insert(unusable);
            }
            Event::Preface => {}
        }
        held.check()?;
    }
    let ended = reader.is_done() && (held.unusable.is_some() || reader.lost);
    Ok(ended.then_some(First::None))
}

fn ready(reader: FrameReader, held: Held) -> AttemptOutcome {
    AttemptOutcome::Ready(reply(reader, held))
}

fn reply(reader: FrameReader, held: Held) -> Reply {
    let Held { frames, counted, .. } = held;
    Reply::Stream(Box::new(StreamReply { status: reader.status(), held: frames, counted, reader }))
}

/// The stream has ended without a real frame. `fault` is the reason if no choice has ended.
fn without_frame(reader: FrameReader, mut held: Held, fault: Fault) -> AttemptOutcome {
    if reader.is_lost() {
        // As for a whole answer: nothing but an end is an answer, unless there was content.
        return match nothing_left(reader.seen.choices.content, false) {
            Some(fault) => AttemptOutcome::failed(fault, reader.seen.reported()),
            None => ready(reader, held),
        };
    }
    match held.unusable.take() {
        Some(unusable) => give_up(reader, held, unusable),
        None => AttemptOutcome::failed(fault, reader.seen.reported()),
    }
}

/// No choice has content. An answer that a filter emptied is kept in case no other candidate answers. A blocked prompt is
/// no answer that could be translated.
fn give_up(mut reader: FrameReader, held: Held, unusable: Unusable) -> AttemptOutcome {
    let is_answer =
        reader.expected.translation.is_none() || unusable.fault != Fault::Filtered(Filter::Prompt);
    if !(unusable.withheld && is_answer) {
        return AttemptOutcome::failed(unusable.fault, reader.seen.reported());
    }
    reader.seen.choices.excuse();
    AttemptOutcome::Filtered(reply(reader, held), unusable.fault)
}

/// The body ended before a real frame. The last frame may still be real and lack only its blank line.
fn ended_early(mut reader: FrameReader, mut held: Held) -> AttemptOutcome {
    let rest = reader.rest();
    let (before, formless) = (held.frames.clone(), reader.formless);
    match reader.take_last(rest.clone(), &mut held.frames) {
        Ok(Event::Real) if reader.seen.choices.is_over() => return ready(reader, held),
        Ok(Event::Unusable(unusable)) => held.unusable = held.unusable.or(Some(unusable)),
        Ok(Event::Real | Event::Preface | Event::Done(_)) | Err(_) => {}
    }
    without_frame(reader, held, no_stream_fault(&before, &rest, formless))
}

/// The provider sent one JSON text in place of a stream: turns an answer into a stream, and anything else into a
/// fault.
async fn one_text(mut reader: FrameReader, first: Bytes, share: &Arc<Share>) -> AttemptOutcome {
    let mut held = share.hold();
    let body = match reader.take_response() {
        Some(mut response) => rest_of(&mut response, first, &mut held).await,
        None => Ok(first),
    };
    let body = match body {
        Ok(body) => body.slice(body.len() - without_mark(&body).len()..),
        Err(fault) => return AttemptOutcome::failed(fault, Reported::default()),
    };
    let dialect = reader.dialect();
    let mut judged = judge_off_event_loop(dialect, reader.expected.choices, &body, share).await;
    if let Some(translation) = &reader.expected.translation {
        let whole = translation.whole().clone();
        (_, judged) = whole.whole_off_event_loop(body.clone(), judged, 0, share).await;
    }
    let (seen, unusable) = match judged {
        Judged::Failed(fault, reported) => return AttemptOutcome::failed(fault, reported),
        Judged::Usable(seen) => (Some(seen), None),
        Judged::Withheld(seen, fault) => (seen, Some(fault)),
    };
    reader.has_in_one_piece(seen.map(|seen| seen.usage).unwrap_or_default());
    // A large one is written off the event loop.
    let written = if body.len() <= LARGE {
        Ok(events_of(dialect, &body))
    } else {
        share.read_large(move || events_of(dialect, &body)).await.map_err(|_| Fault::Garbage(Garbage::NoRoom))
    };
    let written = written.and_then(|events| events.ok_or(Fault::Garbage(Garbage::BrokenJson)));
    if let Err(fault) = written.and_then(|events| reader.push(events.into())) {
        return AttemptOutcome::failed(fault, Reported::default());
    }
    let held = Held::new(share.hold());
    match unusable {
        None => ready(reader, held),
        Some(fault) => {
            reader.seen.choices.excuse();
            AttemptOutcome::Filtered(reply(reader, held), fault)
        }
    }
}

/// The events of a whole answer; `None` if it cannot be written as a stream.
fn events_of(dialect: Dialect, body: &[u8]) -> Option<Vec<u8>> {
    match dialect {
        Dialect::ChatCompletions => Some(events(body)),
        Dialect::Messages => events_of_answer::events(body),
        Dialect::Responses => responses::events_of_answer::events(body),
        // A stream of these has pieces of the form of a whole answer.
        Dialect::Gemini => Some(dialects::gemini::events_of_answer(body)),
        Dialect::Converse => dialects::converse::events_of_answer::events(body),
    }
}

/// The fault of a body that ended without a real frame. `rest` is what follows the last complete event, and `formless` says
/// that a text among the events is none.
fn no_stream_fault(events: &[u8], rest: &[u8], formless: bool) -> Fault {
    const FIELDS: [&[u8]; 5] = [b":", b"data", b"event", b"id", b"retry"];
    let whole = [events, rest].concat();
    let text = whole.trim_ascii_start();
    if text.is_empty() {
        return Fault::Garbage(if formless { Garbage::ContentType } else { Garbage::Empty });
    }
    if rest.trim_ascii_start().starts_with(b"<") {
        return Fault::Garbage(Garbage::Html);
    }
    match data(rest) {
        Data::Done => Fault::Garbage(Garbage::Empty),
        Data::Line(line) => match Inspected::new(line) {
            Err(no_answer) => no_answer_fault(no_answer, line),
            Ok(_) => Fault::Garbage(Garbage::Truncated),
        },
        Data::None | Data::Many if !formless && FIELDS.iter().any(|field| text.starts_with(field)) => {
            Fault::Garbage(Garbage::Truncated)
        }
        Data::None | Data::Many => Fault::Garbage(Garbage::ContentType),
    }
}

#[cfg(test)]
mod tests;
