//! An answer on its way to the caller: bytes through, usage tapped, the record before the last byte.

use std::borrow::Cow;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use tokio::time::{Instant, Sleep, sleep_until};

use super::answer::{Answer, AnswerBody, BrokenStream};
use crate::domain::error::Result;
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::call::attempt::{Reply, WholeReply};
use crate::gateway::call::classify::{Fault, Interruption};
use crate::gateway::call::first_frame::{FrameReader, Read, StreamReply, choices_wanted};
use crate::gateway::call::frame::Names;
use crate::gateway::call::whole_answer::GRACE;
use crate::gateway::record::trail::Trail;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::meter::{Delivered, Meter};
use crate::gateway::usage::pricing::Usage;
use crate::store::snapshot::ModelEntry;

/// A stream that has said all, its usage included, is given so long to say `[DONE]`.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How the caller wants its answer.
#[derive(Debug, Clone, Copy)]
pub struct ResponseOptions {
    /// Whether the `failsoft` object is asked for.
    pub metadata: bool,
    /// The longest silence between two frames.
    pub idle: Duration,
    /// The longest stream.
    pub total: Duration,
    /// Writes the chunk that ends a broken stream, in the caller's dialect.
    pub broken: fn(&BrokenStream<'_>) -> Bytes,
}

/// Turns a reply into an answer.
///
/// # Errors
/// [`Error::RecordingUnavailable`](crate::domain::error::Error::RecordingUnavailable): a whole answer could not be recorded.
pub async fn relay(
    reply: Reply,
    feedback: CallFeedback,
    trail: Trail,
    request: &ChatRequest,
    options: ResponseOptions,
) -> Result<Answer> {
    let meter = Meter::new(&feedback, request);
    match reply {
        Reply::Whole(whole) => {
            feedback.answered();
            let meter = match &whole.seen {
                Some(answer) => meter.measured_for(request, &answer.usage),
                None => meter,
            };
            relay_whole(*whole, feedback.model(), trail, &meter, options).await
        }
        Reply::Stream(stream) => {
            feedback.began();
            let wanted = choices_wanted(request);
            Ok(relay_stream(*stream, wanted, feedback, trail, meter.measured(request), options))
        }
    }
}

async fn relay_whole(
    whole: WholeReply,
    model: &ModelEntry,
    mut trail: Trail,
    meter: &Meter,
    options: ResponseOptions,
) -> Result<Answer> {
    let WholeReply { status, body, seen, mut held } = whole;
    let mut extra = Vec::new();
    let mut out = Vec::with_capacity(body.len() + 96);
    let mut usage = Usage::default();
    match seen {
        Some(answer) => {
            let choices = answer.choices;
            let anything = choices.content || choices.finished;
            usage = meter.whole(Delivered { reported: &answer.usage, size: &choices.size, anything });
            if !answer.fingerprint {
                extra.push(Cow::Borrowed("\"system_fingerprint\":null"));
            }
            if options.metadata {
                let metadata = trail.metadata(&trail.routing(), &usage);
                extra.push(Cow::Owned(format!("\"failsoft\":{metadata}")));
            }
            let names = Names::new(&model.name, &model.provider.name);
            answer.write(&body, &mut out, &names, &extra);
        }
        // A blocked prompt that nobody else answered is passed on as it came.
        None => out.extend_from_slice(&body),
    }
    drop(body);
    let body = match held.size() {
        0 => out.into(),
        _ => {
            held.resize(held.size().min(out.len()))?;
            held.bind(out)
        }
    };
    trail.answered(usage).await?;
    Ok(Answer { status, routing: trail.routing(), body: AnswerBody::Whole(body) })
}

fn relay_stream(
    reply: StreamReply,
    wanted: u32,
    feedback: CallFeedback,
    trail: Trail,
    meter: Meter,
    options: ResponseOptions,
) -> Answer {
    let StreamReply { status, held, reader } = reply;
    let routing = trail.routing();
    let now = Instant::now();
    let end = now + options.total;
    let relay = StreamRelay {
        reader: Some(reader),
        wanted,
        complete: false,
        feedback,
        trail,
        meter,
        idle: options.idle,
        broken: options.broken,
        metadata: options.metadata.then(|| routing.clone()),
        output: held,
        given: false,
        state: State::Reading,
        last_read: now,
        end,
        timer: Box::pin(sleep_until(end.min(now + options.idle))),
    };
    Answer { status, routing, body: AnswerBody::Stream(Box::new(relay)) }
}

/// Where a stream stands.
enum State {
    /// Frames are coming.
    Reading,
    /// The last frames are out; the record comes next, then these bytes.
    Ending(Option<Bytes>),
    /// Nothing more.
    Over,
}

/// A stream on its way. It moves only when it is polled; dropping it cancels the upstream call.
pub struct StreamRelay {
    reader: Option<FrameReader>,
    /// How many choices the caller asked for.
    wanted: u32,
    /// All of them have come to their end: what is still owed is waited for, but not for long.
    complete: bool,
    feedback: CallFeedback,
    trail: Trail,
    meter: Meter,
    idle: Duration,
    broken: fn(&BrokenStream<'_>) -> Bytes,
    /// What the `failsoft` object says, where one is wanted.
    metadata: Option<RoutingInfo>,
    /// Bytes that are ready to go.
    output: Vec<u8>,
    /// Whether any have gone.
    given: bool,
    state: State,
    last_read: Instant,
    end: Instant,
    /// One timer for the whole stream: it is only looked at when it fires, and set anew then.
    timer: Pin<Box<Sleep>>,
}

impl StreamRelay {
    /// Adds the `failsoft` object, asked for or not: for a caller whose headers were gone before there was anything to
    /// say in them.
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
        loop {
            if !self.output.is_empty() {
                if std::mem::replace(&mut self.given, true) {
                    self.trail.on_record().await;
                }
                return Some(std::mem::take(&mut self.output).into());
            }
            match &mut self.state {
                State::Over => return None,
                State::Ending(done) => {
                    let done = done.take();
                    return self.end(done).await;
                }
                State::Reading => {
                    if let Err(fault) = self.advance().await {
                        return Some(self.break_off(fault).await);
                    }
                }
            }
        }
    }

    /// Writes out what has arrived, or waits for more.
    async fn advance(&mut self) -> Result<(), Fault> {
        let read = self.read().await;
        let Some(reader) = &self.reader else {
            self.state = State::Over;
            return Ok(());
        };
        match read.or_else(|fault| reader.settle(fault))? {
            Read::More => {}
            Read::Done(done) => self.state = State::Ending(Some(done)),
            Read::End if reader.seen.is_over() => self.state = State::Ending(None),
            Read::End => return Err(Fault::Interrupted(Interruption::Ended)),
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Read, Fault> {
        let Some(reader) = &mut self.reader else { return Ok(Read::End) };
        // What came in one chunk with the first frame waits in the reader already.
        let read = reader.drain(&mut self.output)?;
        if !matches!(read, Read::More) || !self.output.is_empty() {
            return Ok(read);
        }
        if !self.complete && reader.seen.is_complete(self.wanted) {
            self.complete = true;
            let patience = patience(reader, true, self.idle);
            self.timer.as_mut().reset((self.last_read + patience).min(self.end));
        }
        let more = loop {
            tokio::select! {
                biased;
                more = reader.read() => break more?,
                () = &mut self.timer => {
                    let due = (self.last_read + patience(reader, self.complete, self.idle)).min(self.end);
                    let now = Instant::now();
                    if now >= due {
                        let interruption = if now >= self.end { Interruption::Deadline } else { Interruption::Idle };
                        return Err(Fault::Interrupted(interruption));
                    }
                    self.timer.as_mut().reset(due);
                }
            }
        };
        self.last_read = Instant::now();
        if more { reader.drain(&mut self.output) } else { reader.drain_rest(&mut self.output) }
    }

    /// The record, then the metadata if it is asked for, then `[DONE]`.
    async fn end(&mut self, done: Option<Bytes>) -> Option<Bytes> {
        self.state = State::Over;
        self.feedback.answered();
        if let Some(reader) = self.reader.take() {
            let usage = self.meter.whole(delivered(&reader));
            if let Err(error) = self.trail.answered(usage).await {
                let failure = unrecorded(&error.to_string());
                return Some(self.broken_chunk(&reader, &failure));
            }
            let mut last = Vec::new();
            if let Some(routing) = &self.metadata {
                last.extend_from_slice(reader.gap());
                last.extend_from_slice(&self.metadata_chunk(&reader, routing, &usage));
            }
            last.extend_from_slice(&done.unwrap_or_default());
            reader.finish();
            return (!last.is_empty()).then(|| last.into());
        }
        None
    }

    /// After content two models are never spliced: an error, and the end without `[DONE]`.
    async fn break_off(&mut self, fault: Fault) -> Bytes {
        self.state = State::Over;
        let failure = self.feedback.classify(interruption(fault));
        self.feedback.failed(&failure, || 0);
        let Some(reader) = self.reader.take() else { return Bytes::new() };
        let usage = self.meter.usage(delivered(&reader));
        // The caller has its content: if the record fails too, the log is all that is left to tell.
        if let Err(error) = self.trail.interrupted(&failure, usage, reader.started.elapsed()).await {
            tracing::error!(request_id = %self.trail.context().request_id, %error, "an interrupted stream was not recorded");
        }
        let mut last = std::mem::take(&mut self.output);
        last.extend_from_slice(&self.broken_chunk(&reader, &failure));
        last.into()
    }

    fn broken_chunk(&self, reader: &FrameReader, failure: &Failure) -> Bytes {
        let identity =
            reader.seen.identity.clone().unwrap_or_else(crate::gateway::call::frame::Identity::unknown);
        let chunk = (self.broken)(&BrokenStream {
            identity: &identity,
            model: reader.model(),
            failure,
            request_id: self.trail.context().request_id,
        });
        [reader.gap(), &chunk].concat().into()
    }

    fn metadata_chunk(&self, reader: &FrameReader, routing: &RoutingInfo, usage: &Usage) -> Vec<u8> {
        let identity =
            reader.seen.identity.clone().unwrap_or_else(crate::gateway::call::frame::Identity::unknown);
        format!(
            "data: {{\"id\":{},\"object\":{},\"created\":{},\"model\":{},\"choices\":[],\"failsoft\":{}}}\n\n",
            identity.id,
            identity.object,
            identity.created,
            reader.model(),
            self.trail.metadata(routing, usage)
        )
        .into_bytes()
    }
}

/// A caller who goes away in between is billed for what went out.
impl Drop for StreamRelay {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            self.trail.delivered(self.meter.usage(delivered(reader)));
        }
    }
}

/// How long the next words are waited for.
fn patience(reader: &FrameReader, complete: bool, idle: Duration) -> Duration {
    if !complete {
        idle
    } else if reader.seen.usage.present {
        LAST_WORDS.min(idle)
    } else {
        GRACE.min(idle)
    }
}

fn delivered(reader: &FrameReader) -> Delivered<'_> {
    let seen = &reader.seen;
    Delivered { reported: &seen.usage, size: &seen.size, anything: seen.content || seen.finished }
}

/// Whatever broke a stream after content is an interruption.
fn interruption(fault: Fault) -> Fault {
    Fault::Interrupted(match fault {
        Fault::Interrupted(interruption) => interruption,
        Fault::Connect(_) => Interruption::Reset,
        Fault::Timeout(_) | Fault::TimeBudget(_) => Interruption::Idle,
        Fault::Upstream(error) => Interruption::Upstream(error),
        Fault::Garbage(garbage) => Interruption::Garbage(garbage),
        Fault::Filtered(_) | Fault::Drill(_) => Interruption::Ended,
    })
}

fn unrecorded(message: &str) -> Failure {
    Failure {
        code: Some("recording_unavailable".to_owned()),
        ..Failure::ours(ErrorClass::StreamInterrupted, "recording", message)
    }
}
