//! What a failure counts against.

/// What a failure counts against. Only a failure of the model can start its cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureScope {
    /// The request: other requests may succeed.
    Request,
    /// Undecided: neither the status nor the response says. It counts against the model once several different requests
    /// in a row have it.
    Open,
    /// The model: every request would fail.
    Model,
    /// The provider: it rejects the credential for every model.
    Provider,
}
