//! Reasoning of other vendors in items of the dialect. What its vendor has signed is the encrypted content of an item, with a mark
//! of that vendor, and the text is the summary; the caller sends both back.
//!
//! A provider of the dialect can use none of it, and not what another provider encrypted. So it is left out of the history for it.

use memchr::memmem;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::stored::provider_of;
use crate::dialects::gemini::signature::{self, MARK};
use crate::dialects::members::{Members, list};
use crate::dialects::turns::Signed;

/// The beginning of the ids of reasoning that was translated. It has no content that a provider could use.
pub const TRANSLATED: &str = "rs_failsoft";

/// What follows the mark of a signature of Claude: `claude` in base64, as the signature is.
const SIGNED: &str = "Y2xhdWRl";
/// What follows the mark of reasoning that Claude encrypted as a whole: `hidden` in base64.
const HIDDEN: &str = "aGlkZGVu";

/// Claude's signature of the summary of an item, with its mark.
pub(super) fn marked_signature(signature: &str) -> String {
    [MARK, SIGNED, signature].concat()
}

/// Reasoning that Claude encrypted as a whole, with its mark.
pub(super) fn marked_data(data: &str) -> String {
    [MARK, HIDDEN, data].concat()
}

/// The encrypted content of an item, with the mark of its vendor.
pub(super) fn marked(signed: &Signed) -> String {
    match signed {
        Signed::Text { signature, .. } => marked_signature(signature),
        Signed::Redacted(data) => marked_data(data),
        Signed::Call(marked) => marked.clone(),
    }
}

/// What another vendor has signed in an item of reasoning. `None` if it has no mark.
pub(super) fn signed(item: &Members<'_>) -> Option<Signed> {
    let marked = item.text("encrypted_content")?;
    if signature::read(&marked).is_some() {
        return Some(Signed::Call(marked));
    }
    let rest = marked.strip_prefix(MARK)?;
    match rest.strip_prefix(SIGNED) {
        Some(signature) => Some(Signed::Text { text: summary(item), signature: signature.to_owned() }),
        None => rest.strip_prefix(HIDDEN).map(|data| Signed::Redacted(data.to_owned())),
    }
}

/// The text of the summary of an item.
fn summary(item: &Members<'_>) -> String {
    let parts = item.list("summary").unwrap_or_default();
    parts.into_iter().filter_map(|part| Members::of(part)?.text("text")).collect()
}

/// Which reasoning is left out of an input. What was translated from another dialect always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// Also what the mark in its id says another provider encrypted.
    OfOthers(Uuid),
    /// All but what the mark in its id says this provider encrypted.
    AllBut(Uuid),
    /// All of it, because the provider refused it.
    All,
}

/// The input without such reasoning. `None` if there is none.
#[must_use]
pub fn without(input: &[u8], left_out: LeftOut) -> Option<String> {
    // The words may be written with escapes.
    let has = |word: &str| memmem::find(input, word.as_bytes()).is_some();
    if !has("reasoning") && !has("\\u") {
        return None;
    }
    let items = list(serde_json::from_slice(input).ok()?)?;
    let kept: Vec<&str> =
        items.iter().filter(|item| !is_left_out(item, left_out)).map(|item| item.get()).collect();
    (kept.len() < items.len()).then(|| format!("[{}]", kept.join(",")))
}

fn is_left_out(item: &RawValue, left_out: LeftOut) -> bool {
    let Some(item) = Members::of(item) else { return false };
    if item.text("type").as_deref() != Some("reasoning") {
        return false;
    }
    // Some clients send no ids.
    let begins = |name: &str, with: &str| item.text(name).is_some_and(|text| text.starts_with(with));
    if begins("id", TRANSLATED) || begins("encrypted_content", MARK) {
        return true;
    }
    let writer = || item.text("id").and_then(|id| provider_of(&id));
    match left_out {
        LeftOut::OfOthers(provider) => writer().is_some_and(|writer| writer != provider),
        LeftOut::AllBut(provider) => writer() != Some(provider),
        LeftOut::All => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::responses::stored::mark;

    const HERE: Uuid = Uuid::from_u128(1);

    #[test]
    fn reasoning_is_left_out_where_it_means_nothing() {
        let own = r#"{"type":"reasoning","id":"rs_1","encrypted_content":"x"}"#;
        let ours = r#"{"type":"reasoning","id":"rs_failsoft_1_0","summary":[]}"#;
        let said = r#"{"role":"user","content":"rs_failsoft \"reasoning\""}"#;
        let anonymous = r#"{"type":"reasoning","summary":[],"encrypted_content":"ZmFpbHNvZnQ6Y2xhdWRlc2ln"}"#;
        for translated in [ours, anonymous] {
            let input = format!("[{said}, {own},{translated}]");
            let found = without(input.as_bytes(), LeftOut::OfOthers(HERE));
            assert_eq!(found, Some(format!("[{said},{own}]")));
        }
        let input = format!("[{said}, {own},{ours}]");
        for left_out in [LeftOut::AllBut(HERE), LeftOut::All] {
            assert_eq!(without(input.as_bytes(), left_out), Some(format!("[{said}]")));
        }
        for (input, left_out) in [
            (format!("[{said},{own}]"), LeftOut::OfOthers(HERE)),
            (format!("[{said}]"), LeftOut::All),
            ("\"rs_failsoft\"".to_owned(), LeftOut::OfOthers(HERE)),
            ("\"reasoning\"".to_owned(), LeftOut::All),
        ] {
            assert_eq!(without(input.as_bytes(), left_out), None, "{input}");
        }
    }

    #[test]
    fn reasoning_reaches_the_provider_that_its_mark_names_and_no_other() {
        let item = |provider: Uuid, kind: &str| {
            format!(r#"{{"type":"{kind}","id":"rs_1{}","encrypted_content":"x"}}"#, mark(provider))
        };
        let there = Uuid::from_u128(2);
        let (own, foreign) = (item(HERE, "reasoning"), item(there, "reasoning"));
        let unmarked = r#"{"type":"reasoning","id":"rs_2"}"#;
        let input = format!("[{own},{foreign},{unmarked}]");
        let left = |left_out| without(input.as_bytes(), left_out);
        assert_eq!(left(LeftOut::OfOthers(HERE)), Some(format!("[{own},{unmarked}]")));
        assert_eq!(left(LeftOut::OfOthers(there)), Some(format!("[{foreign},{unmarked}]")));
        assert_eq!(left(LeftOut::AllBut(HERE)), Some(format!("[{own}]")));
        assert_eq!(left(LeftOut::All), Some("[]".to_owned()));
        let escaped = foreign.replace("reasoning", r"re\u0061soning");
        let found = without(format!("[{escaped}]").as_bytes(), LeftOut::OfOthers(HERE));
        assert_eq!(found, Some("[]".to_owned()));
        let message = item(there, "message");
        assert_eq!(without(format!("[{message}]").as_bytes(), LeftOut::All), None);
    }

    #[test]
    fn what_claude_has_signed_comes_back_as_it_was() {
        let text = |text: &str| Signed::Text { text: text.to_owned(), signature: "c2ln".to_owned() };
        let hidden = Signed::Redacted("eA==".to_owned());
        let call = Signed::Call(signature::Signer::Vertex.marked("c2ln"));
        for (signed, parts) in [
            (&text("T"), "T"),
            (&text("One. Two."), "One. |Two."),
            (&text(""), ""),
            (&hidden, ""),
            (&call, ""),
        ] {
            let parts = parts.split('|').filter(|part| !part.is_empty());
            let summary: Vec<String> =
                parts.map(|part| format!(r#"{{"type":"summary_text","text":"{part}"}}"#)).collect();
            let (marked, summary) = (marked(signed), summary.join(","));
            let item =
                format!(r#"{{"type":"reasoning","summary":[{summary}],"encrypted_content":"{marked}"}}"#);
            let members: Members<'_> = serde_json::from_str(&item).expect(&item);
            assert_eq!(super::signed(&members).as_ref(), Some(signed), "{item}");
        }
        for other in [r#""x""#, r#""""#, r#""ZmFpbHNvZnQ6""#, r#""ZmFpbHNvZnQ6b3RoZXI=""#, "null", "7"] {
            let item = format!(r#"{{"type":"reasoning","summary":[],"encrypted_content":{other}}}"#);
            let members: Members<'_> = serde_json::from_str(&item).expect(&item);
            assert_eq!(super::signed(&members), None, "{item}");
        }
    }
}
