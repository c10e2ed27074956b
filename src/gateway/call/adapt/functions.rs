//! Functions as they were called before there were tools, for a model that knows tools alone: `functions` and
//! `function_call` of a request, and of an assistant's message, and results of the role `function`.
//!
//! What the model answers is its own: a call comes back among `tool_calls`.

use std::collections::VecDeque;

use super::change::{Changes, Verb};
use super::draft::{Draft, each, string};
use super::quoted;
use crate::providers::compatibility::ToolIds;

/// `tools` for these functions; none if that is no list of objects.
pub(super) fn tools(functions: &str) -> Option<String> {
    each(functions, |function| {
        function.starts_with('{').then(|| [r#"{"type":"function","function":"#, function, "}"].concat())
    })
}

/// The same choice, as `tool_choice` has it: a word, or a function by its name.
pub(super) fn choice(function_call: &str) -> String {
    match Draft::of(function_call) {
        Some(_) => [r#"{"type":"function","function":"#, function_call, "}"].concat(),
        None => function_call.to_owned(),
    }
}

/// The calls of a conversation that wait for their results.
pub(super) struct Calls {
    ids: ToolIds,
    /// How many calls got an id here.
    count: usize,
    open: VecDeque<String>,
}

impl Calls {
    pub(super) fn new(ids: ToolIds) -> Self {
        Self { ids, count: 0, open: VecDeque::new() }
    }

    /// A call had no id. It gets the same one whenever the same conversation comes.
    fn id(&mut self) -> String {
        self.count += 1;
        let id = format!("call_function_{}", self.count);
        if self.ids.takes(&id) { id } else { self.ids.alias(&id, 0) }
    }

    /// An assistant's call becomes one of a tool.
    pub(super) fn call(&mut self, message: &mut Draft<'_>, changes: &mut Changes) {
        let Some(call) = message.present("function_call").map(str::to_owned) else { return };
        let others = message.present("tool_calls").is_some_and(has_elements);
        message.retain(|name, _| name != "function_call", |_| {});
        if others {
            // It is said twice.
            changes.stripped("function_call");
            return;
        }
        let id = self.id();
        let call = [r#"[{"id":"#, &quoted(&id), r#","type":"function","function":"#, &call, "}]"].concat();
        self.open.push_back(id);
        message.set("tool_calls", call);
        changes.note(Verb::Mapped, "function_call");
    }

    /// The result of a function becomes one of a tool: of the call that has waited longest.
    pub(super) fn result(&mut self, message: &mut Draft<'_>, changes: &mut Changes) {
        let id = self.open.pop_front().unwrap_or_else(|| self.id());
        // The call has the name.
        message.retain(|name, _| name != "name", |_| {});
        message.set("role", "\"tool\"");
        message.set("tool_call_id", quoted(&id));
        changes.note(Verb::Mapped, "function_role");
    }
}

/// Whether a list has an element.
fn has_elements(list: &str) -> bool {
    let mut found = false;
    each(list, |_| {
        found = true;
        None
    });
    found
}

/// Whether a choice leaves it to the model, or forbids every call.
pub(super) fn is_free(choice: &[u8]) -> bool {
    let word = std::str::from_utf8(choice).ok().and_then(string);
    choice == b"null" || word.is_some_and(|word| word == "auto" || word == "none")
}
