//! What a plan is for, and what its caller reads if no model can serve it.

use crate::dialects::Dialect;
use crate::dialects::need::Need;

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The answer to the request.
    Answer,
    /// The count of the tokens of its prompt.
    Count,
}

impl Purpose {
    /// The message for a model that reaches no provider that can serve a request of this dialect.
    pub(super) fn without(self, model: &str, need: Need, dialect: Dialect) -> String {
        match self {
            Self::Answer if need == Need::PreviousResponse => format!(
                "Previous response not found: no model that may answer '{model}' is at a provider that stores it. Send the whole conversation as 'input' instead."
            ),
            Self::Answer if need == Need::Thread => {
                format!("The thread cannot be continued by a model that may answer '{model}': {need}.")
            }
            Self::Answer => format!(
                "No model that may answer '{model}' can serve this request: {need}. {}",
                need.advice(dialect)
            ),
            Self::Count => format!(
                "The tokens of a prompt for '{model}' cannot be counted: {need}, and neither does that of a fallback."
            ),
        }
    }
}
