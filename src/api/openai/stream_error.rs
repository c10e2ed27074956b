//! The two frames that end a stream with an error: a stream that was interrupted, or one that started before there
//! was an answer.
//!
//! The first is a chunk with everything that streaming clients require: the stream's identity, a choice with a
//! `delta`, and a numeric `error.code`. Some clients ignore errors in a chunk with choices, so the second contains
//! only the error.

use bytes::Bytes;
use serde_json::{Value, json};

use super::error;
use crate::api::inference::{Waiting, Writer};
use crate::dialects::CallerDialect;
use crate::domain::error::Error;
use crate::gateway::call::frame::Identity;
use crate::gateway::request::json_object::quoted;
use crate::gateway::response::broken_stream::BrokenStream;

/// How chat completions are answered.
pub const WRITER: Writer =
    Writer { dialect: CallerDialect::ChatCompletions, broken: frames, failed: instead_of_an_answer };

/// Writes the last frames of an interrupted stream.
#[must_use]
pub fn frames(broken: &BrokenStream<'_>) -> Bytes {
    events(broken.identity, broken.model, &interrupted(broken))
}

/// The error of an interrupted stream.
#[must_use]
pub fn interrupted(broken: &BrokenStream<'_>) -> Value {
    json!({
        "message": format!("The stream broke: {}", broken.failure.message),
        "type": "stream_interrupted",
        "param": broken.failure.param,
        "code": broken.failure.caller_status(),
        "request_id": broken.request_id,
    })
}

/// Writes the last frames of a stream that no model answered.
fn instead_of_an_answer(error: &Error, waiting: &Waiting) -> Bytes {
    let identity = Identity {
        id: quoted(&format!("chatcmpl-{}", waiting.id)),
        created: waiting.created.to_string(),
        ..Identity::unknown()
    };
    events(&identity, &quoted(&waiting.model), &error::in_stream(error, waiting.id))
}

fn events(identity: &Identity, model: &str, error: &Value) -> Bytes {
    let text = format!(
        "data: {{\"id\":{},\"object\":{},\"created\":{},\"model\":{model},\"error\":{error},\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"error\"}}]}}\n\ndata: {{\"error\":{error}}}\n\n",
        identity.id, identity.object, identity.created,
    );
    Bytes::from(text)
}
