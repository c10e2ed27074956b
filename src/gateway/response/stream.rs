//! Relays a stream: passes its frames on, keeps the connection open, meters usage, and records the request before the last
//! frame.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use tokio::time::{Instant, Sleep, sleep_until};

use super::answer::{Answer, AnswerBody};
use super::broken_stream::BrokenStream;
use super::delivered::{cut_off, delivered};
use super::interruption::{interruption, unrecorded};
use super::metadata::before_the_last;
use super::options::ResponseOptions;
use super::reading::Reading;
use super::silence::read_timeout;
use crate::dialects::Dialect;
use crate::domain::failure::Failure;
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::call::classify::{Fault, Interruption};
use crate::gateway::call::first_frame::{FrameReader, Read};
use crate::gateway::call::frame::Identity;
use crate::gateway::call::outcome::StreamReply;
use crate::gateway::record::request_recorder::RequestRecorder;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::meter::Meter;
use crate::gateway::usage::pricing::Usage;
use crate::limits::shares::HeldBytes;

/// Begins to relay a stream.
pub(super) fn relay_stream(
    reply: StreamReply,
    feedback: CallFeedback,
    recorder: RequestRecorder,
    meter: Meter,
    options: ResponseOptions,
) -> Answer {
    let StreamReply { status, held, counted, reader } = reply;
    let routing = recorder.routing();
    let now = Instant::now();
    let end = now + options.total;
    let first_look = options.keepalive.map_or(options.idle, |keepalive| keepalive.min(options.idle));
    let relay = StreamRelay {
        reader: Some(reader),
        complete: false,
        feedback,
        recorder,
        meter,
        idle: options.idle,
        keepalive: options.keepalive,
        broken: options.broken,
        metadata: options.metadata.then(|| routing.clone()),
        output: held,
        counted: Some(counted).filter(|counted| counted.size() > 0),
        given: false,
        reading: Reading::default(),
        state: State::Reading,
        last_read: now,
        last_sent: now,
        end,
        timer: Box::pin(sleep_until(end.min(now + first_look))),
    };
    Answer { status, routing, body: AnswerBody::Stream(Box::new(relay)), content_type: None }
}

/// The state of a stream.
enum State {
    /// Frames are still arriving.
    Reading,
    /// All frames were sent. The record comes next, then these bytes.
    Ending(Option<Bytes>),
    /// The stream has ended.
    Over,
}

/// A stream that is being relayed. It advances only when it is polled; dropping it cancels the upstream call.
pub struct StreamRelay {
    reader: Option<FrameReader>,
    /// Whether all choices have ended, so that only usage and `[DONE]` are awaited, for a short time.
    complete: bool,
    feedback: CallFeedback,
    recorder: RequestRecorder,
    meter: Meter,
    idle: Duration,
    keepalive: Option<Duration>,
    broken: fn(&BrokenStream<'_>) -> Bytes,
    /// The content of the `failsoft` object, if it is wanted.
    metadata: Option<RoutingInfo>,
    /// Bytes that are ready to be sent.
    output: Vec<u8>,
    /// Counts the first bytes against the memory share until they are sent.
    counted: Option<HeldBytes>,
    /// Whether any bytes were sent.
    given: bool,
    /// How long the caller takes to read.
    reading: Reading,
    state: State,
    last_read: Instant,
    last_sent: Instant,
    end: Instant,
    /// One timer for the whole stream, which is reset only when it fires.
    timer: Pin<Box<Sleep>>,
}

impl StreamRelay {
    /// Adds the `failsoft` object even if it was not asked for, because the headers were sent before the routing was
    /// known.
    #[must_use]
    pub fn with_metadata(mut self: Box<Self>, routing: RoutingInfo) -> Box<Self> {
        self.metadata = Some(routing);
        self
    }

    /// The bytes for the caller.
    pub fn into_stream(self: Box<Self>) -> impl Stream<Item = Bytes> {
        unfold(self, |mut relay| async move { relay.next().await.map(|bytes| (bytes, relay)) })
    }

    /// The next bytes for the caller.
    async fn next(&mut self) -> Option<Bytes> {
        self.reading.resumed(Instant::now());
        loop {
            if !self.output.is_empty() {
                self.last_sent = Instant::now();
                self.reading.paused(self.last_sent);
                if std::mem::replace(&mut self.given, true) {
                    self.recorder.wait_for_begun().await;
                }
                let output = std::mem::take(&mut self.output);
                return Some(match self.counted.take() {
                    Some(counted) => counted.bind(output),
                    None => output.into(),
                });
            }
            match &mut self.state {
                State::Over => return None,
                State::Ending(done) => {
                    let done = done.take();
                    return self.end(done).await;
                }
                State::Reading => {
                    if let Err(fault) = self.advance().await {
                        return Some(self.interrupt(fault).await);
                    }
                }
            }
        }
    }

    /// Writes out what has arrived, or waits for more.
    async fn advance(&mut self) -> Result<(), Fault> {
        let read = self.read().await;
        let Some(reader) = &mut self.reader else {
            self.state = State::Over;
            return Ok(());
        };
        match read.or_else(|fault| reader.settle(fault))? {
            Read::More => {}
            Read::Done(done) => self.state = State::Ending(Some(done)),
            Read::End if reader.seen.choices.is_over() => self.state = State::Ending(reader.closing()?),
            Read::End => return Err(Fault::Interrupted(Interruption::Ended)),
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Read, Fault> {
        let Some(reader) = &mut self.reader else { return Ok(Read::End) };
        // The chunk of the first frame may contain more frames.
        let read = reader.drain(&mut self.output)?;
        if !matches!(read, Read::More) || !self.output.is_empty() {
            return Ok(read);
        }
        if self.complete != reader.seen.choices.is_complete() {
            self.complete = !self.complete;
            let read_timeout = read_timeout(reader, self.complete, self.idle);
            self.timer.as_mut().reset((self.last_read + read_timeout).min(self.end));
        }
        let more = loop {
            tokio::select! {
                biased;
                more = reader.read() => break more?,
                () = &mut self.timer => {
                    let due = (self.last_read + read_timeout(reader, self.complete, self.idle)).min(self.end);
                    let now = Instant::now();
                    if now >= due {
                        let interruption = if now >= self.end { Interruption::Deadline } else { Interruption::Idle };
                        return Err(Fault::Interrupted(interruption));
                    }
                    let silent = self.keepalive.map(|keepalive| (keepalive, self.last_sent + keepalive));
                    if let Some((keepalive, until)) = silent && now >= until {
                        // Only whole events have been written.
                        self.output.extend_from_slice(reader.caller_dialect().keepalive());
                        self.timer.as_mut().reset(due.min(now + keepalive));
                        return Ok(Read::More);
                    }
                    self.timer.as_mut().reset(silent.map_or(due, |(_, until)| due.min(until)));
                }
            }
        };
        self.last_read = Instant::now();
        if more { reader.drain(&mut self.output) } else { reader.drain_rest(&mut self.output) }
    }

    /// Records the request, then sends what ends the stream, with the metadata before its last event if that is wanted.
    async fn end(&mut self, done: Option<Bytes>) -> Option<Bytes> {
        self.state = State::Over;
        self.feedback.answered();
        if let Some(reader) = self.reader.take() {
            let usage = self.meter.whole(delivered(&reader));
            if let Err(error) = self.recorder.finish_answered(usage).await {
                let failure = unrecorded(&error.to_string());
                return Some(self.broken_chunk(&reader, &failure));
            }
            let done = done.unwrap_or_default();
            let last: Bytes = match &self.metadata {
                Some(routing) => {
                    let chunk = self.metadata_chunk(&reader, routing, &usage);
                    [reader.gap(), &before_the_last(&chunk, &done)].concat().into()
                }
                None => done,
            };
            reader.finish();
            return (!last.is_empty()).then_some(last);
        }
        None
    }

    /// Ends a stream that broke after content: an error chunk, without `[DONE]`. There is no failover, because the
    /// answers of two models are never joined.
    async fn interrupt(&mut self, fault: Fault) -> Bytes {
        self.state = State::Over;
        let failure = self.feedback.classify_break(&interruption(fault, self.reading.stopped));
        self.feedback.interrupted(&failure);
        let Some(reader) = self.reader.take() else { return Bytes::new() };
        let usage = self.meter.usage(cut_off(&reader));
        // The caller has the content already, so a failed record is only logged.
        if let Err(error) = self.recorder.finish_interrupted(&failure, usage, reader.started.elapsed()).await
        {
            tracing::error!(request_id = %self.recorder.context().request_id, %error, "an interrupted stream was not recorded");
        }
        let mut last = std::mem::take(&mut self.output);
        last.extend_from_slice(&self.broken_chunk(&reader, &failure));
        last.into()
    }

    fn broken_chunk(&self, reader: &FrameReader, failure: &Failure) -> Bytes {
        let identity = reader.seen.identity.clone().unwrap_or_else(Identity::unknown);
        let chunk = (self.broken)(&BrokenStream {
            identity: &identity,
            model: reader.model(),
            failure,
            request_id: self.recorder.context().request_id,
        });
        [reader.gap(), &chunk].concat().into()
    }

    fn metadata_chunk(&self, reader: &FrameReader, routing: &RoutingInfo, usage: &Usage) -> Vec<u8> {
        let metadata = self.recorder.metadata(routing, usage);
        let identity = match reader.caller_dialect() {
            Dialect::ChatCompletions => reader.seen.identity.clone().unwrap_or_else(Identity::unknown),
            // Clients ignore events that they do not know.
            Dialect::Messages | Dialect::Responses | Dialect::Gemini | Dialect::Converse => {
                let event =
                    format!("event: failsoft\ndata: {{\"type\":\"failsoft\",\"failsoft\":{metadata}}}\n\n");
                return event.into_bytes();
            }
        };
        format!(
            "data: {{\"id\":{},\"object\":{},\"created\":{},\"model\":{},\"choices\":[],\"failsoft\":{}}}\n\n",
            identity.id,
            identity.object,
            identity.created,
            reader.model(),
            metadata
        )
        .into_bytes()
    }
}

/// A caller who disconnects is billed for the content that was sent.
impl Drop for StreamRelay {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            self.recorder.set_usage(self.meter.usage(cut_off(reader)));
        }
    }
}
