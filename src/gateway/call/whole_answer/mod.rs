//! A whole answer off the wire. A provider that was asked for one text and sends a stream of events all the same gets
//! them put together.

mod completion;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::attempt::{body_fault, hold};
use super::classify::{Fault, Garbage};
use super::frame::{Inspected, NoAnswer};
use crate::gateway::call::usable_answer::no_answer_fault;
use crate::limits::shares::HeldBytes;
use crate::providers::error_of_event;
use crate::upstream::UpstreamResponse;
use crate::upstream::sse::{Data, Splitter, begins_events, data, data_lines, is_named_error, without_mark};
use completion::Completion;

/// The longest whole answer that is read.
pub(in crate::gateway) const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// After so many blanks it is no stream of events that begins.
const MAX_BLANKS: usize = 4 * 1024;

/// How long what has come to its end is waited for to say so: its usage, its `[DONE]`.
pub(in crate::gateway) const GRACE: Duration = Duration::from_secs(2);

/// Reads a body that should be a completion.
///
/// # Errors
/// It broke off, is too large, or is a stream that holds an error or does not come to its end.
pub(in crate::gateway) async fn whole_answer(
    response: &mut UpstreamResponse,
    held: &mut HeldBytes,
) -> Result<Bytes, Fault> {
    let mut first = Bytes::new();
    loop {
        match response.chunk().await.map_err(body_fault)? {
            Some(chunk) if first.is_empty() => first = chunk,
            Some(chunk) => first = [first, chunk].concat().into(),
            None => return Ok(first),
        }
        match begins_events(&first) {
            Some(true) => return events_of(response, first, held).await,
            Some(false) => return rest_of(response, first, held).await,
            // Some vendors send a blank every few seconds before a slow answer.
            None if first.len() > MAX_BLANKS => return rest_of(response, first, held).await,
            None => {}
        }
    }
}

/// Reads a body to its end.
///
/// # Errors
/// It broke off, or is too large.
pub(in crate::gateway) async fn whole_body(
    response: &mut UpstreamResponse,
    held: &mut HeldBytes,
) -> Result<Bytes, Fault> {
    rest_of(response, Bytes::new(), held).await
}

/// Reads on to the end of a body that begins so. What is over a small answer is counted, and twice: it is held as it came
/// and as it goes out.
///
/// # Errors
/// As [`whole_body`].
pub(in crate::gateway) async fn rest_of(
    response: &mut UpstreamResponse,
    first: Bytes,
    held: &mut HeldBytes,
) -> Result<Bytes, Fault> {
    hold(held, 2 * first.len())?;
    let mut first = Some(first).filter(|first| !first.is_empty());
    let mut gathered = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let length = gathered.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len();
                if length > MAX_ANSWER {
                    return Err(Fault::Garbage(Garbage::TooLarge));
                }
                hold(held, 2 * length)?;
                match first.take() {
                    None if gathered.is_empty() => first = Some(chunk),
                    earlier => {
                        gathered.extend_from_slice(&earlier.unwrap_or_default());
                        gathered.extend_from_slice(&chunk);
                    }
                }
            }
            // Most answers arrive in one piece, which is used as it is.
            Ok(None) => return Ok(first.unwrap_or_else(|| gathered.freeze())),
            Err(error) => return Err(body_fault(error)),
        }
    }
}

/// Puts the events of a stream together.
async fn events_of(
    response: &mut UpstreamResponse,
    first: Bytes,
    held: &mut HeldBytes,
) -> Result<Bytes, Fault> {
    let mut splitter = Splitter::default();
    let mut events = Events::default();
    let mut length = first.len();
    hold(held, 2 * length)?;
    splitter.push(first);
    loop {
        while let Some(event) = splitter.next_event().map_err(|_| Fault::Garbage(Garbage::EventTooLong))? {
            if events.take(&event)? {
                return Ok(events.into_body());
            }
        }
        match next_chunk(response, events.completion.is_over()).await {
            Ok(Some(chunk)) => {
                length += chunk.len();
                if length > MAX_ANSWER {
                    return Err(Fault::Garbage(Garbage::TooLarge));
                }
                hold(held, 2 * length)?;
                splitter.push(chunk);
            }
            // It has said everything: how the connection ends is of no account.
            Ok(None) | Err(_) if events.completion.is_over() => return Ok(events.into_body()),
            Ok(None) => {
                let rest = splitter.rest();
                if events.take(&rest)? || events.completion.is_over() {
                    return Ok(events.into_body());
                }
                return Err(Fault::Garbage(Garbage::Truncated));
            }
            Err(fault) => return Err(fault),
        }
    }
}

/// The next piece. One that has come to its end gets a moment to say more.
async fn next_chunk(response: &mut UpstreamResponse, over: bool) -> Result<Option<Bytes>, Fault> {
    if !over {
        return response.chunk().await.map_err(body_fault);
    }
    match timeout(GRACE, response.chunk()).await {
        Ok(chunk) => chunk.map_err(body_fault),
        Err(_) => Ok(None),
    }
}

/// What the events so far came to.
#[derive(Default)]
struct Events {
    completion: Completion,
    /// A blocked prompt: there is no completion, and this says why.
    blocked: Option<Bytes>,
}

impl Events {
    /// Takes an event. True: it was the last.
    fn take(&mut self, event: &[u8]) -> Result<bool, Fault> {
        match data(event) {
            Data::Done => return Ok(true),
            Data::Line(line) => self.chunk(event, line)?,
            Data::None => {
                let text = without_mark(event).trim_ascii_start();
                if is_named_error(event) || text.starts_with(b"<") {
                    self.chunk(event, text)?;
                }
            }
            Data::Many => {
                let lines: Vec<&[u8]> = data_lines(event).collect();
                let joined = lines.join(&b'\n');
                if is_named_error(event) || !matches!(Inspected::new(&joined), Err(NoAnswer::Broken)) {
                    self.chunk(event, &joined)?;
                    return Ok(false);
                }
                for line in lines {
                    if line == b"[DONE]" {
                        return Ok(true);
                    }
                    self.chunk(event, line)?;
                }
            }
        }
        Ok(false)
    }

    fn chunk(&mut self, event: &[u8], line: &[u8]) -> Result<(), Fault> {
        let named = || Fault::Upstream(Box::new(error_of_event(line)));
        match Inspected::new(line) {
            Ok(chunk) if !chunk.choices.any && is_named_error(event) => Err(named()),
            Ok(_) => self.completion.add(line).ok_or(Fault::Garbage(Garbage::BrokenJson)),
            Err(NoAnswer::Blocked) => {
                self.blocked.get_or_insert_with(|| Bytes::copy_from_slice(line));
                Ok(())
            }
            Err(NoAnswer::Broken) if is_named_error(event) => Err(named()),
            Err(no_answer) => Err(no_answer_fault(no_answer, line)),
        }
    }

    fn into_body(self) -> Bytes {
        match self.blocked {
            Some(blocked) if self.completion.is_empty() => blocked,
            Some(_) | None => self.completion.into_body().into(),
        }
    }
}
