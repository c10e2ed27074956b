//! Reasoning of models of other dialects, which have no signature.
//!
//! Callers repeat reasoning in the next turn, and Claude accepts only what it has signed. So what was translated carries a
//! mark in place of a signature, and blocks with this mark are left out of requests. So are those that carry Gemini's signature
//! of a call, which have a mark of their own.

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::gemini::signature;
use crate::dialects::members::{Members, list};
use crate::dialects::turns::Signed;

/// The mark in place of a signature: the name of the gateway in base64, the form that clients expect.
pub const MARK: &str = "ZmFpbHNvZnQ=";

/// Which reasoning is left out of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// What has the mark.
    Marked,
    /// All of it, signed or not.
    All,
}

impl LeftOut {
    /// What is left out of a conversation for a model of Messages: all, or what no such model has signed.
    #[must_use]
    pub const fn of(all: bool) -> Self {
        if all { Self::All } else { Self::Marked }
    }

    /// Whether it may be in a piece of JSON.
    fn may_be_in(self, json: &[u8]) -> bool {
        match self {
            Self::Marked => has_mark(json),
            Self::All => memmem::find(json, b"thinking").is_some(),
        }
    }

    fn is(self, block: &RawValue) -> bool {
        match self {
            Self::Marked => is_marked(block),
            Self::All => is_reasoning(block),
        }
    }
}

/// The messages without this reasoning. `None` if there is none.
#[must_use]
pub fn without(messages: &[u8], left_out: LeftOut) -> Option<String> {
    if !left_out.may_be_in(messages) {
        return None;
    }
    let messages: &RawValue = serde_json::from_slice(messages).ok()?;
    let mut changed = false;
    let messages = list(messages)?.into_iter();
    let kept: Vec<String> =
        messages.filter_map(|message| self::message(message, left_out, &mut changed)).collect();
    changed.then(|| format!("[{}]", kept.join(",")))
}

/// Whether the turn that goes on after the results of its tools did not begin with reasoning. Claude requires it there if it
/// is to reason within a budget.
#[must_use]
pub fn is_missing_in_turn(messages: &[u8]) -> bool {
    let messages = serde_json::from_slice::<&RawValue>(messages).ok().and_then(list).unwrap_or_default();
    let (mut results, mut first) = (false, None);
    for message in messages.iter().rev().filter_map(|message| Members::of(message)) {
        let blocks = message.list("content").unwrap_or_default();
        let is_result = |block: &&RawValue| kind(block).as_deref() == Some("tool_result");
        match message.text("role").as_deref() {
            Some("assistant") if results => first = Some(blocks),
            Some("user") if blocks.iter().any(is_result) => results = true,
            Some("system") => {}
            _ => break,
        }
    }
    first.is_some_and(|blocks| !blocks.first().is_some_and(|block| is_reasoning(block)))
}

fn has_mark(json: &[u8]) -> bool {
    [MARK, signature::MARK].iter().any(|mark| memmem::find(json, mark.as_bytes()).is_some())
}

/// A message without such blocks. `None` if no other block is left.
fn message(message: &RawValue, left_out: LeftOut, changed: &mut bool) -> Option<String> {
    let own = || Some(message.get().to_owned());
    if !left_out.may_be_in(message.get().as_bytes()) {
        return own();
    }
    let Some(members) = Members::of(message) else { return own() };
    let Some(blocks) = members.list("content") else { return own() };
    let kept: Vec<&str> =
        blocks.iter().filter(|block| !left_out.is(block)).map(|block| block.get()).collect();
    if kept.len() == blocks.len() {
        return own();
    }
    *changed = true;
    if kept.is_empty() {
        return None;
    }
    let content = format!("[{}]", kept.join(","));
    let member = |name: &str| {
        let value =
            if name == "content" { Some(content.as_str()) } else { members.raw(name).map(RawValue::get) };
        Some(format!("{}:{}", serde_json::to_string(name).ok()?, value?))
    };
    Some(format!("{{{}}}", members.names().filter_map(member).collect::<Vec<_>>().join(",")))
}

/// The type of a block.
fn kind(block: &RawValue) -> Option<String> {
    Members::of(block)?.text("type")
}

fn is_reasoning(block: &RawValue) -> bool {
    kind(block).is_some_and(|kind| matches!(kind.as_str(), "thinking" | "redacted_thinking"))
}

fn is_marked(block: &RawValue) -> bool {
    has_mark(block.get().as_bytes())
        && Members::of(block).is_some_and(|block| {
            block.text("type").as_deref() == Some("thinking")
                && block
                    .text("signature")
                    .is_some_and(|mark| mark == MARK || signature::read(&mark).is_some())
        })
}

/// The reasoning of a block, if Claude has signed it.
#[must_use]
pub fn signed_block(block: &Members<'_>) -> Option<Signed> {
    match block.text("type").as_deref() {
        Some("thinking") => {
            let signature = signature_of(block)?;
            Some(Signed::Text { text: block.text("thinking").unwrap_or_default(), signature })
        }
        Some("redacted_thinking") => block.text("data").map(Signed::Redacted),
        Some(_) | None => None,
    }
}

/// The signature of Claude on a block of reasoning; `None` if it has none, or that of another model.
#[must_use]
pub fn signature_of(block: &Members<'_>) -> Option<String> {
    let is_of_claude = |signature: &String| {
        !signature.is_empty() && signature != MARK && signature::read(signature).is_none()
    };
    block.text("signature").filter(is_of_claude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_with_the_mark_are_left_out() {
        let marked = format!(r#"{{"type":"thinking","thinking":"T","signature":"{MARK}"}}"#);
        let signed = r#"{"type":"thinking","thinking":"T","signature":"c2ln"}"#;
        let text = format!(r#"{{"type":"text","text":"the mark is {MARK}"}}"#);
        let turn = |blocks: &[&str]| format!(r#"{{"role":"assistant","content":[{}]}}"#, blocks.join(","));
        let user = r#"{"role":"user","content":"Hi"}"#;
        let conversation = |turns: &[&str]| format!("[{}]", turns.join(","));
        assert_eq!(without(conversation(&[user, &turn(&[signed])]).as_bytes(), LeftOut::Marked), None);
        assert_eq!(without(conversation(&[user, &turn(&[&text])]).as_bytes(), LeftOut::Marked), None);
        let found = without(
            conversation(&[user, &turn(&[&marked, signed, &text]), &turn(&[&marked]), user]).as_bytes(),
            LeftOut::Marked,
        );
        let kept = format!(r#"{{"content":[{signed},{text}],"role":"assistant"}}"#);
        assert_eq!(found, Some(conversation(&[user, &kept, user])));
    }

    #[test]
    fn signatures_of_gemini_are_left_out() {
        let signature = signature::Signer::Vertex.marked("c2ln");
        let turn = |blocks: &str| format!(r#"[{{"role":"assistant","content":[{blocks}]}}]"#);
        let block = format!(r#"{{"type":"thinking","thinking":"","signature":"{signature}"}}"#);
        let call = r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#;
        let found = without(turn(&format!("{block},{call}")).as_bytes(), LeftOut::Marked);
        assert_eq!(found, Some(format!(r#"[{{"content":[{call}],"role":"assistant"}}]"#)));
    }

    #[test]
    fn all_reasoning_is_left_out_whatever_its_signature() {
        let signed = r#"{"type":"thinking","thinking":"T","signature":"c2ln"}"#;
        let redacted = r#"{"type":"redacted_thinking","data":"eA=="}"#;
        let text = r#"{"type":"text","text":"on thinking"}"#;
        let turn = |blocks: &[&str]| format!(r#"[{{"role":"assistant","content":[{}]}}]"#, blocks.join(","));
        let found = without(turn(&[signed, redacted, text]).as_bytes(), LeftOut::All);
        assert_eq!(found, Some(format!(r#"[{{"content":[{text}],"role":"assistant"}}]"#)));
        assert_eq!(without(turn(&[signed]).as_bytes(), LeftOut::All), Some("[]".to_owned()));
        for none in [turn(&[text]), r#"[{"role":"user","content":"thinking"}]"#.to_owned(), "7".to_owned()] {
            assert_eq!(without(none.as_bytes(), LeftOut::All), None, "{none}");
        }
    }

    #[test]
    fn a_turn_that_goes_on_after_its_tools_begins_with_reasoning_or_lacks_it() {
        let user = r#"{"role":"user","content":"Hi"}"#;
        let result = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"R"}]}"#;
        let call = r#"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}"#;
        let reasoned = r#"{"role":"assistant","content":[{"type":"thinking","thinking":"T","signature":"c2ln"},{"type":"tool_use","id":"t","name":"f","input":{}}]}"#;
        let system = r#"{"role":"system","content":"Be brief."}"#;
        for (turns, missing) in [
            (&[user][..], false),
            (&[user, call, result], true),
            (&[user, reasoned, result], false),
            // Within a turn, only its beginning has to have it.
            (&[user, reasoned, result, call, result], false),
            (&[user, call, result, reasoned, result], true),
            (&[user, call, system, result], true),
            // Another turn has begun.
            (&[user, call, result, call, user], false),
            (&[user, reasoned, result, user, call, result], true),
        ] {
            let messages = format!("[{}]", turns.join(","));
            assert_eq!(is_missing_in_turn(messages.as_bytes()), missing, "{messages}");
        }
        assert!(!is_missing_in_turn(b"7"));
    }
}
