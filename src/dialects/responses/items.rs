//! Reads the items of an input into turns.
//!
//! An answer of a model is several items in a row: reasoning, texts and calls. They are one turn. The results of its calls
//! follow it at once, wherever they are in the input, because other dialects accept them nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::{foreign, sources, tools};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::fate::strip;
use crate::dialects::members::{Members, list, text};
use crate::dialects::need::{Need, ServerTool};
use crate::dialects::turns::{Block, Call, CallResult, Input, Role, Turn};

const ITEM: Need = Need::Translation("'input' must be a text or a list of items with a type or a role");
const CONTENT: Need = Need::Translation("a content must be a text or a list of parts");
const PART: Need = Need::Translation("a part of a content lacks a member of its type");
const CALL: Need = Need::Translation("a call in 'input' must have a 'call_id', a 'name' and its input");
const RESULT: Need = Need::Translation("the output of a call in 'input' must have a 'call_id'");

/// The members of messages, calls and results that are read. Ids and states of items are those of a stored answer.
const OF_ITEM: &[&str] = &[
    "type",
    "id",
    "status",
    "role",
    "content",
    "call_id",
    "name",
    "namespace",
    "arguments",
    "input",
    "output",
];
/// The members of a part of a content that are read.
const OF_PART: &[&str] =
    &["type", "text", "refusal", "image_url", "file_id", "file_data", "file_url", "filename"];

/// A conversation that is being read.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    turns: Vec<Turn<'a>>,
    /// The ids of the calls so far.
    calls: BTreeSet<String>,
    results: BTreeMap<String, CallResult<'a>>,
    /// Whether the last turn of the model has ended, because a result followed.
    ended: bool,
}

impl<'a> Conversation<'a> {
    /// Adds a text of its own.
    pub(super) fn say(&mut self, role: Role, text: String) {
        if !text.is_empty() {
            self.turns.push(Turn { role, blocks: vec![Block::Text(text)] });
        }
    }

    /// Adds an item to the turns.
    pub(super) fn add(&mut self, item: &'a RawValue, changes: &mut Changes) -> Result<(), Need> {
        let item = Members::of(item).ok_or(ITEM)?;
        let is_empty = || item.raw("role").is_none() && item.raw("content").is_none();
        match item.text("type").as_deref() {
            // A reference may lack its type, as a message may.
            None if is_empty() && item.raw("id").is_some() => Err(Need::StoredState),
            Some("message") | None => self.message(&item, changes),
            Some("reasoning") => {
                self.answer(vec![foreign::signed(&item).map_or(Block::Reasoning, Block::Signed)]);
                Ok(())
            }
            Some("function_call") => {
                let arguments = item.text("arguments").ok_or(CALL)?;
                let input = match Input::of_arguments(&arguments) {
                    Some(input) => input,
                    None => broken(&arguments, changes)?,
                };
                self.call(&item, input, changes)
            }
            Some("custom_tool_call") => {
                let wrapped = tools::wrapped(&item.text("input").ok_or(CALL)?);
                changes.note(Verb::Wrapped, "custom_tool");
                self.call(&item, Input::of_arguments(&wrapped).ok_or(CALL)?, changes)
            }
            Some("function_call_output" | "custom_tool_call_output") => self.result(&item, changes),
            // Its tools are read with the others.
            Some("additional_tools") => Ok(()),
            Some("tool_search_call" | "tool_search_output") => {
                changes.stripped("tool_search");
                Ok(())
            }
            Some("web_search_call") => {
                changes.stripped("web_search");
                Ok(())
            }
            Some("item_reference" | "compaction") => Err(Need::StoredState),
            Some(kind) => Err(Need::ServerTool(ServerTool::of(kind))),
        }
    }

    /// The turns, with the results of calls after them. A call without its result, which no dialect accepts, becomes a text.
    pub(super) fn into_turns(mut self, changes: &mut Changes) -> Vec<Turn<'a>> {
        let mut turns = Vec::with_capacity(self.turns.len());
        for mut turn in std::mem::take(&mut self.turns) {
            let mut results = Vec::new();
            for block in &mut turn.blocks {
                let Block::Call(call) = block else { continue };
                if let Some(result) = self.results.remove(&call.id) {
                    results.push(Block::Result(result));
                } else {
                    changes.note(Verb::Flattened, "tool_history");
                    *block = Block::Text(format!("[call of {}: {}]", call.name, call.input.get()));
                }
            }
            turns.push(turn);
            if !results.is_empty() {
                turns.push(Turn { role: Role::User, blocks: results });
            }
        }
        turns
    }

    fn message(&mut self, item: &Members<'a>, changes: &mut Changes) -> Result<(), Need> {
        strip(item, OF_ITEM, changes);
        let blocks = content(item.raw("content").ok_or(ITEM)?, changes)?;
        let role = match item.text("role").as_deref() {
            Some("user") => Role::User,
            Some("system" | "developer") => Role::System,
            Some("assistant") => {
                self.answer(blocks);
                return Ok(());
            }
            Some(_) | None => return Err(ITEM),
        };
        if !blocks.is_empty() {
            self.turns.push(Turn { role, blocks });
        }
        Ok(())
    }

    /// Adds to the answer of the model, or begins the next one.
    fn answer(&mut self, blocks: Vec<Block<'a>>) {
        let ended = std::mem::take(&mut self.ended);
        match self.turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some(last) if last.role == Role::Assistant && !ended => last.blocks.extend(blocks),
            Some(_) | None => self.turns.push(Turn { role: Role::Assistant, blocks }),
        }
    }

    fn call(&mut self, item: &Members<'a>, input: Input<'a>, changes: &mut Changes) -> Result<(), Need> {
        strip(item, OF_ITEM, changes);
        let id = item.text("call_id").filter(|id| !id.is_empty()).ok_or(CALL)?;
        let name = tools::flat(item.text("namespace").as_deref(), &item.text("name").ok_or(CALL)?);
        self.calls.insert(id.clone());
        self.answer(vec![Block::Call(Call { id, name, input })]);
        Ok(())
    }

    /// Adds a result. One without its call becomes a text of the user.
    fn result(&mut self, item: &Members<'a>, changes: &mut Changes) -> Result<(), Need> {
        strip(item, OF_ITEM, changes);
        let id = item.text("call_id").ok_or(RESULT)?;
        let blocks =
            item.raw("output").map(|output| content(output, changes)).transpose()?.unwrap_or_default();
        self.ended = true;
        if self.calls.contains(&id) && !self.results.contains_key(&id) {
            self.results.insert(id.clone(), CallResult { id, failed: false, blocks });
            return Ok(());
        }
        changes.note(Verb::Flattened, "tool_history");
        let mut shown = vec![Block::Text("[result of an earlier call]".to_owned())];
        shown.extend(blocks);
        self.turns.push(Turn { role: Role::User, blocks: shown });
        Ok(())
    }
}

/// Input that a model wrote wrongly. The conversation goes on with it, as the text that it is.
fn broken<'a>(arguments: &str, changes: &mut Changes) -> Result<Input<'a>, Need> {
    changes.note(Verb::Mapped, "tool_arguments");
    let object = serde_json::json!({"_raw": arguments}).to_string();
    Input::of_arguments(&object).ok_or(CALL)
}

/// The blocks of a content, which is a text or a list.
fn content<'a>(content: &'a RawValue, changes: &mut Changes) -> Result<Vec<Block<'a>>, Need> {
    if let Some(text) = text(content) {
        return Ok(if text.is_empty() { Vec::new() } else { vec![Block::Text(text)] });
    }
    let mut blocks = Vec::new();
    for part in list(content).ok_or(CONTENT)? {
        blocks.extend(self::part(&Members::of(part).ok_or(CONTENT)?, changes)?);
    }
    Ok(blocks)
}

/// A part of a content; `None` if nothing is in it.
fn part<'a>(part: &Members<'_>, changes: &mut Changes) -> Result<Option<Block<'a>>, Need> {
    strip(part, OF_PART, changes);
    let of_text = |name: &str| {
        let text = part.text(name).ok_or(PART)?;
        Ok((!text.is_empty()).then_some(Block::Text(text)))
    };
    match part.text("type").as_deref() {
        Some("input_text" | "output_text" | "text" | "summary_text" | "reasoning_text") => of_text("text"),
        Some("refusal") => of_text("refusal"),
        Some("input_image") => sources::image(part).map(Some),
        Some("input_file") => sources::document(part, changes).map(Some),
        Some("input_audio") => Ok(Some(Block::Foreign(Need::Audio))),
        Some(_) => Ok(Some(Block::Foreign(Need::ServerTool(ServerTool::Content)))),
        None => Err(PART),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns of some items, each as one line, and the changes.
    fn turns(items: &[&str]) -> Result<(Vec<String>, Vec<String>), Need> {
        let items: Vec<Box<RawValue>> =
            items.iter().map(|item| RawValue::from_string((*item).to_owned()).expect("JSON")).collect();
        let (mut conversation, mut changes) = (Conversation::default(), Changes::default());
        for item in &items {
            conversation.add(item, &mut changes)?;
        }
        let line = |turn: &Turn<'_>| {
            let blocks = turn.blocks.iter().map(|block| match block {
                Block::Text(text) => text.clone(),
                Block::Call(call) => format!("{}({}){}", call.name, call.id, call.input.get()),
                Block::Result(result) => format!("={}", result.id),
                other => format!("{other:?}"),
            });
            format!("{:?}: {}", turn.role, blocks.collect::<Vec<_>>().join(", "))
        };
        let lines = conversation.into_turns(&mut changes).iter().map(line).collect();
        Ok((lines, changes.into_names()))
    }

    const ASK: &str = r#"{"role":"user","content":"Go"}"#;
    const ONE: &str = r#"{"type":"function_call","call_id":"1","name":"f","arguments":"{\"a\": 1}"}"#;
    const TWO: &str = r#"{"type":"custom_tool_call","call_id":"2","namespace":"n","name":"g","input":"x"}"#;
    const ONE_OUT: &str = r#"{"type":"function_call_output","call_id":"1","output":"ok"}"#;
    const TWO_OUT: &str =
        r#"{"type":"custom_tool_call_output","call_id":"2","output":[{"type":"input_text","text":"fine"}]}"#;

    #[test]
    fn calls_of_one_answer_are_one_turn_and_their_results_follow() {
        let reasoning = r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"}"#;
        let (read, changes) = turns(&[ASK, reasoning, ONE, TWO, ASK, TWO_OUT, ONE_OUT]).expect("turns");
        let expected = [
            "User: Go",
            "Assistant: Reasoning, f(1){\"a\": 1}, n__g(2){\"input\":\"x\"}",
            "User: =1, =2",
            "User: Go",
        ];
        assert_eq!(read, expected);
        assert_eq!(changes, ["wrapped:custom_tool"]);
        let (read, _) = turns(&[ASK, ONE, ONE_OUT, TWO, TWO_OUT]).expect("turns");
        let expected = [
            "User: Go",
            "Assistant: f(1){\"a\": 1}",
            "User: =1",
            "Assistant: n__g(2){\"input\":\"x\"}",
            "User: =2",
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn what_claude_has_signed_is_in_the_turn_of_its_calls() {
        let item = |content: &str| {
            format!(
                r#"{{"type":"reasoning","summary":[{{"type":"summary_text","text":"T"}}],"encrypted_content":"{content}"}}"#
            )
        };
        let (signed, hidden) = (item("ZmFpbHNvZnQ6Y2xhdWRlc2ln"), item("ZmFpbHNvZnQ6aGlkZGVueA=="));
        let (read, _) = turns(&[ASK, &signed, &hidden, ONE, ONE_OUT]).expect("turns");
        let signed = r#"Signed(Text { text: "T", signature: "c2ln" })"#;
        let answer = format!(r#"Assistant: {signed}, Signed(Redacted("eA==")), f(1){{"a": 1}}"#);
        let expected = ["User: Go", answer.as_str(), "User: =1"];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_call_without_a_result_and_a_result_without_a_call_are_texts() {
        let (read, changes) = turns(&[ONE, ASK, TWO_OUT]).expect("turns");
        assert_eq!(
            read,
            ["Assistant: [call of f: {\"a\": 1}]", "User: Go", "User: [result of an earlier call], fine"]
        );
        assert_eq!(changes, ["flattened:tool_history"]);
    }

    #[test]
    fn state_of_a_provider_and_tools_of_servers_are_needed() {
        for (item, need) in [
            (r#"{"type":"item_reference","id":"msg_1"}"#, Need::StoredState),
            (r#"{"id":"rs_1"}"#, Need::StoredState),
            (r#"{"type":"compaction","encrypted_content":"x"}"#, Need::StoredState),
            (r#"{"type":"computer_call","call_id":"c"}"#, Need::ServerTool(ServerTool::ComputerUse)),
            (r#"{"role":"other","content":"x"}"#, ITEM),
            (r#"{"role":"user"}"#, ITEM),
            (r#"{"role":"user","content":[{"text":"x"}]}"#, PART),
            (r#"{"type":"function_call","name":"f","arguments":"{}"}"#, CALL),
            (r#"{"type":"function_call_output","output":"x"}"#, RESULT),
            ("7", ITEM),
        ] {
            assert_eq!(turns(&[item]), Err(need), "{item}");
        }
    }
}
