//! Removes reasoning from the history of a chat completion, after its provider refused a signature in it.

use super::content::without_thoughts;
use super::draft::{Draft, each};
use crate::dialects::change::{Changes, Verb};
use crate::providers::compatibility::{NO_SIGNATURE, ReasoningParts};

/// The members of an assistant message with reasoning, or with its signature.
const OF_MESSAGE: &[&str] =
    &["provider_specific_fields", "reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"];
/// The members of a tool call with a signature.
const OF_CALL: &[&str] = &["extra_content", "provider_specific_fields"];

/// The messages without reasoning. If the model requires signatures, the first call of each message is marked as unsigned.
/// `None` means that nothing changes.
pub(super) fn without_reasoning(messages: &str, signed_calls: bool, changes: &mut Changes) -> Option<String> {
    each(messages, |message| {
        let mut draft = Draft::of(message)?;
        if draft.text("role").as_deref() != Some("assistant") {
            return None;
        }
        draft.retain(|name, _| !OF_MESSAGE.contains(&name), |name| changes.stripped(name));
        if let Some(content) = draft.present("content").filter(|content| content.starts_with('['))
            && let Some(spoken) = without_thoughts(content, ReasoningParts::None, changes)
        {
            draft.set("content", spoken);
        }
        if let Some(calls) = draft.present("tool_calls")
            && let Some(calls) = self::calls(calls, signed_calls, changes)
        {
            draft.set("tool_calls", calls);
        }
        draft.written()
    })
}

fn calls(calls: &str, signed: bool, changes: &mut Changes) -> Option<String> {
    let mut first = signed;
    each(calls, |call| {
        let mut draft = Draft::of(call)?;
        draft.retain(|name, _| !OF_CALL.contains(&name), |name| changes.stripped(name));
        if std::mem::take(&mut first) {
            draft.set("extra_content", NO_SIGNATURE);
            changes.note(Verb::Placeholder, "signature");
        }
        draft.written()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(messages: &str, signed: bool) -> (Option<String>, Vec<String>) {
        let mut changes = Changes::default();
        let stripped = without_reasoning(messages, signed, &mut changes);
        (stripped, changes.into_names())
    }

    #[test]
    fn reasoning_is_removed_in_each_of_its_forms() {
        let user = r#"{"role":"user","content":"Hi","reasoning":"mine"}"#;
        let answer = r#"{"role":"assistant","content":[{"type":"thinking","thinking":"T"},{"type":"text","text":"A"}],"reasoning_content":"T","reasoning_details":[],"tool_calls":[{"id":"c","extra_content":{"google":{"thought_signature":"x"}}},{"id":"d"}]}"#;
        let (found, changes) = stripped(&format!("[{user}, {answer}]"), false);
        let kept = r#"{"role":"assistant","content":[{"type":"text","text":"A"}],"tool_calls":[{"id":"c"},{"id":"d"}]}"#;
        assert_eq!(found, Some(format!("[{user}, {kept}]")));
        let expected = [
            "stripped:reasoning_content",
            "stripped:reasoning_details",
            "stripped:thinking",
            "stripped:extra_content",
        ];
        assert_eq!(changes, expected);
        assert_eq!(stripped(&format!("[{user}]"), true), (None, Vec::new()));
    }

    #[test]
    fn calls_are_marked_as_unsigned_where_signatures_are_required() {
        let answer = r#"[{"role":"assistant","tool_calls":[{"id":"c"},{"id":"d"}]}]"#;
        let (found, changes) = stripped(answer, true);
        let kept = format!(
            r#"[{{"role":"assistant","tool_calls":[{{"id":"c","extra_content":{NO_SIGNATURE}}},{{"id":"d"}}]}}]"#
        );
        assert_eq!((found, changes), (Some(kept), vec!["placeholder:signature".to_owned()]));
    }
}
