//! The answer to a request: its status, routing information, and body or stream.
//!
//! It uses no types of the HTTP server.

use crate::domain::routing_info::RoutingInfo;

use bytes::Bytes;

use super::passed::PassedRelay;
use super::stream::StreamRelay;

/// The answer to a request.
pub struct Answer {
    /// The status of the upstream response: 200 or another 2xx.
    pub status: u16,
    /// The routing information for the headers, or for the end of a stream that began before it was known.
    pub routing: RoutingInfo,
    /// The body of the response.
    pub body: AnswerBody,
    /// The content type of a whole body that is not JSON.
    pub content_type: Option<String>,
}

/// A whole body or a stream.
pub enum AnswerBody {
    /// A whole text, JSON unless the content type is another one.
    Whole(Bytes),
    /// Server-sent events. Dropping the stream cancels the upstream call.
    Stream(Box<StreamRelay>),
    /// Events or sound as the provider sends them, likewise.
    Passed(Box<PassedRelay>),
}
