//! What an error says, and whether that names a value.

use crate::providers::UpstreamError;

/// Characters of a value that proves something. A shorter one may be any word.
const PROOF: usize = 3;

/// What the error says, in lowercase: its message, codes and parameter.
pub(super) fn text_of(error: &UpstreamError) -> String {
    let labels = [&error.code, &error.kind, &error.inner_code, &error.param].into_iter().flatten();
    labels.fold(error.message.to_lowercase(), |text, label| text + " \n " + &label.to_lowercase())
}

pub(super) fn is_proof(value: &str) -> bool {
    value.trim().chars().nth(PROOF - 1).is_some()
}

/// Whether a text in lowercase has a value as a whole word.
pub(super) fn names(text: &str, value: &str) -> bool {
    let value = value.trim().to_lowercase();
    let continues = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    !value.is_empty()
        && text.match_indices(&value).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default().chars().next_back();
            let after = text.get(at + value.len()..).unwrap_or_default().chars().next();
            !continues(before) && !continues(after)
        })
}
