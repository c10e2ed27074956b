//! One upstream call: sends the request and returns a whole answer, or a stream that has reached its first real
//! frame.
//!
//! This module applies the time limits. `usable_answer` decides what counts as an answer, and
//! [`classify`](super::classify) what a fault means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use tokio::time::timeout;

use super::classify::{Fault, TimeoutKind};
use super::endpoint::SecretSearch;
use super::first_frame::{Expected, first_frame};
use super::frame::{Inspected, Names};
use super::outcome::{AttemptOutcome, Reply, WholeAnswer, WholeReply};
use super::response_body::{error_body, send_fault};
use super::translation::AnswerTranslation;
use super::usable_answer::operation::Expectation;
use super::usable_answer::passed::{Begun, passed};
use super::usable_answer::passed_reader::Awaited;
use super::usable_answer::relaying::Relaying;
use super::usable_answer::{Judged, error_of_choice, judge_off_event_loop};
use super::whole_answer::{whole_answer, whole_body};
use crate::dialects::Dialect;
use crate::gateway::usage::pricing::{Reported, parse_inside};
use crate::gateway::usage::so_far::SoFar;
use crate::limits::shares::{HeldBytes, Share};
use crate::providers;
use crate::store::snapshot::ModelEntry;
use crate::upstream::{AdmittedUrl, Pieces, Upstream, UpstreamResponse, on_behalf_of};

/// The parameters of one upstream call.
pub struct Call<'a> {
    /// The catalog model to call.
    pub model: &'a ModelEntry,
    /// The URL, admitted by the address policy.
    pub target: &'a AdmittedUrl,
    /// The dialect that the provider is called in.
    pub dialect: Dialect,
    /// What the answer must have; `None` for a chat.
    pub expectation: Option<Expectation>,
    /// What the caller gets of an answer other than a chat's.
    pub relaying: Relaying,
    /// How the answer is translated; `None` if that is the caller's dialect.
    pub translation: Option<AnswerTranslation>,
    /// The mark for the ids of what the provider stores; `None` if it stores nothing.
    pub mark: Option<String>,
    /// Finds the secrets of the provider in what it sends.
    pub secrets: SecretSearch,
    /// Builds the request headers and the adapted body. Called again only if a pooled connection turns out to be
    /// closed.
    pub message: &'a dyn Fn() -> (HeaderMap, Pieces),
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the caller wants the usage chunk of a stream.
    pub include_usage: bool,
    /// The number of choices that the provider is asked for.
    pub choices: usize,
    /// The longest time until content arrives.
    pub time_budget: Duration,
    /// The current time, for `retry-after` values that are dates.
    pub now: DateTime<Utc>,
    /// The memory share that the answer counts against.
    pub share: &'a Arc<Share>,
    /// Where to note what is known before the outcome.
    pub so_far: &'a SoFar,
}

/// Makes the call within the model's time limit and the request's time budget.
pub async fn attempt(upstream: &Upstream, call: Call<'_>) -> AttemptOutcome {
    let (limit, kind) = if call.stream {
        (call.model.first_frame_timeout(), TimeoutKind::FirstFrame)
    } else {
        (call.model.answer_timeout(), TimeoutKind::Answer)
    };
    let (time_budget, so_far) = (call.time_budget, call.so_far);
    so_far.start();
    match timeout(limit.min(time_budget), exchange(upstream, call)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            // Before the model's own limit has passed, it is not the model's timeout.
            let fault = if time_budget < limit { Fault::TimeBudget(kind) } else { Fault::Timeout(kind) };
            if so_far.has_begun() {
                AttemptOutcome::failed(fault, so_far.reported())
            } else {
                AttemptOutcome::Failed(fault)
            }
        }
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
        let reported = std::str::from_utf8(&body).map(parse_inside).unwrap_or_default();
        return AttemptOutcome::failed(Fault::Upstream(Box::new(error)), reported);
    }
    call.so_far.begin();
    if call.stream {
        return match call.expectation {
            Some(expectation) => passed_stream(response, call, expectation, started).await,
            None => stream(response, call, started).await,
        };
    }
    let mut held = call.share.hold();
    let read = match &call.expectation {
        Some(_) => whole_body(&mut response, &mut held).await,
        None => whole_answer(&mut response, (call.dialect, call.choices), &mut held).await,
    };
    let body = match read {
        Ok(body) => body,
        Err(fault) => return AttemptOutcome::failed(fault, Reported::default()),
    };
    let created = call.now.timestamp();
    let judged = match call.expectation {
        Some(expectation) => call.relaying.sized(expectation.judge_off_event_loop(&body, call.share).await),
        None => judge_off_event_loop(call.dialect, call.choices, &body, call.share).await,
    };
    let judged = without_secrets(judged, &body, &call.secrets);
    let (body, judged) = match call.translation {
        Some(translation) => translation.whole_off_event_loop(body, judged, created, call.share).await,
        None => (body, judged),
    };
    match call.expectation {
        Some(expectation) => {
            outcome(judged, WholeAnswer::Result, (status, body, held), expectation.content_type())
        }
        None => outcome(judged, WholeAnswer::Message, (status, body, held), None),
    }
}

/// Reads the stream of a chat up to its first real frame.
async fn stream(response: UpstreamResponse, call: Call<'_>, started: Instant) -> AttemptOutcome {
    let names = Names::of(call.dialect, call.model).marked(call.mark);
    let translation = call.translation.map(|translation| {
        let names = Names::of(translation.to(), call.model);
        translation.stream(names, call.now.timestamp())
    });
    let expected = Expected {
        dialect: call.dialect,
        names,
        include_usage: call.include_usage,
        choices: call.choices,
        secrets: call.secrets,
        translation,
    };
    Box::pin(first_frame(response, expected, started, call.share, call.so_far)).await
}

/// Reads the stream of another operation up to its first content.
async fn passed_stream(
    response: UpstreamResponse,
    call: Call<'_>,
    expectation: Expectation,
    started: Instant,
) -> AttemptOutcome {
    let status = response.status();
    let awaited = Awaited {
        expectation,
        relaying: call.relaying,
        model: &call.model.name,
        started,
        share: call.share,
        secrets: call.secrets.clone(),
    };
    match Box::pin(passed(response, awaited)).await {
        Begun::Stream(reply) => AttemptOutcome::Ready(Reply::Passed(reply)),
        Begun::Text(body, judged, held) => {
            let judged = call.relaying.sized(without_secrets(*judged, &body, &call.secrets));
            outcome(judged, WholeAnswer::Result, (status, body, held), None)
        }
        Begun::Withheld(reply, fault) => AttemptOutcome::Filtered(Reply::Passed(reply), fault),
        Begun::Failed(fault, reported) => AttemptOutcome::failed(fault, *reported),
    }
}

/// An error in a choice passes beside another choice with content, but not with a secret of the provider in it.
fn without_secrets(judged: Judged, body: &[u8], secrets: &SecretSearch) -> Judged {
    match judged {
        Judged::Usable(seen) if seen.choices.error && secrets.finds(body) => {
            Judged::Failed(error_of_choice(&seen, body), seen.usage)
        }
        judged => judged,
    }
}

/// The outcome of a whole answer that was judged. `kind` says of what; `content_type` is for one that is not JSON.
fn outcome(
    judged: Judged,
    kind: fn(Inspected) -> WholeAnswer,
    (status, body, held): (u16, Bytes, HeldBytes),
    content_type: Option<String>,
) -> AttemptOutcome {
    let whole = |answer| Reply::Whole(Box::new(WholeReply { status, body, answer, content_type, held }));
    match judged {
        Judged::Usable(seen) => AttemptOutcome::Ready(whole(kind(seen))),
        Judged::Withheld(seen, fault) => {
            AttemptOutcome::Filtered(whole(seen.map_or(WholeAnswer::Blocked, kind)), fault)
        }
        Judged::Failed(fault, reported) => AttemptOutcome::failed(fault, reported),
    }
}
