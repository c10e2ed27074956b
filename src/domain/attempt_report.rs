//! One attempt of a request, or one candidate that was passed over.

use serde::Serialize;

use crate::domain::error_class::ErrorClass;

/// One attempt or pass-over, as it is stored and shown.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptReport {
    /// Catalogue name of the model.
    pub model: String,
    /// Catalogue name of its provider.
    pub provider: String,
    /// The provider's status; none if it gave none.
    pub status: Option<u16>,
    /// Why it failed; none for the one that answered.
    pub error_class: Option<ErrorClass>,
    /// The rule that matched.
    pub matched_rule: Option<&'static str>,
    /// Milliseconds from the call to its end, or to the first real frame.
    pub duration_ms: u64,
    /// Whether it was not called at all.
    pub passed_over: bool,
    /// What was changed in the request for its sake.
    pub adapted: Vec<String>,
}
