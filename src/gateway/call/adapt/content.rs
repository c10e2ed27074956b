//! Message content that consists of parts.

use super::draft::{Draft, each, string};
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::json_object::quoted;
use crate::providers::compatibility::{ReasoningParts, TargetModel};

/// Types of parts that hold a model's reasoning.
const THOUGHTS: &[&str] = &["thinking", "redacted_thinking", "reasoning"];

/// Adapts the content of a message. `None` means that nothing changes.
pub(super) fn adapted(
    content: &str,
    role: &str,
    target: &TargetModel,
    changes: &mut Changes,
) -> Option<String> {
    if !content.starts_with('[') {
        return None;
    }
    let spoken = (role == "assistant").then(|| without_thoughts(content, target.reasoning_parts(), changes));
    let spoken = spoken.flatten();
    let content = spoken.as_deref().unwrap_or(content);
    if target.wants_plain_text()
        && matches!(role, "system" | "assistant" | "tool")
        && let Some(text) = joined(content)
    {
        changes.note(Verb::Flattened, "content");
        return Some(quoted(&text));
    }
    let unmarked =
        if target.keeps_cache_marks() { None } else { without(content, &["cache_control"], changes) };
    let content = unmarked.as_deref().unwrap_or(content);
    let addressed = if target.wants_document_urls() { with_document_urls(content, changes) } else { None };
    addressed.or(unmarked).or(spoken)
}

/// Writes documents as parts of the type `document_url`. `None` means that there are none.
fn with_document_urls(content: &str, changes: &mut Changes) -> Option<String> {
    if !content.contains("file_data") {
        return None;
    }
    each(content, |part| {
        let part = Draft::of(part).filter(|part| part.text("type").as_deref() == Some("file"))?;
        let file = Draft::of(part.get("file")?)?;
        let data = file.present("file_data")?;
        changes.note(Verb::Mapped, "document");
        Some([r#"{"type":"document_url","document_url":"#, data, "}"].concat())
    })
}

/// Removes the parts with reasoning that the model does not accept. `None` means that there are none. If no part
/// remains, the content is an empty string.
pub(super) fn without_thoughts(
    content: &str,
    kept_parts: ReasoningParts,
    changes: &mut Changes,
) -> Option<String> {
    if kept_parts == ReasoningParts::Any {
        return None;
    }
    let mut kept: Vec<String> = Vec::new();
    let mut stripped = false;
    each(content, |part| {
        let draft = Draft::of(part);
        let kind = draft.as_ref().and_then(|part| part.text("type"));
        let in_a_list = || draft.and_then(|part| Some(part.get("thinking")?.starts_with('['))) == Some(true);
        let accepted = || kept_parts == ReasoningParts::Lists && in_a_list();
        if kind.is_some_and(|kind| THOUGHTS.contains(&kind.as_str())) && !accepted() {
            stripped = true;
        } else {
            kept.push(part.to_owned());
        }
        None
    });
    if !stripped {
        return None;
    }
    changes.stripped("thinking");
    Some(if kept.is_empty() { "\"\"".to_owned() } else { ["[", &kept.join(","), "]"].concat() })
}

/// The joined text, if every part is text.
fn joined(content: &str) -> Option<String> {
    if !content.starts_with('[') {
        return None;
    }
    let mut all: Option<Vec<String>> = Some(Vec::new());
    each(content, |part| {
        let text = Draft::of(part).filter(|part| part.text("type").as_deref() == Some("text"));
        match (&mut all, text.and_then(|part| string(part.get("text")?))) {
            (Some(texts), Some(text)) => texts.push(text),
            (all, _) => *all = None,
        }
        None
    });
    all.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"))
}

/// Removes these fields from every element of a list and from the functions in them. `None` means that none is there.
pub(super) fn without(list: &str, names: &[&str], changes: &mut Changes) -> Option<String> {
    if !names.iter().any(|name| list.contains(name)) {
        return None;
    }
    each(list, |element| {
        let mut draft = Draft::of(element)?;
        draft.retain(|name, _| !names.contains(&name), |name| changes.stripped(name));
        if let Some(function) = draft.get("function")
            && let Some(mut function) = Draft::of(function)
        {
            function.retain(|name, _| !names.contains(&name), |name| changes.stripped(name));
            if let Some(function) = function.written() {
                draft.set("function", function);
            }
        }
        draft.written()
    })
}
