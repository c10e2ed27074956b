//! Keeps a slow stream alive: the headers are sent, events that clients ignore follow, and failover continues.
//!
//! One run of the gateway serves both phases: the handler polls it before the headers, the response body after
//! them. Dropping either drops the run, which cancels the upstream call.

use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _, once, unfold};
use tokio::time::sleep;

use super::response::{respond, stream};
use super::run::Run;
use super::{Waiting, Writer};
use crate::api::error_response;
use crate::auth::api::rate_limit::Admission;
use crate::config::Settings;
use crate::domain::error::{Error, Result};
use crate::domain::operation::Operation;
use crate::gateway::Job;
use crate::gateway::response::answer::{Answer, AnswerBody};

const COMMITTED: HeaderName = HeaderName::from_static("x-failsoft-committed");

/// When a stream starts without a first frame, and the request that it belongs to.
#[derive(Debug)]
pub(super) struct Keepalive {
    /// Time until the headers are sent.
    after: Duration,
    /// Time between two events that keep it alive.
    every: Duration,
    waiting: Waiting,
    writer: Writer,
}

impl Keepalive {
    /// None if the request is not for a stream, or the organization has turned this off.
    pub(super) fn of(job: &Job, settings: &Settings, writer: Writer) -> Option<Self> {
        let request = &job.intent.request;
        // Nothing can be sent before sound.
        let has_events = request.stream && request.operation != Operation::Speech;
        let after = job.intent.organization.settings.keepalive_after().filter(|_| has_events)?;
        Some(Self {
            after: after.saturating_sub(job.context.started.elapsed()),
            every: Duration::from_millis(settings.gateway.keepalive_interval_ms),
            waiting: Waiting {
                id: job.context.request_id,
                created: job.context.created_at.timestamp(),
                model: job.context.requested.clone(),
            },
            writer,
        })
    }

    /// The response of a run, once it has an answer or the time until the headers is up.
    pub(super) async fn respond(self, mut run: Run, admission: Admission) -> Result<HttpResponse> {
        tokio::select! {
            biased;
            answer = &mut run => return Ok(respond(answer?, admission)),
            () = sleep(self.after) => {}
        }
        let mut response = HttpResponse::Ok();
        response.insert_header((COMMITTED, HeaderValue::from_static("keepalive")));
        Ok(stream(response, self.events(run), admission))
    }

    fn events(self, run: Run) -> impl Stream<Item = Bytes> {
        let Self { every, waiting, writer, .. } = self;
        let kept = Kept { every, waiting, writer, progress: Progress::Running(run) };
        let first = kept.keepalive();
        let later = unfold(kept, |mut kept| async move { kept.next().await.map(|bytes| (bytes, kept)) });
        once(std::future::ready(first)).chain(later)
    }
}

/// A stream after its headers have been sent.
struct Kept {
    every: Duration,
    waiting: Waiting,
    writer: Writer,
    progress: Progress,
}

enum Progress {
    Running(Run),
    Answering(Pin<Box<dyn Stream<Item = Bytes>>>),
    Over,
}

impl Kept {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match &mut self.progress {
                Progress::Running(run) => {
                    let answer = tokio::select! {
                        biased;
                        answer = run => answer,
                        () = sleep(self.every) => return Some(self.keepalive()),
                    };
                    match answer {
                        Ok(answer) => self.progress = Progress::Answering(with_metadata(answer)),
                        Err(error) => {
                            self.progress = Progress::Over;
                            return Some(self.failed(&error));
                        }
                    }
                }
                Progress::Answering(events) => return events.next().await,
                Progress::Over => return None,
            }
        }
    }

    /// An event that clients ignore. Proxies see that the connection is alive.
    fn keepalive(&self) -> Bytes {
        Bytes::from_static(self.writer.dialect.dialect().keepalive())
    }

    fn failed(&self, error: &Error) -> Bytes {
        error_response::log(error, self.waiting.id);
        (self.writer.failed)(error, &self.waiting)
    }
}

/// Writes at the end what would have been in the headers.
fn with_metadata(answer: Answer) -> Pin<Box<dyn Stream<Item = Bytes>>> {
    match answer.body {
        AnswerBody::Stream(relay) => Box::pin(relay.with_metadata(answer.routing).into_stream()),
        AnswerBody::Passed(relay) => {
            // Events end with an error of their own, so the stream has none.
            let events = relay.with_metadata(answer.routing).into_stream();
            Box::pin(events.filter_map(|bytes| std::future::ready(bytes.ok())))
        }
        // The gateway answers a stream request only with a stream. A whole body would be sent as one event.
        AnswerBody::Whole(body) => Box::pin(once(std::future::ready(one_event(&body)))),
    }
}

fn one_event(body: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(body.len() + 32);
    for line in body.split(|byte| *byte == b'\n') {
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(line);
        event.push(b'\n');
    }
    event.extend_from_slice(b"\ndata: [DONE]\n\n");
    event.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_many_lines_is_one_event() {
        assert_eq!(one_event(b"{\n}"), "data: {\ndata: }\n\ndata: [DONE]\n\n");
    }
}
