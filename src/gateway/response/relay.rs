//! Relays a reply to the caller: passes bytes through, meters usage, and records the request before the last byte.

use super::answer::{Answer, AnswerBody};
use super::options::ResponseOptions;
use super::passed::PassedRelay;
use super::stream::relay_stream;
use super::whole::relay_whole;
use crate::domain::error::Result;
use crate::gateway::call::outcome::Reply;
use crate::gateway::record::request_recorder::RequestRecorder;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::asked::Asked;
use crate::gateway::usage::meter::Meter;

/// Turns a reply into an answer. `asked` is what the provider was asked for that has a price of its own.
///
/// # Errors
/// [`Error::RecordingUnavailable`](crate::domain::error::Error::RecordingUnavailable): the row of a whole answer is
/// not durable.
pub async fn relay(
    reply: Reply,
    feedback: CallFeedback,
    asked: Asked,
    recorder: RequestRecorder,
    request: &ChatRequest,
    options: ResponseOptions,
) -> Result<Answer> {
    let mark = request.mark_of(feedback.model());
    // Its provider counts the prompt that it got.
    let request = request.as_sent_to(feedback.model());
    let meter = Meter::new(&feedback, asked, request);
    match reply {
        Reply::Whole(whole) => {
            feedback.answered();
            let meter = match whole.answer.seen() {
                Some(answer) => meter.for_whole(request, &answer.usage),
                None => meter,
            };
            relay_whole(*whole, (feedback.model(), mark), recorder, &meter, options).await
        }
        Reply::Stream(stream) => {
            feedback.began();
            Ok(relay_stream(*stream, feedback, recorder, meter.for_stream(request), options))
        }
        Reply::Passed(passed) => {
            feedback.began();
            let (status, routing) = (passed.status, recorder.routing());
            let relay = PassedRelay::new(*passed, feedback, recorder, meter.for_stream(request), options);
            Ok(Answer { status, routing, body: AnswerBody::Passed(Box::new(relay)), content_type: None })
        }
    }
}
