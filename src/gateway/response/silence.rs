//! How long a stream may be silent.

use std::time::Duration;

use crate::gateway::call::first_frame::FrameReader;
use crate::gateway::call::whole_answer::GRACE;

/// How long to wait for `[DONE]` after the last choice and the usage have arrived.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long to wait for the next chunk. After the last choice has ended, only usage and `[DONE]` are awaited.
pub(super) fn read_timeout(reader: &FrameReader, complete: bool, idle: Duration) -> Duration {
    if !complete {
        idle
    } else if reader.seen.usage.present {
        LAST_WORDS.min(idle)
    } else {
        GRACE.min(idle)
    }
}
