//! What a dialect needs to write the end of a stream that broke.

use uuid::Uuid;

use crate::domain::failure::Failure;
use crate::gateway::call::frame::Identity;

/// What a dialect needs to write the chunk that ends a broken stream.
#[derive(Debug)]
pub struct BrokenStream<'a> {
    /// The stream's raw `id`, `object` and `created`.
    pub identity: &'a Identity,
    /// The catalog name of the model, as a JSON string.
    pub model: &'a str,
    /// Why the stream broke.
    pub failure: &'a Failure,
    /// The id of the request.
    pub request_id: Uuid,
}
