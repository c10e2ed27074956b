//! The chunk that ends a stream with an error: one that broke, or one that began before anybody had answered.
//!
//! It has everything that clients of streams insist on: the stream's identity, a choice with a `delta`, and a
//! numeric `error.code`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::error;
use super::keepalive::Waiting;
use crate::error::Error;
use crate::gateway::adapt::quoted;
use crate::gateway::answer::{BrokenStream, status_of};
use crate::gateway::frame::Identity;

/// Writes the chunk of a broken stream as one event.
#[must_use]
pub fn chunk(broken: &BrokenStream<'_>) -> Bytes {
    let error = json!({
        "message": format!("The stream broke: {}", broken.failure.message),
        "type": "stream_interrupted",
        "param": broken.failure.param,
        "code": status_of(broken.failure),
        "request_id": broken.request_id,
    });
    event(broken.identity, broken.model, &error)
}

/// Writes the chunk of a stream that nobody answered as one event.
pub(super) fn instead_of_an_answer(error: &Error, waiting: &Waiting) -> Bytes {
    let identity = Identity {
        id: quoted(&format!("chatcmpl-{}", waiting.id)),
        created: waiting.created.to_string(),
        ..Identity::unknown()
    };
    event(&identity, &quoted(&waiting.model), &error::in_stream(error, waiting.id))
}

fn event(identity: &Identity, model: &str, error: &Value) -> Bytes {
    let text = format!(
        "data: {{\"id\":{},\"object\":{},\"created\":{},\"model\":{model},\"error\":{error},\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"error\"}}]}}\n\n",
        identity.id, identity.object, identity.created,
    );
    Bytes::from(text)
}
