//! The count of a prompt's tokens.

use serde::Deserialize;

/// The path of a count, below that of messages.
pub const PATH_BELOW: &str = "/count_tokens";

#[derive(Deserialize)]
struct Count {
    #[serde(rename = "input_tokens")]
    _input_tokens: u64,
}

/// Whether a body is a count of tokens.
#[must_use]
pub fn is_count(body: &[u8]) -> bool {
    serde_json::from_slice::<Count>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_names_the_tokens_of_the_prompt() {
        assert!(is_count(br#"{"input_tokens":12,"context_management":null}"#));
        for other in ["", "{}", r#"{"input_tokens":"many"}"#, "<html>"] {
            assert!(!is_count(other.as_bytes()), "{other}");
        }
    }
}
