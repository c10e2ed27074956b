//! What a spreadsheet would run, in the files that the API and the pages write.
//!
//! Imports nothing of ours.

/// A spreadsheet runs a cell that begins like a formula; with a quote before it, it is text. What stands in a cell may
/// be a stranger's words: a provider's message, a caller's session.
#[must_use]
pub fn harmless(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if runs { format!("'{text}") } else { text.to_owned() }
}
