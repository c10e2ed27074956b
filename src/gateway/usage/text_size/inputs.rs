//! Measures the inputs of requests other than chats.

use super::{TOKEN, TextSize};
use crate::gateway::request::json_object::lossy;

/// The bytes of a recording per token, which no usual format is below.
const RECORDED: u64 = 128;

impl TextSize {
    /// A recording, of which only the bytes are known. A token of sound has more of them in all usual formats.
    pub(super) fn of_recording(bytes: u64) -> Self {
        Self { bytes, weight: (bytes * TOKEN).div_ceil(RECORDED), ..Self::default() }.unknown()
    }

    /// The input of embeddings: texts, or tokens, of which each is a number.
    pub(super) fn of_texts(value: &[u8]) -> Self {
        let first = value.iter().find(|byte| !byte.is_ascii_whitespace() && **byte != b'[');
        if !first.is_some_and(u8::is_ascii_digit) {
            return Self::as_it_stands(&lossy(value));
        }
        let tokens = value.iter().filter(|byte| **byte == b',').count() as u64 + 1;
        Self { bytes: value.len() as u64, floor: tokens * TOKEN, ..Self::weighing(tokens * TOKEN) }
    }
}
