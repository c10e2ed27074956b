//! What of a response its provider bills apart from tokens: calls of tools that it runs, and the pages that it found.

use serde_json::value::RawValue;

use crate::dialects::members::Members;

/// The end of the types of items that are calls.
const CALL: &str = "_call";
/// The call of a shell, which may be one in a container of the provider.
const SHELL: &str = "shell_call";
/// The calls that the caller runs, which cost no more than their tokens.
const CALLERS: [&str; 7] = [
    "apply_patch_call",
    "computer_call",
    "custom_tool_call",
    "function_call",
    "local_shell_call",
    SHELL,
    "tool_search_call",
];
/// The type of an annotation that cites a page of the web.
const PAGE: &str = "url_citation";

/// Whether an item of a response is a call that the provider runs, or a text that cites pages of the web.
#[must_use]
pub fn is_billed_apart(item: &RawValue) -> bool {
    let Some(item) = Members::of(item) else { return false };
    let kind = item.text("type").unwrap_or_default();
    is_providers_call(&kind) || kind == SHELL && runs_in_a_container(&item) || cites(&item)
}

/// Whether an event is about a call that the provider runs, such as `response.web_search_call.searching`.
#[must_use]
pub fn is_of_a_providers_call(event: &str) -> bool {
    event.split('.').nth(1).is_some_and(is_providers_call)
}

/// Whether an annotation of a text cites a page of the web.
#[must_use]
pub fn is_page(annotation: &RawValue) -> bool {
    Members::of(annotation).is_some_and(|annotation| annotation.text("type").as_deref() == Some(PAGE))
}

fn is_providers_call(kind: &str) -> bool {
    kind.ends_with(CALL) && !CALLERS.contains(&kind)
}

fn runs_in_a_container(call: &Members<'_>) -> bool {
    let place = call.object("environment").and_then(|environment| environment.text("type"));
    place.is_some_and(|place| place != "local")
}

fn cites(item: &Members<'_>) -> bool {
    let mut parts = item.list("content").unwrap_or_default().into_iter().filter_map(Members::of);
    parts.any(|part| part.list("annotations").unwrap_or_default().into_iter().any(is_page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_provider_and_citations_are_billed_apart() {
        for (item, expected) in [
            (
                r#"{"type":"message","content":[{"type":"output_text","text":"url_citation","annotations":[]}]}"#,
                false,
            ),
            (
                r#"{"type":"message","content":[{"type":"output_text","text":"a","annotations":[{"type":"file_citation"}]}]}"#,
                false,
            ),
            (
                r#"{"type":"message","content":[{"type":"output_text","text":"a","annotations":[{"type":"url_citation","url":"https://x.example"}]}]}"#,
                true,
            ),
            (r#"{"type":"reasoning","summary":[]}"#, false),
            (r#"{"type":"function_call","name":"web_search_call","arguments":"{}"}"#, false),
            (r#"{"type":"custom_tool_call","name":"f","input":"x"}"#, false),
            (r#"{"type":"computer_call","action":{}}"#, false),
            (r#"{"type":"web_search_call","status":"completed"}"#, true),
            (r#"{"type":"file_search_call"}"#, true),
            (r#"{"type":"code_interpreter_call"}"#, true),
            (r#"{"type":"image_generation_call","result":"AAAA"}"#, true),
            (r#"{"type":"mcp_call"}"#, true),
            (r#"{"type":"mcp_list_tools"}"#, false),
            (r#"{"type":"of_next_year_call"}"#, true),
            (r#"{"type":"shell_call","environment":{"type":"local"}}"#, false),
            (
                r#"{"type":"shell_call","environment":{"type":"container_reference","container_id":"c"}}"#,
                true,
            ),
            (r#"{"type":"shell_call"}"#, false),
            ("7", false),
        ] {
            let item: &RawValue = serde_json::from_str(item).expect(item);
            assert_eq!(is_billed_apart(item), expected, "{item}");
        }
        for (event, expected) in [
            ("response.web_search_call.in_progress", true),
            ("response.image_generation_call.partial_image", true),
            ("response.function_call_arguments.delta", false),
            ("response.output_text.delta", false),
            ("response.created", false),
            ("web_search_call", false),
        ] {
            assert_eq!(is_of_a_providers_call(event), expected, "{event}");
        }
    }
}
