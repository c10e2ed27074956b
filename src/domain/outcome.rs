//! How requests end.

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Whole.
    Answered,
    /// Every candidate failed.
    Failed,
    /// The stream broke after content.
    Interrupted,
    /// The caller went away.
    ClientClosed,
    /// It goes on: a stream has begun.
    Running,
}

impl Outcome {
    /// The word in the record and the metric.
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
