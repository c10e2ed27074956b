//! The event that ends a stream with an error: `event: error`, after which nothing follows.

use bytes::Bytes;
use serde_json::json;

use super::error;
use crate::api::inference::{Waiting, Writer};
use crate::dialects::CallerDialect;
use crate::dialects::messages::error::{kind, status};
use crate::domain::error::Error;
use crate::gateway::response::broken_stream::BrokenStream;

/// How messages are answered.
pub const WRITER: Writer =
    Writer { dialect: CallerDialect::Messages, broken: event, failed: instead_of_an_answer };

/// Writes the last event of an interrupted stream.
fn event(broken: &BrokenStream<'_>) -> Bytes {
    let failure = broken.failure;
    let error = json!({
        "type": "error",
        "error": {
            "type": kind(status(failure.class, failure.caller_status())),
            "message": format!("The stream broke: {}", failure.message),
        },
        "request_id": broken.request_id,
        "failsoft": {"code": "stream_interrupted"},
    });
    Bytes::from(format!("event: error\ndata: {error}\n\n"))
}

/// Writes the last event of a stream that no model answered.
fn instead_of_an_answer(error: &Error, waiting: &Waiting) -> Bytes {
    let error = serde_json::to_string(&error::body(error, waiting.id)).unwrap_or_default();
    Bytes::from(format!("event: error\ndata: {error}\n\n"))
}
