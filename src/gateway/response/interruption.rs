//! The failure of a stream that had begun.

use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::gateway::call::classify::{Fault, Garbage, Interruption};

/// Any fault after content counts as an interruption. `unread` says that the caller had stopped reading, so that the
/// provider could not send.
pub(super) fn interruption(fault: Fault, unread: bool) -> Fault {
    Fault::Interrupted(match fault {
        Fault::Interrupted(Interruption::Reset | Interruption::Ended)
        | Fault::Connect(_)
        | Fault::Garbage(Garbage::Truncated | Garbage::Framing)
            if unread =>
        {
            Interruption::Unread
        }
        Fault::Interrupted(interruption) => interruption,
        Fault::Connect(_) => Interruption::Reset,
        Fault::Timeout(_) | Fault::TimeBudget(_) => Interruption::Idle,
        Fault::Upstream(error) => Interruption::Upstream(error),
        Fault::Garbage(garbage) => Interruption::Garbage(garbage),
        Fault::Filtered(_) | Fault::Drill(_) => Interruption::Ended,
    })
}

pub(super) fn unrecorded(message: &str) -> Failure {
    Failure {
        code: Some("recording_unavailable".to_owned()),
        ..Failure::ours(ErrorClass::StreamInterrupted, "recording", message)
    }
}
