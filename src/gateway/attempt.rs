//! One upstream call: from the request's bytes to a whole answer, or to a stream's first real frame.
//!
//! Time limits, holding back frames, and telling an answer from what only looks like one belong here; what a
//! fault means does not. Imports `providers`, `upstream`, [`frame`](super::frame), [`adapt`](super::adapt).

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::classify::{ConnectFault, Failure, Fault, Filter, Garbage, TimeoutKind, classify};
use super::frame::{Inspected, Names, NoAnswer};
use super::redact::Credential;
use super::stream::{StreamReply, first_frame};
use crate::providers;
use crate::shares::{Held, LARGE, SMALL, Share};
use crate::store::snapshot::{ModelEntry, ProviderEntry};
use crate::upstream::{Admitted, SendError, Upstream, UpstreamResponse, on_behalf_of};

/// The longest whole answer that is read.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// How much of an error's body is looked at.
const MAX_ERROR: usize = 64 * 1024;
/// An error's body that goes on is drained up to here, so that the connection can be used again.
const MAX_DRAIN: usize = 1024 * 1024;
/// And no longer than this: a broken provider must not hold up the next one.
const DRAIN: Duration = Duration::from_millis(500);

/// A call that is ready to be made.
#[derive(Debug)]
pub struct Call<'a> {
    /// Whom.
    pub model: &'a ModelEntry,
    /// Where.
    pub target: &'a Admitted,
    /// With which headers.
    pub headers: HeaderMap,
    /// What.
    pub body: Bytes,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the caller wants the usage chunk.
    pub include_usage: bool,
    /// The longest it may take until content arrives.
    pub allowance: Duration,
    /// Now, for providers that name a date.
    pub now: DateTime<Utc>,
    /// Where the bytes of the answer are counted while they are held.
    pub share: &'a Arc<Share>,
}

/// How a call came out.
#[derive(Debug)]
pub enum Outcome {
    /// An answer, or the beginning of one.
    Ready(Reply),
    /// No answer.
    Failed(Fault),
    /// An answer that the provider's filter emptied: it counts as a failure, but is all there is if nobody else
    /// answers.
    Filtered(Reply, Fault),
}

/// An answer.
#[derive(Debug)]
pub enum Reply {
    /// A whole one.
    Whole(Box<WholeReply>),
    /// A stream from its first real frame on.
    Stream(Box<StreamReply>),
}

/// A whole answer that was looked at.
#[derive(Debug)]
pub struct WholeReply {
    /// The upstream's status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
    /// What was seen in it; none for a blocked prompt, which is no answer and may be all there is.
    pub seen: Option<Inspected>,
    /// Where its bytes are counted.
    pub held: Held,
}

impl Reply {
    /// The upstream's status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Whole(whole) => whole.status,
            Self::Stream(stream) => stream.status,
        }
    }
}

/// Makes the call.
pub async fn attempt(upstream: &Upstream, call: Call<'_>) -> Outcome {
    let (limit, kind) = if call.stream {
        (call.model.first_frame_timeout, TimeoutKind::FirstFrame)
    } else {
        (call.model.answer_timeout, TimeoutKind::Answer)
    };
    match timeout(limit.min(call.allowance), exchange(upstream, call)).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::Failed(Fault::Timeout(kind)),
    }
}

async fn exchange(upstream: &Upstream, call: Call<'_>) -> Outcome {
    let started = Instant::now();
    let posted = on_behalf_of(call.share.clone(), upstream.post(call.target, call.headers, call.body));
    let mut response = match posted.await {
        Ok(response) => response,
        Err(error) => return Outcome::Failed(send_fault(error)),
    };
    let status = response.status();
    if !(200..300).contains(&status) {
        let body = error_body(&mut response).await;
        let error = providers::parse_error(status, response.headers(), &body, call.now);
        return Outcome::Failed(Fault::Upstream(Box::new(error)));
    }
    // Some vendors name no type, or a wrong one, for their streams.
    let one_text = has_type(&response, "application/json") || has_type(&response, "text/html");
    if call.stream && !one_text {
        let names = Names::new(&call.model.name, &call.model.provider.name);
        return first_frame(response, names, call.include_usage, started, call.share.hold()).await;
    }
    let mut held = call.share.hold();
    let body = match whole_body(&mut response, &mut held).await {
        Ok(body) => body,
        Err(fault) => return Outcome::Failed(fault),
    };
    let judged = judge_aside(&body, call.share).await;
    if call.stream {
        // Asked for a stream, the provider sent one text: an error, or something that is no answer.
        return Outcome::Failed(match judged {
            Err(fault) => fault,
            Ok(_) => Fault::Garbage(Garbage::ContentType),
        });
    }
    let whole = |body, seen| Reply::Whole(Box::new(WholeReply { status, body, seen, held }));
    match judged {
        Ok(seen) if seen.choices.filtered && !seen.choices.content => {
            Outcome::Filtered(whole(body, Some(seen)), Fault::Filtered(Filter::FinishReason))
        }
        Ok(seen) => Outcome::Ready(whole(body, Some(seen))),
        Err(Fault::Filtered(filter)) => Outcome::Filtered(whole(body, None), Fault::Filtered(filter)),
        Err(fault) => Outcome::Failed(fault),
    }
}

/// Whether a whole answer is one; a large one is read off the event loop.
async fn judge_aside(body: &Bytes, share: &Share) -> Result<Inspected, Fault> {
    if body.len() <= LARGE {
        return judge(body);
    }
    let text = body.clone();
    let judged = share.read_large(move || judge(&text)).await;
    judged.unwrap_or(Err(Fault::Garbage(Garbage::NoRoom)))
}

/// Whether a whole answer is one.
fn judge(body: &[u8]) -> Result<Inspected, Fault> {
    if body.trim_ascii().is_empty() {
        return Err(Fault::Garbage(Garbage::Empty));
    }
    match Inspected::new(body) {
        Ok(answer) if answer.choices.broken && !answer.choices.content => {
            Err(Fault::Garbage(Garbage::Truncated))
        }
        Ok(answer) if !answer.chosen => Err(Fault::Garbage(Garbage::BrokenJson)),
        Ok(answer) => Ok(answer),
        Err(no_answer) => Err(no_answer_fault(&no_answer, body)),
    }
}

/// What stands in the place of an answer, as a fault.
pub(super) fn no_answer_fault(no_answer: &NoAnswer, body: &[u8]) -> Fault {
    match no_answer {
        NoAnswer::Error(error) => {
            Fault::Upstream(Box::new(providers::error_in_answer(body.get(error.clone()).unwrap_or_default())))
        }
        NoAnswer::Blocked => Fault::Filtered(Filter::Prompt),
        NoAnswer::Broken if body.trim_ascii_start().starts_with(b"<") => Fault::Garbage(Garbage::Html),
        NoAnswer::Broken => Fault::Garbage(Garbage::BrokenJson),
    }
}

/// What a fault means. A provider may send our credential back in its error, in a form that no pattern knows: it is
/// taken out by its value, of every text that a provider can fill.
pub(super) fn explain(fault: Fault, provider: &ProviderEntry) -> Failure {
    let mut failure = classify(&fault);
    if let Some(credential) = &provider.credential {
        let credential = Credential::new(credential.expose_secret());
        let Failure { class: _, rule: _, status: _, retry_after: _, message, param, code } = &mut failure;
        for text in [param, code].into_iter().flatten().chain([message]) {
            *text = credential.hide(text);
        }
    }
    failure
}

/// A send that failed, as a fault.
pub(super) fn send_fault(error: SendError) -> Fault {
    Fault::Connect(match error {
        SendError::Refused => ConnectFault::Refused,
        SendError::Reset | SendError::Ended => ConnectFault::Reset,
        SendError::Dns => ConnectFault::Dns,
        SendError::Tls => ConnectFault::Tls,
        SendError::Blocked => ConnectFault::Blocked,
        SendError::ConnectTimeout => return Fault::Timeout(TimeoutKind::Connect),
        SendError::Other => ConnectFault::Other,
    })
}

/// A body that could not be read on, as a fault.
pub(super) fn body_fault(error: SendError) -> Fault {
    match error {
        SendError::Ended => Fault::Garbage(Garbage::Truncated),
        SendError::Other => Fault::Garbage(Garbage::Framing),
        SendError::Reset
        | SendError::Refused
        | SendError::Dns
        | SendError::Tls
        | SendError::Blocked
        | SendError::ConnectTimeout => send_fault(error),
    }
}

fn has_type(response: &UpstreamResponse, wanted: &str) -> bool {
    let value = response.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
    })
}

/// A whole body. What is over [`SMALL`] is counted, and twice: it is held as it came and as it goes out.
pub(super) async fn whole_body(response: &mut UpstreamResponse, held: &mut Held) -> Result<Bytes, Fault> {
    let mut first: Option<Bytes> = None;
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

/// Counts what is held of an answer, once it is more than a small one.
pub(super) fn hold(held: &mut Held, size: usize) -> Result<(), Fault> {
    if size <= SMALL && held.size() == 0 {
        return Ok(());
    }
    held.resize(size).map_err(|_| Fault::Garbage(Garbage::NoRoom))
}

/// The beginning of an error's body; what cannot be read is as good as empty.
pub(super) async fn error_body(response: &mut UpstreamResponse) -> Bytes {
    let mut gathered = BytesMut::new();
    let mut drained = 0;
    let drain = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            drained += chunk.len();
            let room = MAX_ERROR.saturating_sub(gathered.len()).min(chunk.len());
            gathered.extend_from_slice(chunk.get(..room).unwrap_or_default());
            if drained > MAX_DRAIN {
                break;
            }
        }
    };
    // An error's body that trickles is cut: its status has said enough.
    let _ = timeout(DRAIN, drain).await;
    gathered.freeze()
}
