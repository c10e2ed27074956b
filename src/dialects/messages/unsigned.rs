//! Reasoning of models of other dialects, which have no signature.
//!
//! Callers repeat reasoning in the next turn, and Claude accepts only what it has signed. So what was translated carries a
//! mark in place of a signature, and blocks with this mark are left out of requests.

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::members::{Members, list};

/// The mark in place of a signature: the name of the gateway in base64, the form that clients expect.
pub const MARK: &str = "ZmFpbHNvZnQ=";

/// The messages without reasoning that has the mark. `None` if there is none.
#[must_use]
pub fn without(messages: &[u8]) -> Option<String> {
    if !has_mark(messages) {
        return None;
    }
    let messages: &RawValue = serde_json::from_slice(messages).ok()?;
    let kept: Vec<String> = list(messages)?.into_iter().filter_map(message).collect();
    Some(format!("[{}]", kept.join(",")))
}

fn has_mark(json: &[u8]) -> bool {
    memmem::find(json, MARK.as_bytes()).is_some()
}

/// A message without such blocks. `None` if no other block is left.
fn message(message: &RawValue) -> Option<String> {
    let own = || Some(message.get().to_owned());
    if !has_mark(message.get().as_bytes()) {
        return own();
    }
    let Some(members) = Members::of(message) else { return own() };
    let Some(blocks) = members.list("content") else { return own() };
    let kept: Vec<&str> = blocks.iter().filter(|block| !is_marked(block)).map(|block| block.get()).collect();
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

fn is_marked(block: &RawValue) -> bool {
    has_mark(block.get().as_bytes())
        && Members::of(block).is_some_and(|block| {
            block.text("type").as_deref() == Some("thinking")
                && block.text("signature").as_deref() == Some(MARK)
        })
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
        assert_eq!(without(conversation(&[user, &turn(&[signed])]).as_bytes()), None);
        let found = without(
            conversation(&[user, &turn(&[&marked, signed, &text]), &turn(&[&marked]), user]).as_bytes(),
        );
        let kept = format!(r#"{{"content":[{signed},{text}],"role":"assistant"}}"#);
        assert_eq!(found, Some(conversation(&[user, &kept, user])));
    }
}
