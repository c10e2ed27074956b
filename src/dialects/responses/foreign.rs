//! Reasoning in the history that a provider of the dialect cannot use: what the gateway wrote in place of another vendor's,
//! and what another provider encrypted.

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::members::{Members, list};

/// The beginning of the ids of reasoning that was translated. It has no content that a provider could use.
pub const TRANSLATED: &str = "rs_failsoft";

/// Which reasoning is left out of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// Only what was translated from another dialect.
    Translated,
    /// All of it, because a provider encrypted it for itself.
    All,
}

/// The input without such reasoning. `None` if there is none.
#[must_use]
pub fn without(input: &[u8], left_out: LeftOut) -> Option<String> {
    let word: &[u8] = match left_out {
        LeftOut::Translated => TRANSLATED.as_bytes(),
        LeftOut::All => b"\"reasoning\"",
    };
    memmem::find(input, word)?;
    let items = list(serde_json::from_slice(input).ok()?)?;
    let kept: Vec<&str> =
        items.iter().filter(|item| !is_left_out(item, left_out)).map(|item| item.get()).collect();
    (kept.len() < items.len()).then(|| format!("[{}]", kept.join(",")))
}

fn is_left_out(item: &RawValue, left_out: LeftOut) -> bool {
    let Some(item) = Members::of(item) else { return false };
    let is_translated = || item.text("id").is_some_and(|id| id.starts_with(TRANSLATED));
    item.text("type").as_deref() == Some("reasoning") && (left_out == LeftOut::All || is_translated())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_left_out_where_it_means_nothing() {
        let own = r#"{"type":"reasoning","id":"rs_1","encrypted_content":"x"}"#;
        let ours = r#"{"type":"reasoning","id":"rs_failsoft_1_0","summary":[]}"#;
        let said = r#"{"role":"user","content":"rs_failsoft \"reasoning\""}"#;
        let input = format!("[{said}, {own},{ours}]");
        assert_eq!(without(input.as_bytes(), LeftOut::Translated), Some(format!("[{said},{own}]")));
        assert_eq!(without(input.as_bytes(), LeftOut::All), Some(format!("[{said}]")));
        for (input, left_out) in [
            (format!("[{said},{own}]"), LeftOut::Translated),
            (format!("[{said}]"), LeftOut::All),
            ("\"rs_failsoft\"".to_owned(), LeftOut::Translated),
        ] {
            assert_eq!(without(input.as_bytes(), left_out), None, "{input}");
        }
    }
}
