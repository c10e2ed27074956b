//! How the caller wants the answer.

use std::time::Duration;

use bytes::Bytes;

use super::broken_stream::BrokenStream;
use crate::dialects::Dialect;

/// How the caller wants the answer.
#[derive(Debug, Clone, Copy)]
pub struct ResponseOptions {
    /// The dialect of the answer.
    pub dialect: Dialect,
    /// Whether to add the `failsoft` object.
    pub metadata: bool,
    /// The longest time between two frames.
    pub idle: Duration,
    /// The longest time for the whole stream.
    pub total: Duration,
    /// After this time without an event, the caller of a stream gets one that it ignores; `None` if it never does.
    pub keepalive: Option<Duration>,
    /// Writes the chunk that ends a broken stream in the caller's dialect.
    pub broken: fn(&BrokenStream<'_>) -> Bytes,
}
