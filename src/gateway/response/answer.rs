//! The answer to a request: its status, routing information, and body or stream.
//!
//! It uses no types of the HTTP server.

use crate::domain::routing_info::RoutingInfo;

use bytes::Bytes;
use uuid::Uuid;

use super::passed::PassedRelay;
use super::relay::StreamRelay;
use crate::domain::failure::Failure;

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

/// What a dialect needs to write the chunk that ends a broken stream.
#[derive(Debug)]
pub struct BrokenStream<'a> {
    /// The stream's raw `id`, `object` and `created`.
    pub identity: &'a crate::gateway::call::frame::Identity,
    /// The catalog name of the model, as a JSON string.
    pub model: &'a str,
    /// Why the stream broke.
    pub failure: &'a Failure,
    /// The id of the request.
    pub request_id: Uuid,
}
