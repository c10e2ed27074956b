//! One attempt of a request, or one candidate that was skipped.

use serde::Serialize;

use crate::domain::failure::class::ErrorClass;

/// One attempt or skipped candidate, as it is stored and shown.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptReport {
    /// Catalog name of the model.
    pub model: String,
    /// Catalog name of its provider.
    pub provider: String,
    /// The HTTP status of the provider; `None` if there was no response.
    pub status: Option<u16>,
    /// Why it failed; `None` for the attempt that answered.
    pub error_class: Option<ErrorClass>,
    /// The classification rule that matched. Of a skipped candidate what it cannot do, or what opened its cooldown; otherwise
    /// `None`, as for an answer.
    pub matched_rule: Option<&'static str>,
    /// Milliseconds from the start of the call to its end or, for a stream, to the first content frame.
    pub duration_ms: u64,
    /// Whether the candidate was skipped without a call.
    pub passed_over: bool,
    /// The changes that adapted the request to the model, such as `clamped:max_tokens`.
    pub adapted: Vec<String>,
    /// The dialect that the request was translated into for the provider, such as `messages`; `None` if the provider got the
    /// caller's own, or was not called.
    pub translated_to: Option<&'static str>,
}

/// How the request that a provider gets differs from the caller's.
#[derive(Debug, Clone, Default)]
pub struct Adaptation {
    /// The changes, such as `clamped:max_tokens`.
    pub changes: Vec<String>,
    /// The dialect that it was translated into; `None` if it is still the caller's.
    pub translated_to: Option<&'static str>,
}
