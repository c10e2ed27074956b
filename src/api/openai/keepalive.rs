//! Keeps a slow stream alive: the headers are sent, comments follow, and failover continues.
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
use uuid::Uuid;

use super::response::{respond, stream};
use super::stream_error;
use crate::api::error_response;
use crate::auth::api::rate_limit::Admission;
use crate::config::Settings;
use crate::domain::error::{Error, Result};
use crate::gateway::Job;
use crate::gateway::response::answer::{Answer, AnswerBody};

const COMMITTED: HeaderName = HeaderName::from_static("x-failsoft-committed");
/// An SSE comment. Clients ignore it, and proxies see that the connection is alive.
const COMMENT: Bytes = Bytes::from_static(b": keepalive\n\n");

/// When a stream starts without a first frame, and the request that it belongs to.
#[derive(Debug)]
pub(super) struct Keepalive {
    /// Time until the headers are sent.
    after: Duration,
    /// Time between two comments.
    every: Duration,
    waiting: Waiting,
}

/// A request without a response so far.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The id of the request.
    pub(super) id: Uuid,
    /// When it arrived, in Unix seconds.
    pub(super) created: i64,
    /// The model that was requested.
    pub(super) model: String,
}

impl Keepalive {
    /// None if the request is not for a stream, or the organization has turned this off.
    pub(super) fn of(job: &Job, settings: &Settings) -> Option<Self> {
        let after =
            job.intent.organization.settings.keepalive_after().filter(|_| job.intent.request.stream)?;
        Some(Self {
            after: after.saturating_sub(job.context.started.elapsed()),
            every: Duration::from_millis(settings.gateway.keepalive_interval_ms),
            waiting: Waiting {
                id: job.context.request_id,
                created: job.context.created_at.timestamp(),
                model: job.context.requested.clone(),
            },
        })
    }

    /// The response of a run, once it has an answer or the time until the headers is up.
    pub(super) async fn respond(
        self,
        run: impl Future<Output = Result<Answer>> + 'static,
        admission: Admission,
    ) -> Result<HttpResponse> {
        let mut run: Run = Box::pin(run);
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
        let Self { every, waiting, .. } = self;
        let kept = Kept { every, waiting, progress: Progress::Running(run) };
        let later = unfold(kept, |mut kept| async move { kept.next().await.map(|bytes| (bytes, kept)) });
        once(std::future::ready(COMMENT)).chain(later)
    }
}

type Run = Pin<Box<dyn Future<Output = Result<Answer>>>>;

/// A stream after its headers have been sent.
struct Kept {
    every: Duration,
    waiting: Waiting,
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
                        () = sleep(self.every) => return Some(COMMENT),
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

    fn failed(&self, error: &Error) -> Bytes {
        error_response::log(error, self.waiting.id);
        stream_error::instead_of_an_answer(error, &self.waiting)
    }
}

/// Writes at the end what would have been in the headers.
fn with_metadata(answer: Answer) -> Pin<Box<dyn Stream<Item = Bytes>>> {
    match answer.body {
        AnswerBody::Stream(relay) => Box::pin(relay.with_metadata(answer.routing).into_stream()),
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
