//! Inspects a whole answer of Gemini.

use super::{Inspected, NoAnswer};
use crate::gateway::usage::text_size::TextSize;

impl Inspected {
    /// Inspects a whole answer, without the size of its content. There is none: no preset serves the dialect.
    pub(super) fn of_generated(_: &[u8]) -> Result<Self, NoAnswer> {
        Err(NoAnswer::Broken)
    }
}

/// The size of a whole answer's content.
pub(super) fn size(_: &[u8]) -> TextSize {
    TextSize::default()
}
