//! Reads a whole answer. If the provider sends a stream although it was not asked for one, the events are assembled.

mod completion;
mod events;

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::classify::{Fault, Garbage};
use super::response_body::{body_fault, hold};
use crate::dialects::Dialect;
use crate::limits::shares::{HeldBytes, LARGE};
use crate::upstream::sse::{Splitter, begins_events, without_mark};
use crate::upstream::{SendError, UpstreamResponse};
use events::Events;

/// The largest whole answer that is read, in bytes.
pub(in crate::gateway) const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// The most leading blanks before the format of a body is decided.
const MAX_BLANKS: usize = 4 * 1024;

/// How long to wait for usage and `[DONE]` after every choice has ended.
pub(in crate::gateway) const GRACE: Duration = Duration::from_secs(2);

/// How often a body that fell silent is checked for being complete.
const CHECKS: u8 = 4;

/// Reads a body that should be an answer in this dialect, with so many choices.
///
/// # Errors
/// The body broke off, is too large, or is a stream that contains an error or does not end.
pub(in crate::gateway) async fn whole_answer(
    response: &mut UpstreamResponse,
    (dialect, choices): (Dialect, usize),
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
            Some(true) => return events_of(response, Events::of(dialect, choices), first, held).await,
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
/// The body broke off or is too large.
pub(in crate::gateway) async fn whole_body(
    response: &mut UpstreamResponse,
    held: &mut HeldBytes,
) -> Result<Bytes, Fault> {
    rest_of(response, Bytes::new(), held).await
}

/// Reads the rest of a body that begins with `first`. Larger answers are counted twice, because they are held as
/// received and as rewritten.
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
    let mut checks = CHECKS;
    loop {
        let text = first.as_deref().unwrap_or(&gathered);
        match next_or_over(response, text, &mut checks).await {
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
            // Most answers arrive in one chunk, which is used without copying.
            Ok(None) => {
                let body = first.unwrap_or_else(|| gathered.freeze());
                let mark = body.len() - without_mark(&body).len();
                return Ok(body.slice(mark..));
            }
            Err(error) => return Err(body_fault(error)),
        }
    }
}

/// Waits for the next chunk. A body without a length ends with its connection, which some servers leave open: a complete
/// JSON object with silence after it is the end, too. Looked for only in small bodies, and a few times.
async fn next_or_over(
    response: &mut UpstreamResponse,
    text: &[u8],
    checks: &mut u8,
) -> Result<Option<Bytes>, SendError> {
    let may_be_over = *checks > 0 && text.len() <= LARGE && text.trim_ascii_end().ends_with(b"}");
    if !may_be_over {
        return response.chunk().await;
    }
    let mut next = pin!(response.chunk());
    // Most answers end here, without a timer.
    if let Some(chunk) = next.as_mut().now_or_never() {
        return chunk;
    }
    match timeout(GRACE, next.as_mut()).await {
        Ok(chunk) => chunk,
        Err(_) if is_whole(text) => Ok(None),
        Err(_) => {
            *checks -= 1;
            next.await
        }
    }
}

fn is_whole(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(without_mark(text)).is_ok()
}

/// Assembles the events of a stream.
async fn events_of(
    response: &mut UpstreamResponse,
    mut events: Events,
    first: Bytes,
    held: &mut HeldBytes,
) -> Result<Bytes, Fault> {
    let mut splitter = Splitter::default();
    let mut length = first.len();
    hold(held, 2 * length)?;
    splitter.push(first);
    loop {
        while let Some(event) = splitter.next_event().map_err(|_| Fault::Garbage(Garbage::EventTooLong))? {
            if events.take(&event)? {
                return events.into_body();
            }
        }
        match next_chunk(response, events.is_over()).await {
            Ok(Some(chunk)) => {
                length += chunk.len();
                if length > MAX_ANSWER {
                    return Err(Fault::Garbage(Garbage::TooLarge));
                }
                hold(held, 2 * length)?;
                splitter.push(chunk);
            }
            // The answer is complete, so it does not matter how the connection ends.
            Ok(None) | Err(_) if events.is_over() => return events.into_body(),
            Ok(None) => {
                let rest = splitter.rest();
                if events.take(&rest)? || events.is_over() {
                    return events.into_body();
                }
                return Err(Fault::Garbage(Garbage::Truncated));
            }
            Err(fault) => return Err(fault),
        }
    }
}

/// Waits for the next chunk; after the last choice has ended, only for a short time.
async fn next_chunk(response: &mut UpstreamResponse, over: bool) -> Result<Option<Bytes>, Fault> {
    if !over {
        return response.chunk().await.map_err(body_fault);
    }
    match timeout(GRACE, response.chunk()).await {
        Ok(chunk) => chunk.map_err(body_fault),
        Err(_) => Ok(None),
    }
}
