//! The tools of a request, and the names under which models of other dialects know them.
//!
//! Tools are in the list of the request, and in items of its input, where Codex puts them. A tool with free text as its
//! input becomes a function with one string, and a tool in a namespace a function with both names in its own.

use std::collections::BTreeMap;

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::change::{Changes, Verb};
use crate::dialects::fate::strip;
use crate::dialects::members::{Members, list};
use crate::dialects::need::{Need, ServerTool};
use crate::dialects::turns::Tool;

/// The member that holds the text for a tool with free text.
const INPUT: &str = "input";
/// The schema of a function that such a tool becomes.
const WRAPPED: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;
/// The longest name of a function that vendors accept, in bytes.
const LONGEST: usize = 64;
/// The items of an input that hold tools.
const HOLDERS: [&str; 2] = ["additional_tools", "tool_search_output"];

const TOOLS: Need = Need::Translation("'tools' must be a list of tools with a type and a name");

/// A tool as the caller named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The name of the tool in its namespace.
    pub name: String,
    /// The namespace of the tool, if it has one.
    pub namespace: Option<String>,
    /// Whether its input is free text.
    pub custom: bool,
}

/// The tools that models of other dialects know otherwise, by their names there.
#[derive(Debug, Default)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// The tool that a model calls by this name; `None` if it is a plain function of the same name.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Origin> {
        self.0.get(name)
    }
}

/// The tools of a request.
#[derive(Debug, Default)]
pub struct Tools<'a> {
    /// What a model of another dialect is offered.
    pub offered: Vec<Tool<'a>>,
    /// How the caller names those that are known otherwise.
    pub origins: Origins,
    names: std::collections::BTreeSet<String>,
}

/// Reads the tools of a request.
///
/// # Errors
/// A server of another dialect runs one of them, or the list is not valid.
pub fn read<'a>(members: &Members<'a>, changes: &mut Changes) -> Result<Tools<'a>, Need> {
    let mut tools = Tools::default();
    let listed = members.raw("tools").into_iter();
    for listed in listed.chain(lists_in_input(members)) {
        tools.add(listed, None, changes)?;
    }
    Ok(tools)
}

/// The name under which models of other dialects know a tool.
#[must_use]
pub fn flat(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace else { return name.to_owned() };
    let whole = [namespace, "__", name].concat();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if whole.len() <= LONGEST && whole.chars().all(is_plain) {
        return whole;
    }
    let hash = format!("_{:08x}", crc32fast::hash(whole.as_bytes()));
    let start: String = whole.chars().filter(|letter| is_plain(*letter)).take(LONGEST - hash.len()).collect();
    start + &hash
}

/// The input of a function in place of a tool with free text, as JSON.
#[must_use]
pub fn wrapped(text: &str) -> String {
    serde_json::json!({INPUT: text}).to_string()
}

/// The text in the input of such a function. A model that ignores the schema wrote the text itself.
#[must_use]
pub fn unwrapped(json: &str) -> String {
    let members: Option<Members<'_>> = serde_json::from_str(json).ok();
    members.and_then(|members| members.text(INPUT)).unwrap_or_else(|| json.to_owned())
}

/// The lists of tools in the items of the input.
fn lists_in_input<'a>(members: &Members<'a>) -> Vec<&'a RawValue> {
    let holds = |json: &RawValue| {
        HOLDERS.iter().any(|kind| memmem::find(json.get().as_bytes(), kind.as_bytes()).is_some())
    };
    // Nearly every other input is not read twice.
    let Some(input) = members.raw("input").filter(|input| holds(input)) else { return Vec::new() };
    let items =
        list(input).unwrap_or_default().into_iter().filter(|item| holds(item)).filter_map(Members::of);
    items.filter_map(|item| held(&item)).collect()
}

/// The list of tools that an item of an input holds. Other members of that name are no tools.
#[must_use]
pub fn held<'a>(item: &Members<'a>) -> Option<&'a RawValue> {
    let kind = item.text("type")?;
    item.raw("tools").filter(|_| HOLDERS.contains(&kind.as_str()))
}

impl<'a> Tools<'a> {
    /// Adds the tools of a list, which may hold namespaces unless it is one.
    fn add(
        &mut self,
        listed: &'a RawValue,
        namespace: Option<&str>,
        changes: &mut Changes,
    ) -> Result<(), Need> {
        for tool in list(listed).ok_or(TOOLS)? {
            let tool = Members::of(tool).ok_or(TOOLS)?;
            match (tool.text("type").as_deref(), namespace) {
                (Some("function"), _) => self.function(&tool, namespace, changes)?,
                (Some("custom"), _) => self.custom(&tool, namespace, changes)?,
                (Some("namespace"), None) => {
                    let name = tool.text("name").ok_or(TOOLS)?;
                    strip(&tool, &["type", "name", "tools"], changes);
                    changes.note(Verb::Wrapped, "namespace");
                    self.add(tool.raw("tools").ok_or(TOOLS)?, Some(&name), changes)?;
                }
                // All tools are offered, so that none has to be searched for.
                (Some("tool_search"), _) => changes.note(Verb::Dropped, "tool_search"),
                // Codex offers a search of its provider's cache in every request.
                (Some("web_search"), _) if tool.value("external_web_access") == Some(false) => {
                    changes.note(Verb::Dropped, "web_search");
                }
                (Some(kind), _) => return Err(Need::ServerTool(ServerTool::of(kind))),
                (None, _) => return Err(TOOLS),
            }
        }
        Ok(())
    }

    fn function(
        &mut self,
        tool: &Members<'a>,
        namespace: Option<&str>,
        changes: &mut Changes,
    ) -> Result<(), Need> {
        let Some(name) = self.enter(tool, namespace, false, changes)? else { return Ok(()) };
        strip(tool, &["type", "name", "description", "parameters", "strict"], changes);
        self.offered.push(Tool {
            name,
            description: tool.text("description"),
            schema: tool.raw("parameters"),
            strict: tool.value("strict"),
            mark: None,
        });
        Ok(())
    }

    fn custom(
        &mut self,
        tool: &Members<'a>,
        namespace: Option<&str>,
        changes: &mut Changes,
    ) -> Result<(), Need> {
        let Some(name) = self.enter(tool, namespace, true, changes)? else { return Ok(()) };
        strip(tool, &["type", "name", "description", "format"], changes);
        changes.note(Verb::Wrapped, "custom_tool");
        let schema: Option<&'static RawValue> = serde_json::from_str(WRAPPED).ok();
        let description = Some(description(tool));
        self.offered.push(Tool { name, description, schema, strict: None, mark: None });
        Ok(())
    }

    /// The name under which the tool is offered; `None` if there is one of this name.
    fn enter(
        &mut self,
        tool: &Members<'a>,
        namespace: Option<&str>,
        custom: bool,
        changes: &mut Changes,
    ) -> Result<Option<String>, Need> {
        let name = tool.text("name").filter(|name| !name.is_empty()).ok_or(TOOLS)?;
        let known_as = flat(namespace, &name);
        if !self.names.insert(known_as.clone()) {
            changes.note(Verb::Dropped, "tools");
            return Ok(None);
        }
        if custom || namespace.is_some() {
            let origin = Origin { name, namespace: namespace.map(str::to_owned), custom };
            self.origins.0.insert(known_as.clone(), origin);
        }
        Ok(Some(known_as))
    }
}

/// What a tool with free text does, with the grammar of its input, which functions have no member for.
fn description(tool: &Members<'_>) -> String {
    let mut description = tool.text("description").unwrap_or_default();
    let format = tool.object("format");
    let grammar = format.as_ref().and_then(|format| format.text("definition"));
    if let Some(grammar) = grammar {
        let syntax = format.as_ref().and_then(|format| format.text("syntax")).unwrap_or_default();
        description.extend(["\n\nThe text in `input` must follow this grammar (", &syntax, "):\n", &grammar]);
    }
    description
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_tools(body: &str) -> (Result<Vec<String>, Need>, Vec<String>) {
        let members: Members<'_> = serde_json::from_str(body).expect(body);
        let mut changes = Changes::default();
        let tools = read(&members, &mut changes);
        let names = tools.map(|tools| tools.offered.into_iter().map(|tool| tool.name).collect());
        (names, changes.into_names())
    }

    #[test]
    fn tools_are_found_in_the_list_and_in_the_input() {
        let body = r#"{
            "tools": [{"type":"function","name":"f"},{"type":"tool_search"},{"type":"web_search","external_web_access":false}],
            "input": [
                {"type":"additional_tools","tools":[
                    {"type":"namespace","name":"functions","tools":[{"type":"custom","name":"exec"},{"type":"function","name":"wait"}]},
                    {"type":"function","name":"f"}]},
                {"type":"message","role":"user","content":"additional_tools"}
            ]}"#;
        let (names, changes) = read_tools(body);
        assert_eq!(
            names,
            Ok(vec!["f".to_owned(), "functions__exec".to_owned(), "functions__wait".to_owned()])
        );
        let expected = [
            "dropped:tool_search",
            "dropped:web_search",
            "wrapped:namespace",
            "wrapped:custom_tool",
            "dropped:tools",
        ];
        assert_eq!(changes, expected);
        let members: Members<'_> = serde_json::from_str(body).expect(body);
        let tools = read(&members, &mut Changes::default()).expect("tools");
        let exec = tools.origins.of("functions__exec").expect("an origin");
        assert_eq!(
            (exec.name.as_str(), exec.namespace.as_deref(), exec.custom),
            ("exec", Some("functions"), true)
        );
        assert!(tools.origins.of("f").is_none() && tools.origins.of("functions__wait").is_some());
    }

    #[test]
    fn what_servers_run_is_needed_and_what_is_no_tool_is_invalid() {
        for (tools, expected) in [
            (r#"[{"type":"web_search"}]"#, Need::ServerTool(ServerTool::WebSearch)),
            (
                r#"[{"type":"web_search","external_web_access":true}]"#,
                Need::ServerTool(ServerTool::WebSearch),
            ),
            (r#"[{"type":"mcp","server_url":"https://x"}]"#, Need::ServerTool(ServerTool::Mcp)),
            (r#"[{"type":"function","function":{"name":"f"}}]"#, TOOLS),
            (r#"[{"name":"f"}]"#, TOOLS),
            ("{}", TOOLS),
            ("[7]", TOOLS),
        ] {
            assert_eq!(read_tools(&format!(r#"{{"tools":{tools}}}"#)).0, Err(expected), "{tools}");
        }
    }

    #[test]
    fn tools_that_are_loaded_late_are_loaded_at_once_by_name() {
        let tools = r#"[{"type":"function","name":"f","defer_loading":true,"allowed_callers":["x"]}]"#;
        let (names, changes) = read_tools(&format!(r#"{{"tools":{tools}}}"#));
        assert_eq!(names, Ok(vec!["f".to_owned()]));
        assert_eq!(changes, ["stripped:allowed_callers", "stripped:defer_loading"]);
    }

    #[test]
    fn free_text_is_wrapped_and_unwrapped() {
        let text = "*** Begin Patch\n\"quoted\" \u{1f600}";
        assert_eq!(unwrapped(&wrapped(text)), text);
        assert_eq!(unwrapped(r#"{"content":"x"}"#), r#"{"content":"x"}"#);
        let body = r#"{"tools":[{"type":"custom","name":"p","description":"Patches.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}}]}"#;
        let members: Members<'_> = serde_json::from_str(body).expect(body);
        let tools = read(&members, &mut Changes::default()).expect("tools");
        let described = tools.offered[0].description.as_deref();
        assert_eq!(
            described,
            Some("Patches.\n\nThe text in `input` must follow this grammar (lark):\nstart: x")
        );
        assert_eq!(tools.offered[0].schema.map(RawValue::get), Some(WRAPPED));
    }

    #[test]
    fn long_names_stay_apart() {
        assert_eq!(flat(None, "f"), "f");
        assert_eq!(flat(Some("a"), "f"), "a__f");
        let (one, two) = (flat(Some(&"n".repeat(60)), "f1"), flat(Some(&"n".repeat(60)), "f2"));
        assert!(one.len() <= LONGEST && two.len() <= LONGEST && one != two, "{one} {two}");
        assert!(flat(Some("a.b"), "f").bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    }
}
