//! Adapts the messages of a conversation that another model took part in: roles, vendor-specific fields and tool call
//! ids.

use std::collections::{HashMap, HashSet};

use super::content;
use super::draft::{Draft, each, string};
use super::functions::Calls;
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::json_object::quoted;
use crate::providers::compatibility::{BRIDGE, NO_SIGNATURE, TargetModel, ToolIds};

/// How many ids of one request are remembered so that no two get the same alias. For further ids a collision has a
/// chance of at most one in 62^9.
const MOST_IDS: usize = 4_096;

/// Adapts the messages. `None` means that nothing changes.
pub(super) fn adapted(messages: &str, target: &TargetModel, changes: &mut Changes) -> Option<String> {
    let (ids, functions) = (Ids::new(target.tool_ids), Calls::new(target.tool_ids));
    let mut conversation = Conversation { target, changes, ids, functions, after_result: false };
    each(messages, |message| conversation.message(message))
}

struct Conversation<'a> {
    target: &'a TargetModel,
    changes: &'a mut Changes,
    ids: Ids,
    functions: Calls,
    /// Whether the previous message was a tool result.
    after_result: bool,
}

impl Conversation<'_> {
    fn message(&mut self, message: &str) -> Option<String> {
        let mut draft = Draft::of(message)?;
        let mut role = draft.text("role").unwrap_or_default();
        if role == "developer" && !self.target.knows_developers() {
            role = "system".to_owned();
            draft.set("role", "\"system\"");
            self.changes.note(Verb::Mapped, "developer_role");
        }
        if role == "function" && !self.target.takes_functions() {
            role = "tool".to_owned();
            self.functions.result(&mut draft, self.changes);
        }
        if role == "assistant" {
            if !self.target.takes_functions() {
                self.functions.call(&mut draft, self.changes);
            }
            self.answer(&mut draft);
        }
        self.members(&mut draft, &role);
        if let Some(content) = draft.present("content")
            && let Some(content) = content::adapted(content, &role, self.target, self.changes)
        {
            draft.set("content", content);
        }
        let after_result = std::mem::replace(&mut self.after_result, role == "tool");
        if role == "tool" {
            self.id(&mut draft, "tool_call_id");
        }
        let written = draft.written();
        if !(after_result && role == "user" && self.target.bridges_results) {
            return written;
        }
        self.changes.note(Verb::Placeholder, "answer");
        Some([BRIDGE, ",", written.as_deref().unwrap_or(message)].concat())
    }

    fn members(&mut self, draft: &mut Draft<'_>, role: &str) {
        let (kept, marks) = (self.target.members(role), self.target.keeps_cache_marks());
        // Providers that reject unknown fields also reject nulls. A null `function_call` means nothing, and some
        // providers reject its name.
        let empty = |name: &str, value: &str| {
            value == "null" && name != "content" && (kept.is_closed() || name == "function_call")
        };
        let keeps = |name: &str, value: &str| {
            kept.keeps(name) && !empty(name, value) && (marks || name != "cache_control")
        };
        draft.retain(keeps, |name| self.changes.stripped(name));
    }

    /// Adapts an assistant message.
    fn answer(&mut self, draft: &mut Draft<'_>) {
        let calls = draft.present("tool_calls").map(str::to_owned);
        match calls.as_deref().map(|calls| calls.trim_matches(['[', ']', ' ', '\n', '\r', '\t'])) {
            // Some providers reject an empty list ("[] is too short"); it means the same as no list.
            Some("") => draft.retain(|name, _| name != "tool_calls", |name| self.changes.stripped(name)),
            Some(_) => self.calls(draft, &calls.unwrap_or_default()),
            None => self.refusal(draft),
        }
        if self.target.reasoning_in_history && draft.text("reasoning_content").is_none() {
            draft.set("reasoning_content", "\"\"");
            self.changes.note(Verb::Placeholder, "reasoning_content");
        }
    }

    /// Moves a refusal into the content where the model has no field for it.
    fn refusal(&mut self, draft: &mut Draft<'_>) {
        if self.target.members("assistant").keeps("refusal") || draft.present("content").is_some() {
            return;
        }
        if let Some(refusal) = draft.text("refusal") {
            draft.set("content", quoted(&refusal));
            self.changes.note(Verb::Mapped, "refusal");
        }
    }

    fn calls(&mut self, draft: &mut Draft<'_>, calls: &str) {
        let mut first = true;
        let changed = each(calls, |call| self.call(call, std::mem::take(&mut first)));
        if let Some(changed) = changed {
            draft.set("tool_calls", changed);
        }
    }

    fn call(&mut self, call: &str, first: bool) -> Option<String> {
        let mut draft = Draft::of(call)?;
        let (kept, marks) = (self.target.call_members(), self.target.keeps_cache_marks());
        let keeps = |name: &str, _: &str| kept.keeps(name) && (marks || name != "cache_control");
        draft.retain(keeps, |name| self.changes.stripped(name));
        self.id(&mut draft, "id");
        // Some vendors omit it in answers, and others require it in requests.
        if draft.get("type").is_none() && draft.get("function").is_some() {
            draft.set("type", "\"function\"");
            self.changes.note(Verb::Placeholder, "tool_type");
        }
        if let Some(function) = draft.get("function")
            && let Some(function) = self.function(function)
        {
            draft.set("function", function);
        }
        if first && self.target.signed_calls && draft.present("extra_content").is_none() {
            draft.set("extra_content", NO_SIGNATURE);
            self.changes.note(Verb::Placeholder, "signature");
        }
        draft.written()
    }

    /// Arguments are a string that holds JSON; some vendors send the object itself, or an empty string.
    fn function(&mut self, function: &str) -> Option<String> {
        let mut draft = Draft::of(function)?;
        let arguments = draft.get("arguments")?;
        let written = if arguments.starts_with('{') {
            quoted(arguments)
        } else if string(arguments).is_some_and(|text| text.trim().is_empty()) {
            "\"{}\"".to_owned()
        } else {
            return None;
        };
        draft.set("arguments", written);
        self.changes.note(Verb::Mapped, "tool_arguments");
        draft.written()
    }

    fn id(&mut self, draft: &mut Draft<'_>, member: &'static str) {
        if let Some(id) = draft.text(member)
            && let Some(alias) = self.ids.alias(&id)
        {
            draft.set(member, quoted(&alias));
            self.changes.note(Verb::Aliased, "tool_id");
        }
    }
}

/// The tool call ids of one request and their aliases.
struct Ids {
    rule: ToolIds,
    known: HashMap<String, String>,
    taken: HashSet<String>,
}

impl Ids {
    fn new(rule: ToolIds) -> Self {
        Self { rule, known: HashMap::new(), taken: HashSet::new() }
    }

    /// The alias of an id that the provider does not accept. `None` means that it stays.
    fn alias(&mut self, id: &str) -> Option<String> {
        if self.rule == ToolIds::Any {
            return None;
        }
        if let Some(known) = self.known.get(id) {
            return (known != id).then(|| known.clone());
        }
        let stays = self.rule.takes(id);
        if self.known.len() >= MOST_IDS {
            return (!stays).then(|| self.rule.alias(id, 0));
        }
        let own = stays.then(|| id.to_owned());
        let free = |candidate: &String| !self.taken.contains(candidate);
        let chosen = own.into_iter().chain((0..=u8::MAX).map(|turn| self.rule.alias(id, turn))).find(free);
        let chosen = chosen.unwrap_or_else(|| self.rule.alias(id, 0));
        self.taken.insert(chosen.clone());
        self.known.insert(id.to_owned(), chosen.clone());
        (chosen != id).then_some(chosen)
    }
}
