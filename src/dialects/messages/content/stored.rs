//! What a message refers to that one provider stores: files and containers.

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::members::{Members, list};

/// Whether messages refer to a file by its id.
#[must_use]
pub fn refer(messages: &[u8]) -> bool {
    // A name may have escapes.
    let words: [&[u8]; 2] = [b"\"file_id\"", b"\\u"];
    if !words.iter().any(|word| memmem::find(messages, word).is_some()) {
        return false;
    }
    let messages = serde_json::from_slice::<&RawValue>(messages).ok().and_then(list).unwrap_or_default();
    messages.into_iter().filter_map(Members::of).any(|message| has_file(&message))
}

/// Whether a container is one that the provider keeps, not only a list of skills.
#[must_use]
pub fn is_kept(container: &RawValue) -> bool {
    let has_id = |container: Members<'_>| container.raw("id").is_some();
    container.get().starts_with('"') || Members::of(container).is_some_and(has_id)
}

/// Whether the content of a message, or of the result of a tool, has a file by its id.
fn has_file(holder: &Members<'_>) -> bool {
    holder.list("content").unwrap_or_default().into_iter().filter_map(Members::of).any(|part| {
        let in_source = || part.object("source").is_some_and(|source| source.raw("file_id").is_some());
        let in_result = || part.text("type").as_deref() == Some("tool_result") && has_file_in_result(&part);
        part.raw("file_id").is_some() || in_source() || in_result()
    })
}

/// As [`has_file`], without another result within.
fn has_file_in_result(result: &Members<'_>) -> bool {
    result
        .list("content")
        .unwrap_or_default()
        .into_iter()
        .filter_map(Members::of)
        .any(|part| part.object("source").is_some_and(|source| source.raw("file_id").is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_by_their_ids_are_found_and_nothing_else() {
        let content =
            |part: &str| format!(r#"[{{"role":"user","content":[{{"type":"text","text":"Hi"}},{part}]}}]"#);
        let file = r#"{"type":"document","source":{"type":"file","file_id":"file_1"}}"#;
        for (messages, expected) in [
            (content(file), true),
            (content(r#"{"type":"container_upload","file_id":"file_1"}"#), true),
            (content(&format!(r#"{{"type":"tool_result","tool_use_id":"t","content":[{file}]}}"#)), true),
            (content(r#"{"type":"tool_result","tool_use_id":"t","content":"file_id"}"#), false),
            (content(r#"{"type":"tool_use","id":"t","name":"f","input":{"file_id":"x"}}"#), false),
            (content(r#"{"type":"document","source":{"type":"base64","data":"AA=="}}"#), false),
            (r#"[{"role":"user","content":"\"file_id\""}]"#.to_owned(), false),
        ] {
            assert_eq!(refer(messages.as_bytes()), expected, "{messages}");
        }
    }

    #[test]
    fn a_container_is_kept_if_it_has_an_id() {
        for (container, expected) in [
            (r#""container_1""#, true),
            (r#"{"id":"container_1","skills":[]}"#, true),
            (r#"{"skills":[{"type":"anthropic","skill_id":"pptx"}]}"#, false),
            (r#"{"id":null}"#, false),
            ("null", false),
        ] {
            let raw: &RawValue = serde_json::from_str(container).expect("JSON");
            assert_eq!(is_kept(raw), expected, "{container}");
        }
    }
}
