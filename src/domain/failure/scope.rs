//! What a failure counts against.

/// What a failure counts against. Only a failure of the model can start its cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureScope {
    /// The request: other requests may succeed.
    Request,
    /// Undecided: the request or the model may have caused it. It is [evidence](super::evidence) against the model, of
    /// which there must be enough before the model is in cooldown.
    Open,
    /// A limit that does not say what is limited, of a request that may have reached it by itself. It keeps only the caller
    /// from the model, and for a short time, until another caller meets one, or a request that asks for little.
    UnclearLimit,
    /// The model: every request would fail.
    Model,
    /// The provider: it rejects the credential for every model.
    Provider,
}
