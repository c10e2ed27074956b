//! Translates OpenAI's choice among allowed tools for models that know only `auto` and `required`: the request offers
//! just the allowed tools.

use crate::gateway::call::adapt::draft::{Draft, each};
use crate::gateway::request::chat_request::ChatRequest;

/// The tools that a request allows: `{"type": "allowed_tools", "allowed_tools": {"mode", "tools"}}`.
pub(super) struct AllowedTools {
    /// Whether one must be called: `auto` or `required`.
    pub(super) mode: &'static str,
    names: Vec<String>,
}

impl AllowedTools {
    /// What the request's `tool_choice` allows. `None` if it is another choice, or names no tool.
    pub(super) fn of(request: &ChatRequest) -> Option<Self> {
        let part = request.parts.iter().find(|part| part.name == "tool_choice")?;
        let choice = Draft::of(std::str::from_utf8(request.value(part)).ok()?)?;
        if choice.text("type")? != "allowed_tools" {
            return None;
        }
        let allowed = Draft::of(choice.get("allowed_tools")?)?;
        let mode = if allowed.text("mode").as_deref() == Some("required") { "required" } else { "auto" };
        let mut names = Vec::new();
        each(allowed.get("tools")?, |tool| {
            names.extend(name(tool));
            None
        });
        (!names.is_empty()).then_some(Self { mode, names })
    }

    /// The allowed ones of these tools. `None` if all or none of them are allowed, or they are not a list.
    pub(super) fn only(&self, tools: &str) -> Option<String> {
        let (mut kept, mut left_out) = (Vec::new(), 0_usize);
        each(tools, |tool| {
            if name(tool).is_some_and(|name| self.names.contains(&name)) {
                kept.push(tool.to_owned());
            } else {
                left_out += 1;
            }
            None
        });
        (left_out > 0 && !kept.is_empty()).then(|| ["[", &kept.join(","), "]"].concat())
    }
}

/// The name of a tool, which is in its function or its custom tool.
fn name(tool: &str) -> Option<String> {
    let tool = Draft::of(tool)?;
    let inner = ["function", "custom"].iter().find_map(|kind| Draft::of(tool.get(kind)?)?.text("name"));
    inner.or_else(|| tool.text("name"))
}
