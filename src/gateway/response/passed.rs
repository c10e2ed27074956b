//! Relays a stream of which the bytes pass, and records the request before its end.
//!
//! It advances only when it is polled; dropping it cancels the upstream call.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use tokio::time::{Instant, timeout};

use super::broken_stream::BrokenStream;
use super::interruption::{interruption, unrecorded};
use super::options::ResponseOptions;
use super::reading::Reading;
use crate::domain::failure::Failure;
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::call::classify::{Fault, Garbage, Interruption};
use crate::gateway::call::frame::Identity;
use crate::gateway::call::usable_answer::passed::PassedReply;
use crate::gateway::call::usable_answer::passed_reader::PassedReader;
use crate::gateway::call::whole_answer::GRACE;
use crate::gateway::record::request_recorder::RequestRecorder;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::meter::{Delivered, Meter};
use crate::gateway::usage::pricing::Usage;

/// Sound broke off, or could not be recorded. There is no other way to say so than to end the connection.
#[derive(Debug)]
pub struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the answer broke off")
    }
}

impl std::error::Error for BrokenOff {}

/// A stream of which the bytes pass.
pub struct PassedRelay {
    /// The content type that the provider sent.
    pub content_type: String,
    /// `None` once the stream has ended.
    reader: Option<PassedReader>,
    feedback: CallFeedback,
    recorder: RequestRecorder,
    meter: Meter,
    idle: Duration,
    end: Instant,
    broken: fn(&BrokenStream<'_>) -> Bytes,
    /// The content of the `failsoft` object, if it is wanted.
    metadata: Option<RoutingInfo>,
    output: Vec<u8>,
    /// Whether any bytes were sent.
    given: bool,
    reading: Reading,
}

impl PassedRelay {
    /// Begins to relay a reply.
    pub(super) fn new(
        reply: PassedReply,
        feedback: CallFeedback,
        recorder: RequestRecorder,
        meter: Meter,
        options: ResponseOptions,
    ) -> Self {
        let PassedReply { status: _, content_type, first, reader } = reply;
        let routing = recorder.routing();
        Self {
            content_type,
            reader: Some(reader),
            feedback,
            recorder,
            meter,
            idle: options.idle,
            end: Instant::now() + options.total,
            broken: options.broken,
            metadata: options.metadata.then_some(routing),
            output: first,
            given: false,
            reading: Reading::default(),
        }
    }

    /// Adds the `failsoft` object even if it was not asked for, because the headers were sent before the routing was
    /// known.
    #[must_use]
    pub fn with_metadata(mut self: Box<Self>, routing: RoutingInfo) -> Box<Self> {
        self.metadata = Some(routing);
        self
    }

    /// The bytes for the caller. An error ends the connection.
    pub fn into_stream(self: Box<Self>) -> impl Stream<Item = Result<Bytes, BrokenOff>> {
        unfold(self, |mut relay| async move { relay.next().await.map(|bytes| (bytes, relay)) })
    }

    async fn next(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        self.reading.resumed(Instant::now());
        loop {
            if !self.output.is_empty() {
                self.reading.paused(Instant::now());
                if !std::mem::replace(&mut self.given, true) {
                    self.recorder.wait_for_begun().await;
                }
                return Some(Ok(std::mem::take(&mut self.output).into()));
            }
            let reader = self.reader.as_mut()?;
            // After the last choice, image or word, only usage and `[DONE]` are awaited.
            let idle = if reader.is_complete() { GRACE.min(self.idle) } else { self.idle };
            let limit = idle.min(self.end.saturating_duration_since(Instant::now()));
            match timeout(limit, reader.read(&mut self.output)).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => match reader.missing() {
                    None => return self.finish().await,
                    Some(fault) => return self.interrupt(fault).await,
                },
                // The caller has the whole answer already.
                Ok(Err(fault)) if reader.is_over() && !is_of_the_provider(&fault) => {
                    reader.settle();
                    return self.finish().await;
                }
                Ok(Err(fault)) => return self.interrupt(fault).await,
                Err(_) if reader.is_over() => {
                    reader.settle();
                    return self.finish().await;
                }
                Err(_) => {
                    let late = Instant::now() >= self.end;
                    let interruption = if late { Interruption::Deadline } else { Interruption::Idle };
                    return self.interrupt(Fault::Interrupted(interruption)).await;
                }
            }
        }
    }

    /// Records the request, then sends the metadata if it is wanted, then the end.
    async fn finish(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        self.feedback.answered();
        let mut reader = self.reader.take()?;
        let usage = self.meter.whole(delivered(&reader));
        let mut last = std::mem::take(&mut self.output);
        if let Err(error) = self.recorder.finish_answered(usage).await {
            return self.broken(&reader, last, &unrecorded(&error.to_string()));
        }
        if let Some(routing) = self.metadata.as_ref().filter(|_| reader.has_events()) {
            let metadata = self.recorder.metadata(routing, &usage);
            let event = format!(
                "event: failsoft\ndata: {{\"type\":\"failsoft\",\"choices\":[],\"failsoft\":{metadata}}}\n\n"
            );
            last.extend_from_slice(event.as_bytes());
        }
        last.extend_from_slice(&reader.take_done().unwrap_or_default());
        reader.finish();
        (!last.is_empty()).then(|| Ok(last.into()))
    }

    /// Ends a stream that broke after its first content. There is no failover, because the answers of two models are never
    /// joined.
    async fn interrupt(&mut self, fault: Fault) -> Option<Result<Bytes, BrokenOff>> {
        let failure = self.feedback.classify_break(&interruption(fault, self.reading.stopped));
        self.feedback.interrupted(&failure);
        let reader = self.reader.take()?;
        let usage = self.usage(&reader);
        let took = reader.started.elapsed();
        // The caller has the content already, so a failed record is only logged.
        if let Err(error) = self.recorder.finish_interrupted(&failure, usage, took).await {
            tracing::error!(request_id = %self.recorder.context().request_id, %error, "an interrupted stream was not recorded");
        }
        let last = std::mem::take(&mut self.output);
        self.broken(&reader, last, &failure)
    }

    /// The end of a broken stream: an event with the error, or the end of the connection.
    fn broken(
        &self,
        reader: &PassedReader,
        mut last: Vec<u8>,
        failure: &Failure,
    ) -> Option<Result<Bytes, BrokenOff>> {
        if !reader.has_events() {
            return Some(Err(BrokenOff));
        }
        let unknown = Identity::unknown();
        let chunk = (self.broken)(&BrokenStream {
            identity: reader.identity().unwrap_or(&unknown),
            model: reader.model(),
            failure,
            request_id: self.recorder.context().request_id,
        });
        last.extend_from_slice(&chunk);
        Some(Ok(last.into()))
    }

    /// What was delivered until now.
    fn usage(&self, reader: &PassedReader) -> Usage {
        let delivered = delivered(reader);
        self.meter.usage(Delivered { early: !reader.is_whole(), ..delivered })
    }
}

/// Whether a provider reports with the fault that its answer is none.
fn is_of_the_provider(fault: &Fault) -> bool {
    matches!(fault, Fault::Upstream(_) | Fault::Garbage(Garbage::Inference))
}

fn delivered(reader: &PassedReader) -> Delivered<'_> {
    let reported = reader.reported();
    Delivered::whole(reported, reader.size(), true, reported.extras)
}

/// A caller who disconnects is billed for the content that was sent.
impl Drop for PassedRelay {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            let usage = self.usage(reader);
            self.recorder.set_usage(usage);
        }
    }
}
