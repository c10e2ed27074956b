//! Translates the legacy function API for models that support only tools: `functions` and `function_call` of a
//! request, `function_call` of an assistant message, and messages with the role `function`.
//!
//! Answers are not translated back: the model's calls arrive as `tool_calls`.

use std::collections::VecDeque;

use super::draft::{Draft, each, string};
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::json_object::quoted;
use crate::providers::compatibility::ToolIds;

/// The value of `tools` for these functions. `None` means that they are not a list of objects.
pub(super) fn tools(functions: &str) -> Option<String> {
    each(functions, |function| {
        function.starts_with('{').then(|| [r#"{"type":"function","function":"#, function, "}"].concat())
    })
}

/// The value of `tool_choice` for a `function_call`: a word, or a function by name.
pub(super) fn choice(function_call: &str) -> String {
    match Draft::of(function_call) {
        Some(_) => [r#"{"type":"function","function":"#, function_call, "}"].concat(),
        None => function_call.to_owned(),
    }
}

/// The function calls of a conversation that have no results yet.
pub(super) struct Calls {
    ids: ToolIds,
    /// How many ids were generated.
    count: usize,
    open: VecDeque<String>,
}

impl Calls {
    pub(super) fn new(ids: ToolIds) -> Self {
        Self { ids, count: 0, open: VecDeque::new() }
    }

    /// Generates an id for a call. The same conversation gets the same ids every time.
    fn id(&mut self) -> String {
        self.count += 1;
        let id = format!("call_function_{}", self.count);
        if self.ids.takes(&id) { id } else { self.ids.alias(&id, 0) }
    }

    /// Turns the `function_call` of an assistant message into `tool_calls`.
    pub(super) fn call(&mut self, message: &mut Draft<'_>, changes: &mut Changes) {
        let Some(call) = message.present("function_call").map(str::to_owned) else { return };
        let others = message.present("tool_calls").is_some_and(has_elements);
        message.retain(|name, _| name != "function_call", |_| {});
        if others {
            // `tool_calls` has the call already.
            changes.stripped("function_call");
            return;
        }
        let id = self.id();
        let call = [r#"[{"id":"#, &quoted(&id), r#","type":"function","function":"#, &call, "}]"].concat();
        self.open.push_back(id);
        message.set("tool_calls", call);
        changes.note(Verb::Mapped, "function_call");
    }

    /// Turns the result of a function into a tool result, for the oldest open call.
    pub(super) fn result(&mut self, message: &mut Draft<'_>, changes: &mut Changes) {
        let id = self.open.pop_front().unwrap_or_else(|| self.id());
        // The name is part of the call.
        message.retain(|name, _| name != "name", |_| {});
        message.set("role", "\"tool\"");
        message.set("tool_call_id", quoted(&id));
        changes.note(Verb::Mapped, "function_role");
    }
}

/// Whether a list has at least one element.
fn has_elements(list: &str) -> bool {
    let mut found = false;
    each(list, |_| {
        found = true;
        None
    });
    found
}

/// Whether a tool choice is `auto`, `none` or null, so that no call is forced.
pub(super) fn is_free(choice: &[u8]) -> bool {
    let word = std::str::from_utf8(choice).ok().and_then(string);
    choice == b"null" || word.is_some_and(|word| word == "auto" || word == "none")
}
