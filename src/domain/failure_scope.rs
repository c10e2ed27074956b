//! What a failure is held against.

/// What a failure is held against: only a failure of the model closes the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureScope {
    /// This one request caused it: another may well be answered.
    Request,
    /// The status leaves it open, and nothing else in the answer decides. It is the model's once several different
    /// requests in a row met it.
    Open,
    /// The model's: any request would fail.
    Model,
    /// The provider's: it refuses our credential, whatever model is asked for.
    Provider,
}
