//! One upstream call: from the request's bytes to a whole answer, or to a stream's first real frame.
//!
//! Time limits belong here; telling an answer from what only looks like one is `judge`'s, and what a fault means is
//! [`classify`](super::classify)'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::classify::{ConnectFault, Fault, Garbage, TimeoutKind, classify};
use super::frame::{Inspected, Names};
use super::redact::Credential;
use crate::domain::failure::Failure;
use crate::gateway::call::first_frame::{StreamReply, first_frame};
use crate::gateway::call::usable_answer::{Judged, judge_aside};
use crate::gateway::call::whole_answer::whole_answer;
use crate::limits::shares::{HeldBytes, SMALL, Share};
use crate::providers::{self, MessageRules, Sentences};
use crate::store::snapshot::{ModelEntry, ProviderEntry};
use crate::upstream::{AdmittedUrl, SendError, Upstream, UpstreamResponse, on_behalf_of};

/// How much of an error's body is looked at.
const MAX_ERROR: usize = 64 * 1024;
/// An error's body that goes on is drained up to here, so that the connection can be used again.
const MAX_DRAIN: usize = 1024 * 1024;
/// And no longer than this: a broken provider must not hold up the next one.
const DRAIN: Duration = Duration::from_millis(500);

/// A call that is ready to be made.
pub struct Call<'a> {
    /// Whom.
    pub model: &'a ModelEntry,
    /// Where.
    pub target: &'a AdmittedUrl,
    /// With which headers and what: made once more only if an idle connection turns out to be closed.
    pub message: &'a dyn Fn() -> (HeaderMap, Bytes),
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the caller wants the usage chunk.
    pub include_usage: bool,
    /// The longest it may take until content arrives.
    pub time_budget: Duration,
    /// Now, for providers that name a date.
    pub now: DateTime<Utc>,
    /// Where the bytes of the answer are counted while they are held.
    pub share: &'a Arc<Share>,
}

/// How a call came out.
#[derive(Debug)]
pub enum AttemptOutcome {
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
    pub held: HeldBytes,
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
pub async fn attempt(upstream: &Upstream, call: Call<'_>) -> AttemptOutcome {
    let (limit, kind) = if call.stream {
        (call.model.first_frame_timeout, TimeoutKind::FirstFrame)
    } else {
        (call.model.answer_timeout, TimeoutKind::Answer)
    };
    let time_budget = call.time_budget;
    match timeout(limit.min(time_budget), exchange(upstream, call)).await {
        Ok(outcome) => outcome,
        // What the model would have done with its own time is not known.
        Err(_) if time_budget < limit => AttemptOutcome::Failed(Fault::TimeBudget(kind)),
        Err(_) => AttemptOutcome::Failed(Fault::Timeout(kind)),
    }
}

async fn exchange(upstream: &Upstream, call: Call<'_>) -> AttemptOutcome {
    let started = Instant::now();
    let posted = on_behalf_of(call.share.clone(), upstream.post(call.target, call.message));
    let mut response = match posted.await {
        Ok(response) => response,
        Err(error) => return AttemptOutcome::Failed(send_fault(error)),
    };
    let status = response.status();
    if !(200..300).contains(&status) {
        let body = error_body(&mut response).await;
        let error = providers::parse_error(status, response.headers(), &body, call.now);
        return AttemptOutcome::Failed(Fault::Upstream(Box::new(error)));
    }
    if call.stream {
        let names = Names::new(&call.model.name, &call.model.provider.name);
        return first_frame(response, names, call.include_usage, started, call.share).await;
    }
    let mut held = call.share.hold();
    let body = match whole_answer(&mut response, &mut held).await {
        Ok(body) => body,
        Err(fault) => return AttemptOutcome::Failed(fault),
    };
    let whole = |body, seen| Reply::Whole(Box::new(WholeReply { status, body, seen, held }));
    match judge_aside(&body, call.share).await {
        Judged::Usable(seen) => AttemptOutcome::Ready(whole(body, Some(seen))),
        Judged::Withheld(seen, fault) => AttemptOutcome::Filtered(whole(body, seen), fault),
        Judged::Failed(fault) => AttemptOutcome::Failed(fault),
    }
}

/// What a fault means, by the organization's mappings before the installation's sentences. A provider may send our
/// credential back in its error, in a form that no pattern knows: it is taken out by its value, of every text that a
/// provider can fill.
pub(in crate::gateway) fn classify_and_redact(
    fault: Fault,
    provider: &ProviderEntry,
    sentences: &Sentences,
    now: DateTime<Utc>,
) -> Failure {
    let mut failure = classify(&fault, MessageRules::new(&provider.mappings, sentences), now);
    if let Some(credential) = &provider.credential {
        let credential = Credential::new(credential.expose_secret());
        let Failure { class: _, scope: _, rule: _, status: _, retry_after: _, message, param, code } =
            &mut failure;
        for text in [param, code].into_iter().flatten().chain([message]) {
            *text = credential.hide(text);
        }
    }
    failure
}

/// A send that failed, as a fault.
pub(in crate::gateway) fn send_fault(error: SendError) -> Fault {
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
pub(in crate::gateway) fn body_fault(error: SendError) -> Fault {
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

/// Counts what is held of an answer, once it is more than a small one.
pub(in crate::gateway) fn hold(held: &mut HeldBytes, size: usize) -> Result<(), Fault> {
    if size <= SMALL && held.size() == 0 {
        return Ok(());
    }
    held.resize(size).map_err(|_| Fault::Garbage(Garbage::NoRoom))
}

/// The beginning of an error's body; what cannot be read is as good as empty.
pub(in crate::gateway) async fn error_body(response: &mut UpstreamResponse) -> Bytes {
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
