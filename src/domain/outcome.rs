//! How requests end.

use serde::Serialize;

use crate::domain::closed_set::closed_set;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The caller got the whole answer.
    Answered,
    /// Every candidate failed or was skipped.
    Failed,
    /// The stream broke off after content was sent.
    Interrupted,
    /// The caller closed the connection.
    ClientClosed,
    /// The stream has begun and has not ended.
    Running,
}

impl Outcome {
    /// Every outcome, in display order.
    pub const ALL: [Self; 5] =
        [Self::Answered, Self::Failed, Self::Interrupted, Self::ClientClosed, Self::Running];

    /// The word in the database, JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::ClientClosed => "client_closed",
            Self::Running => "running",
        }
    }
}

closed_set!(Outcome);
