//! What the endpoints of all dialects share: from the request to the job of the gateway, and from its answer to the
//! response.

pub mod body;
pub mod call;
pub mod call_headers;
pub mod error_headers;
mod keepalive;
pub mod limits;
pub mod options;
mod response;
pub mod routing_headers;
mod run;

use bytes::Bytes;
use uuid::Uuid;

use crate::dialects::CallerDialect;
use crate::domain::error::Error;
use crate::gateway::response::broken_stream::BrokenStream;

/// How a dialect answers.
#[derive(Debug, Clone, Copy)]
pub struct Writer {
    /// The dialect that it writes.
    pub dialect: CallerDialect,
    /// Writes the last events of a stream that broke.
    pub broken: fn(&BrokenStream<'_>) -> Bytes,
    /// Writes the last events of a stream that began before there was an answer, and got none.
    pub failed: fn(&Error, &Waiting) -> Bytes,
}

/// A request without a response so far.
#[derive(Debug)]
pub struct Waiting {
    /// The id of the request.
    pub id: Uuid,
    /// When it arrived, in Unix seconds.
    pub created: i64,
    /// The model that was requested.
    pub model: String,
}
