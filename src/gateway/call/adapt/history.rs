//! Removes from the history of a chat completion what its provider refused: reasoning, after a signature in it, or members that
//! other vendors add.

use super::content::without_thoughts;
use super::draft::{Draft, each};
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::json_object::quoted;
use crate::providers::compatibility::{NO_SIGNATURE, Parameters, ReasoningParts};

/// The members of an assistant message with reasoning, or with its signature.
const OF_MESSAGE: &[&str] =
    &["provider_specific_fields", "reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"];
/// The members of a tool call with a signature.
const OF_CALL: &[&str] = &["extra_content", "provider_specific_fields"];

/// Optional members of messages of other roles, of calls of tools, and of parts of a content. The others of that name hold what
/// was said.
const OF_ANY: &[&str] = &[
    "annotations",
    "cache_control",
    "citations",
    "extra_content",
    "index",
    "parsed_arguments",
    "provider_specific_fields",
];

/// The lists in a message.
const LISTS: [&str; 2] = ["content", "tool_calls"];

/// The optional members that messages have, with their calls and the parts of their content.
pub(super) fn members(messages: &str) -> Parameters {
    let mut found = Parameters::default();
    each(messages, |message| {
        let message = Draft::of(message)?;
        let is_answer = is_answer(&message);
        found = found.with(of(&message, is_answer));
        for list in LISTS.iter().filter_map(|name| list_of(&message, name)) {
            each(list, |element| {
                let element = Draft::of(element)?;
                found = found.with(of(&element, false));
                let function = element.get("function").and_then(Draft::of);
                found = found.with(function.map(|function| of(&function, false)).unwrap_or_default());
                None
            });
        }
        None
    });
    found
}

/// The messages without these members, which the provider refused. `None` means that nothing changes.
pub(super) fn without_members(messages: &str, refused: Parameters, changes: &mut Changes) -> Option<String> {
    each(messages, |message| {
        let mut draft = Draft::of(message)?;
        let is_answer = is_answer(&draft);
        // What the model said in place of an answer stays.
        let refusal = draft.text("refusal").filter(|_| {
            is_answer && refused.has_of_messages("refusal") && draft.present("content").is_none()
        });
        leave_out(&mut draft, refused, is_answer, changes);
        if let Some(refusal) = refusal {
            draft.set("content", quoted(&refusal));
            changes.note(Verb::Mapped, "refusal");
        }
        for name in LISTS {
            let edited = list_of(&draft, name).and_then(|list| elements_without(list, refused, changes));
            if let Some(edited) = edited {
                draft.set(name, edited);
            }
        }
        draft.written()
    })
}

/// The calls, or the parts of a content, without these members.
fn elements_without(list: &str, refused: Parameters, changes: &mut Changes) -> Option<String> {
    each(list, |element| {
        let mut draft = Draft::of(element)?;
        leave_out(&mut draft, refused, false, changes);
        if let Some(mut function) = draft.get("function").and_then(Draft::of) {
            leave_out(&mut function, refused, false, changes);
            if let Some(function) = function.written() {
                draft.set("function", function);
            }
        }
        draft.written()
    })
}

fn leave_out(draft: &mut Draft<'_>, refused: Parameters, is_answer: bool, changes: &mut Changes) {
    let keeps = |name: &str, _: &str| !(refused.has_of_messages(name) && is_optional(name, is_answer));
    draft.retain(keeps, |name| changes.stripped(name));
}

/// The value of a member, if it is a list.
fn list_of<'d>(draft: &'d Draft<'_>, name: &str) -> Option<&'d str> {
    draft.get(name).filter(|value| value.starts_with('['))
}

/// The optional members of an object.
fn of(object: &Draft<'_>, is_answer: bool) -> Parameters {
    Parameters::of_messages(object.names().filter(|name| is_optional(name, is_answer)))
}

fn is_optional(name: &str, is_answer: bool) -> bool {
    is_answer || OF_ANY.contains(&name)
}

fn is_answer(message: &Draft<'_>) -> bool {
    message.text("role").as_deref() == Some("assistant")
}

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
    fn members_of_other_vendors_are_removed_wherever_they_are_and_nothing_else() {
        let user = r#"{"role":"user","images":["x"],"content":[{"type":"text","text":"Hi","cache_control":{}},{"audio":"x"}],"reasoning":"mine"}"#;
        let call = r#"{"index":0,"id":"c","function":{"name":"f","arguments":"{}","parsed_arguments":{}}}"#;
        let answer = format!(
            r#"{{"role":"assistant","content":null,"refusal":"No.","reasoning_content":"T","audio":null,"tool_calls":[{call}]}}"#
        );
        let messages = format!("[{user}, {answer}]");
        let found = members(&messages);
        let names = ["cache_control", "index", "parsed_arguments", "reasoning_content", "audio", "refusal"];
        assert_eq!(found, Parameters::of_messages(names));
        let mut changes = Changes::default();
        let without = without_members(&messages, found, &mut changes);
        let user = r#"{"role":"user","images":["x"],"content":[{"type":"text","text":"Hi"},{"audio":"x"}],"reasoning":"mine"}"#;
        let call = r#"{"id":"c","function":{"name":"f","arguments":"{}"}}"#;
        let answer = format!(r#"{{"role":"assistant","content":"No.","tool_calls":[{call}]}}"#);
        assert_eq!(without, Some(format!("[{user}, {answer}]")));
        let expected = [
            "stripped:cache_control",
            "stripped:refusal",
            "stripped:reasoning_content",
            "stripped:audio",
            "mapped:refusal",
            "stripped:index",
            "stripped:parsed_arguments",
        ];
        assert_eq!(changes.into_names(), expected);
        let mut changes = Changes::default();
        assert_eq!(without_members(&messages, Parameters::of_messages(["thinking"]), &mut changes), None);
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
