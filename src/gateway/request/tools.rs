//! Who runs the tools that a request offers: the caller, or its provider, which adds their results to the prompt, bills them
//! apart, and connects them to servers.

use super::json_object::{RawObject, RawText};
use super::json_scan::Cursor;
use crate::dialects::members::list;
use crate::gateway::usage::text_size::{in_lower_case, is_off, members, string};

/// Who runs a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::gateway) enum RunBy {
    /// The caller, with a schema of its own.
    Caller,
    /// The caller, with a schema of the provider, such as that of a shell.
    CallerAsDefined,
    /// The provider, or a server that it connects to.
    Provider,
}

/// The type of a tool that holds a list of tools.
const NAMESPACE: &str = "namespace";

/// The types of tools with a schema of the caller.
const OWN_TOOLS: [&str; 2] = ["custom", "function"];

/// Members of a tool that hold what the caller wrote, in any words. In Gemini, a tool is a list of functions.
const OWN_MEMBERS: [&str; 6] =
    ["custom", "function", "functiondeclarations", "input_examples", "input_schema", "parameters"];

/// Members of a tool that name a server or a credential.
const OF_SERVERS: [&str; 5] =
    ["headers", "authorization", "authorization_token", "connector_id", "server_url"];

/// Tools of providers that add to the prompt, where the name of the tool is that of a member.
const PROVIDERS_TOOLS: [&str; 14] = [
    "web_search",
    "file_search",
    "google_search",
    "googlesearch",
    "googlemaps",
    "code_interpreter",
    "code_execution",
    "codeexecution",
    "enterprisewebsearch",
    "retrieval",
    "x_search",
    "collections_search",
    "url_context",
    "urlcontext",
];

/// How the types of tools that the caller runs begin, and those of the parts of schemas. A provider runs the others.
const CALLERS_TOOLS: [&str; 20] = [
    "apply_patch",
    "array",
    "bash_",
    "boolean",
    "computer",
    "custom",
    "ephemeral",
    "function",
    "grammar",
    "integer",
    "local_shell",
    "memory_",
    "null",
    "number",
    "object",
    "shell",
    "string",
    "text",
    "tool_search",
    "str_replace",
];

/// Where a list of tools is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the request, or in an item of its input.
    Top,
    /// In a namespace, which holds no other.
    Namespace,
}

/// Who runs the tools of a list: the provider if it runs one. `None` if it is not a list of objects.
pub(in crate::gateway) fn run_by(tools: &[u8]) -> Option<RunBy> {
    run_by_in(Place::Top, tools)
}

fn run_by_in(place: Place, tools: &[u8]) -> Option<RunBy> {
    scanned(place, tools).or_else(|| {
        let tools = list(serde_json::from_slice(tools).ok()?)?;
        tools
            .into_iter()
            .try_fold(RunBy::Caller, |found, tool| Some(found.max(of_tool(place, tool.get().as_bytes())?)))
    })
}

/// Whether the provider runs a tool. What is not a list of objects is searched for one at any depth.
pub(in crate::gateway) fn has_providers_tool(tools: &[u8]) -> bool {
    run_by(tools).map_or_else(|| names_providers_tool(tools), |run_by| run_by == RunBy::Provider)
}

fn scanned(place: Place, tools: &[u8]) -> Option<RunBy> {
    let mut cursor = Cursor::new(tools)?;
    let mut found = RunBy::Caller;
    cursor.list(|cursor| {
        found = found.max(of_tool(place, cursor.value()?.bytes())?);
        Some(())
    })?;
    cursor.is_over().then_some(found)
}

fn of_tool(place: Place, tool: &[u8]) -> Option<RunBy> {
    let tool = RawObject::parse(tool).ok()?;
    let members =
        tool.0.into_iter().map(|member| of_member(place, &in_lower_case(member.name), member.value));
    Some(members.max().unwrap_or(RunBy::Caller))
}

fn of_member(place: Place, name: &str, value: RawText<'_>) -> RunBy {
    let value = value.bytes();
    let provider_if = |is_provider| if is_provider { RunBy::Provider } else { RunBy::Caller };
    match name {
        "type" => string(value).map_or(RunBy::Caller, |kind| of_type(place, &kind.to_lowercase())),
        "tools" if place == Place::Top => {
            run_by_in(Place::Namespace, value).unwrap_or_else(|| provider_if(names_providers_tool(value)))
        }
        name if OWN_MEMBERS.contains(&name) => RunBy::Caller,
        name if OF_SERVERS.contains(&name) => provider_if(!is_off(value)),
        name => provider_if(is_providers(name) && !is_off(value) || names_providers_tool(value)),
    }
}

fn of_type(place: Place, kind: &str) -> RunBy {
    if OWN_TOOLS.contains(&kind) || kind == NAMESPACE && place == Place::Top {
        RunBy::Caller
    } else if is_callers(kind) {
        RunBy::CallerAsDefined
    } else {
        RunBy::Provider
    }
}

/// Whether a value names a tool that the provider runs, at any depth.
fn names_providers_tool(value: &[u8]) -> bool {
    members(value).any(|(name, value)| match &*name {
        "type" => string(value).is_some_and(|kind| !is_callers(&kind.to_lowercase())),
        name => is_providers(name) && !is_off(value),
    })
}

fn is_callers(kind: &str) -> bool {
    CALLERS_TOOLS.iter().any(|tool| kind.starts_with(tool))
}

fn is_providers(name: &str) -> bool {
    PROVIDERS_TOOLS.iter().any(|tool| name.starts_with(tool))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_run_by_the_provider_unless_it_is_known_to_be_the_callers() {
        for (tools, expected) in [
            (
                r#"[{"type":"function","function":{"name":"web_search","parameters":{"type":"object"}}}]"#,
                false,
            ),
            (r#"[{"type":"web_search_20250305","name":"web_search"}]"#, true),
            (r#"[{"type":"\u0077eb_search_preview"}]"#, true),
            (r#"[{"type":"file_search","vector_store_ids":["v"]}]"#, true),
            (r#"[{"googleSearch":{}}]"#, true),
            (r#"[{"codeExecution":{}}]"#, true),
            (r#"[{"type":"builtin_function","function":{"name":"$web_search"}}]"#, true),
            (r#"[{"type":"retrieval","retrieval":{"knowledge_id":"1"}}]"#, true),
            (r#"[{"type":"mcp","server_url":"https://a.example"}]"#, true),
            (
                r#"[{"type":"bash_20250124","name":"bash"},{"type":"custom","format":{"type":"grammar"}}]"#,
                false,
            ),
            (
                r#"[{"name":"f","input_schema":{"type":"object","properties":{"type":{"type":["string","null"]}}}}]"#,
                false,
            ),
            // Schemas and examples are the caller's own.
            (
                r#"[{"type":"function","function":{"name":"f","parameters":{"properties":{"retrieval":{"type":"float"}}}}}]"#,
                false,
            ),
            (
                "[{\n\"name\":\"f\",\"input_schema\":{\"type\":\"any\"},\"input_examples\":[{\"web_search\":{\"type\":\"x\"}}]}]",
                false,
            ),
            (r#"[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"date"}}}}]"#, false),
            (r#"[{"type":"shell","environment":{"type":"container_auto"}}]"#, true),
            (r#"[{"type":"function","function":{"name":"f"}},{"Web_Search":{}}]"#, true),
            (r#"{"type":"web_search"}"#, true),
            (r#"[[{"type":"web_search"}]]"#, true),
            (
                r#"[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f","parameters":{"properties":{"day":{"type":"date"}}}}]}]"#,
                false,
            ),
            (
                r#"[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}]"#,
                true,
            ),
            (
                r#"[{"type":"namespace","name":"n","tools":[{"type":"namespace","name":"o","tools":[]}]}]"#,
                true,
            ),
            (r#"[{"type":"namespace","name":"n","server_url":"https://a.example","tools":[]}]"#, true),
            (r#"[{"type":"namespace","name":"n","tools":{"type":"mcp"}}]"#, true),
            ("[]", false),
            ("null", false),
            ("7", false),
        ] {
            assert_eq!(has_providers_tool(tools.as_bytes()), expected, "{tools}");
        }
    }

    #[test]
    fn the_caller_runs_tools_with_its_own_schemas_and_with_those_of_the_provider() {
        for (tools, expected) in [
            ("[]", Some(RunBy::Caller)),
            (r#"[{"type":"function","function":{"name":"f","headers":{}}}]"#, Some(RunBy::Caller)),
            (r#"[{"name":"f","headers":null}]"#, Some(RunBy::Caller)),
            (
                r#"[{"type":"namespace","name":"n","tools":[{"type":"custom","name":"f"}]}]"#,
                Some(RunBy::Caller),
            ),
            (
                r#"[{"type":"namespace","name":"n","tools":[{"type":"local_shell"}]}]"#,
                Some(RunBy::CallerAsDefined),
            ),
            (r#"[{"name":"f"},{"type":"bash_20250124","name":"bash"}]"#, Some(RunBy::CallerAsDefined)),
            (r#"[{"type":"function","function":{"name":"f"},"headers":{"a":"b"}}]"#, Some(RunBy::Provider)),
            (
                r#"[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"properties":{"retrieval":{"type":"date"}}}}]}]"#,
                Some(RunBy::Caller),
            ),
            (r#"[{"functionDeclarations":[]},{"googleSearch":{}}]"#, Some(RunBy::Provider)),
            (r#"[{"name":"f"},7]"#, None),
            (r#""none""#, None),
            ("null", None),
        ] {
            assert_eq!(run_by(tools.as_bytes()), expected, "{tools}");
        }
    }
}
