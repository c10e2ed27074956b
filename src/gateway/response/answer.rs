//! What comes out of a request: a body or a stream with what the caller is told about it, or a chain's failure.
//!
//! No types of the HTTP server.

use crate::domain::attempt_report::AttemptReport;
use crate::domain::routing_info::RoutingInfo;

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::relay::StreamRelay;
use crate::domain::failure::Failure;

/// An answered request.
pub struct Answer {
    /// The upstream's status: 200, or another 2xx.
    pub status: u16,
    /// What the caller is told in headers, or at the end of a stream that began without them.
    pub routing: RoutingInfo,
    /// The body.
    pub body: AnswerBody,
}

/// A body that is there, or one that is still arriving.
pub enum AnswerBody {
    /// A whole JSON text.
    Whole(Bytes),
    /// Server-sent events. Dropping them cancels the upstream call.
    Stream(Box<StreamRelay>),
}

/// The `failsoft` object of an answer, for callers who ask for it and for those who got no headers.
#[derive(Debug, Serialize)]
pub struct Metadata<'a> {
    /// Catalogue name of the primary.
    pub requested: &'a str,
    /// What the headers say.
    #[serde(flatten)]
    pub routing: &'a RoutingInfo,
    /// Cost in nano-dollars; null where a price is unknown.
    pub cost: Option<i64>,
    /// What was tried.
    pub attempts: &'a [AttemptReport],
}

/// A chunk that ends a stream with an error, in the words of the caller's dialect.
#[derive(Debug)]
pub struct BrokenStream<'a> {
    /// The stream's raw `id`, `object` and `created`.
    pub identity: &'a crate::gateway::call::frame::Identity,
    /// Our name for the model, as a JSON string.
    pub model: &'a str,
    /// What went wrong.
    pub failure: &'a Failure,
    /// The request.
    pub request_id: Uuid,
}
