//! The dialect of a request, and so of its answer.

pub(super) mod converse;
mod event_stream;
mod fixed;
mod frames;
pub(super) mod gemini;
pub(super) mod messages;
pub(super) mod responses;

pub(super) use fixed::Fixed;
pub(super) use frames::{Frames, framed};

/// The dialect of a request, and so of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Chat completions as OpenAI serves them.
    Completion,
    /// Messages as Anthropic serves them.
    Message,
    /// Responses as OpenAI serves them.
    Response,
    /// Gemini as Google serves it.
    Gemini,
    /// Converse as Amazon Bedrock serves it.
    Converse,
}

/// Anthropic's `error.type` of a status.
pub(super) fn kind_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
