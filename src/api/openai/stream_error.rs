//! The chunk that ends a broken stream.
//!
//! It has everything that clients of streams insist on: the stream's identity, a choice with a `delta`, and a
//! numeric `error.code`.

use bytes::Bytes;
use serde_json::json;

use crate::gateway::adapt::quoted;
use crate::gateway::answer::{BrokenStream, status_of};

/// Writes the chunk as one event.
#[must_use]
pub fn chunk(broken: &BrokenStream<'_>) -> Bytes {
    let identity = broken.identity;
    let error = json!({
        "message": format!("The stream broke: {}", broken.failure.message),
        "type": "stream_interrupted",
        "param": broken.failure.param,
        "code": status_of(broken.failure),
        "request_id": broken.request_id,
    });
    let text = format!(
        "data: {{\"id\":{},\"object\":{},\"created\":{},\"model\":{},\"error\":{error},\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":{}}}]}}\n\n",
        identity.id,
        identity.object,
        identity.created,
        broken.model,
        quoted("error"),
    );
    Bytes::from(text)
}
