//! The reasoning in the messages of a request, which only a model that signs its own may get.

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::members::{Members, list};

const REASONING: &str = "reasoningContent";

/// The messages without reasoning. `None` if they have none.
#[must_use]
pub fn without_reasoning(messages: &[u8]) -> Option<String> {
    memmem::find(messages, REASONING.as_bytes())?;
    let messages: &RawValue = serde_json::from_slice(messages).ok()?;
    let mut changed = false;
    let kept: Vec<String> = list(messages)?
        .into_iter()
        .map(|message| match bare(message) {
            Some(bare) => {
                changed = true;
                bare
            }
            None => message.get().to_owned(),
        })
        .collect();
    changed.then(|| format!("[{}]", kept.join(",")))
}

/// A message without reasoning; `None` if it has none. Something else is left of each, because those of reasoning alone are not
/// written.
fn bare(message: &RawValue) -> Option<String> {
    let members = Members::of(message)?;
    let blocks = members.list("content")?;
    let kept: Vec<&str> =
        blocks.iter().filter(|block| !is_reasoning(block)).map(|block| block.get()).collect();
    let role = members.raw("role")?.get();
    (kept.len() < blocks.len()).then(|| format!(r#"{{"role":{role},"content":[{}]}}"#, kept.join(",")))
}

/// Whether the turn that goes on after the results of its tools did not begin with reasoning. Claude requires it there if it
/// is to reason within a budget.
#[must_use]
pub fn is_missing_in_turn(messages: &[u8]) -> bool {
    let messages = serde_json::from_slice::<&RawValue>(messages).ok().and_then(list).unwrap_or_default();
    let (mut results, mut first) = (false, None);
    for message in messages.iter().rev().filter_map(|message| Members::of(message)) {
        let blocks = message.list("content").unwrap_or_default();
        match message.text("role").as_deref() {
            Some("assistant") if results => first = Some(blocks),
            Some("user") if blocks.iter().any(|block| has(block, "toolResult")) => results = true,
            _ => break,
        }
    }
    first.is_some_and(|blocks| !blocks.first().is_some_and(|block| is_reasoning(block)))
}

fn is_reasoning(block: &RawValue) -> bool {
    has(block, REASONING)
}

fn has(block: &RawValue, name: &str) -> bool {
    Members::of(block).is_some_and(|block| block.raw(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = r#"{"reasoningContent":{"reasoningText":{"text":"T","signature":"s"}}}"#;

    fn messages(answer: &str) -> String {
        format!(
            r#"[{{"role":"user","content":[{{"text":"Hi"}}]}},{{"role":"assistant","content":[{answer}]}},{{"role":"user","content":[{{"toolResult":{{"toolUseId":"t","content":[]}}}}]}}]"#
        )
    }

    #[test]
    fn reasoning_is_left_out_and_the_rest_keeps_its_bytes() {
        let call = r#"{"toolUse": {"toolUseId":"t","name":"n","input":{"z": 1.0}}}"#;
        let with = messages(&format!("{SIGNED},{call}"));
        assert_eq!(without_reasoning(with.as_bytes()), Some(messages(call)));
        assert_eq!(without_reasoning(messages(call).as_bytes()), None);
        let named = messages(r#"{"text":"reasoningContent"}"#);
        assert_eq!(without_reasoning(named.as_bytes()), None);
    }

    #[test]
    fn a_turn_that_goes_on_has_to_begin_with_reasoning() {
        let call = r#"{"toolUse":{"toolUseId":"t","name":"n","input":{}}}"#;
        assert!(is_missing_in_turn(messages(call).as_bytes()));
        assert!(!is_missing_in_turn(messages(&format!("{SIGNED},{call}")).as_bytes()));
        let new_turn =
            r#"[{"role":"assistant","content":[{"text":"a"}]},{"role":"user","content":[{"text":"b"}]}]"#;
        assert!(!is_missing_in_turn(new_turn.as_bytes()));
    }
}
