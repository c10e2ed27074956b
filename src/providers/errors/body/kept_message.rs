//! How much of an error's message is kept.

/// The longest message that is kept, in bytes.
const LONGEST_MESSAGE: usize = 16 * 1024;

/// Whether a message that was kept may be the start of a longer one.
pub(in crate::providers::errors) fn is_cut(message: &str) -> bool {
    message.len() + 4 > LONGEST_MESSAGE
}

/// At most [`LONGEST_MESSAGE`] bytes, cut between characters.
pub(super) fn bounded(text: &str) -> String {
    let text = text.trim();
    let end = text.floor_char_boundary(LONGEST_MESSAGE);
    text.get(..end).unwrap_or_default().to_owned()
}
