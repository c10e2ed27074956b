//! The order of a conversation that is translated: nothing at a place that cannot hold it, no result without its call, and no
//! call without its result, which no dialect accepts.

use std::collections::BTreeMap;

use crate::dialects::change::{Changes, Verb};
use crate::dialects::need::Need;
use crate::dialects::turns::{Block, Role, Turn};

const OF_SYSTEM: Need = Need::Translation("a message of the system holds more than text");
const OF_USER: Need = Need::Translation("a call of a tool is in a message that is not the assistant's");
const OF_ASSISTANT: Need =
    Need::Translation("a message of the assistant holds an image, a document or the result of a tool");

/// Checks that each turn holds only what its author can say.
///
/// # Errors
/// A block is at a place that cannot hold it.
pub(super) fn check(turns: &[Turn<'_>]) -> Result<(), Need> {
    for turn in turns {
        let has = |is: fn(&Block<'_>) -> bool| turn.blocks.iter().any(is);
        match turn.role {
            Role::System if has(is_source) || has(is_call) || has(is_result) => return Err(OF_SYSTEM),
            Role::User if has(is_call) => return Err(OF_USER),
            Role::Assistant if has(is_source) || has(is_result) => return Err(OF_ASSISTANT),
            Role::System | Role::User | Role::Assistant => {}
        }
    }
    Ok(())
}

fn is_source(block: &Block<'_>) -> bool {
    matches!(block, Block::Image(_) | Block::Document(_))
}

fn is_call(block: &Block<'_>) -> bool {
    matches!(block, Block::Call(_))
}

fn is_result(block: &Block<'_>) -> bool {
    matches!(block, Block::Result(_))
}

/// Makes texts of results without their calls and of calls without their results. A result belongs to a call of the last answer
/// before it; the calls of an answer that ends the conversation have no results yet. Ids are those of one call each.
pub(super) fn flatten_orphans(turns: &mut [Turn<'_>], changes: &mut Changes) {
    let orphans = orphans(turns);
    for (turn, orphans) in turns.iter_mut().zip(orphans).filter(|(_, orphans)| orphans.contains(&true)) {
        changes.note(Verb::Flattened, "tool_history");
        let blocks = std::mem::take(&mut turn.blocks).into_iter().zip(orphans);
        let flat = blocks.flat_map(|(block, orphan)| if orphan { flat(block) } else { vec![block] });
        turn.blocks = flat.collect();
    }
}

/// The text of a call, or of a result and what it holds.
fn flat(block: Block<'_>) -> Vec<Block<'_>> {
    match block {
        Block::Call(call) => vec![Block::Text(format!("[call of {}: {}]", call.name, call.input.get()))],
        Block::Result(result) => {
            let mut shown = vec![Block::Text("[result of an earlier call]".to_owned())];
            shown.extend(result.blocks);
            shown
        }
        other => vec![other],
    }
}

/// Whether each block of each turn is a call or a result that has no counterpart.
fn orphans(turns: &[Turn<'_>]) -> Vec<Vec<bool>> {
    let mut found: Vec<Vec<bool>> = turns.iter().map(|turn| vec![false; turn.blocks.len()]).collect();
    // The calls of the last answer without their results so far, by their ids.
    let mut waiting: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    // Whether anything followed that answer.
    let mut followed = false;
    for (at, turn) in turns.iter().enumerate() {
        if turn.role == Role::Assistant && std::mem::take(&mut followed) {
            std::mem::take(&mut waiting).into_values().for_each(|place| mark(&mut found, place));
        }
        followed |= turn.role != Role::Assistant;
        for (index, block) in turn.blocks.iter().enumerate() {
            match block {
                Block::Call(call) => {
                    waiting.insert(&call.id, (at, index));
                }
                Block::Result(result) if waiting.remove(result.id.as_str()).is_none() => {
                    mark(&mut found, (at, index));
                }
                _ => {}
            }
        }
    }
    if followed {
        waiting.into_values().for_each(|place| mark(&mut found, place));
    }
    found
}

fn mark(found: &mut [Vec<bool>], (turn, block): (usize, usize)) {
    if let Some(orphan) = found.get_mut(turn).and_then(|blocks| blocks.get_mut(block)) {
        *orphan = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::turns::{Call, CallResult, Input, Source};

    fn text(text: &str) -> Block<'static> {
        Block::Text(text.to_owned())
    }

    fn call(id: &str) -> Block<'static> {
        let input = Input::of_arguments("{}").expect("an object");
        Block::Call(Call { id: id.to_owned(), name: "f".to_owned(), input })
    }

    fn result(id: &str) -> Block<'static> {
        Block::Result(CallResult { id: id.to_owned(), failed: false, blocks: vec![text("R")] })
    }

    fn turn(role: Role, blocks: Vec<Block<'static>>) -> Turn<'static> {
        Turn { role, blocks }
    }

    /// The blocks of each turn, each as one word.
    fn shown(turns: &[Turn<'_>]) -> Vec<String> {
        let word = |block: &Block<'_>| match block {
            Block::Text(text) => text.clone(),
            Block::Call(call) => format!("call {}", call.id),
            Block::Result(result) => format!("result {}", result.id),
            other => format!("{other:?}"),
        };
        turns.iter().map(|turn| turn.blocks.iter().map(word).collect::<Vec<_>>().join(", ")).collect()
    }

    #[test]
    fn calls_and_results_without_a_counterpart_are_texts() {
        use Role::{Assistant, System, User};
        let mut turns = vec![
            turn(User, vec![result("x"), text("Hi")]),
            turn(Assistant, vec![call("a"), call("b")]),
            turn(System, vec![text("Be brief.")]),
            turn(User, vec![result("a"), result("a")]),
            turn(User, vec![result("c")]),
            turn(Assistant, vec![call("d")]),
            turn(Assistant, vec![text("and")]),
            turn(User, vec![result("d")]),
            turn(Assistant, vec![call("e")]),
        ];
        let mut changes = Changes::default();
        flatten_orphans(&mut turns, &mut changes);
        let expected = [
            "[result of an earlier call], R, Hi",
            "call a, [call of f: {}]",
            "Be brief.",
            "result a, [result of an earlier call], R",
            "[result of an earlier call], R",
            "call d",
            "and",
            "result d",
            "call e",
        ];
        assert_eq!(shown(&turns), expected);
        assert_eq!(changes.into_names(), ["flattened:tool_history"]);
        let mut whole = vec![
            turn(User, vec![text("Hi")]),
            turn(Assistant, vec![call("a")]),
            turn(User, vec![result("a")]),
        ];
        let mut changes = Changes::default();
        flatten_orphans(&mut whole, &mut changes);
        assert_eq!(shown(&whole), ["Hi", "call a", "result a"]);
        assert!(changes.into_names().is_empty());
    }

    #[test]
    fn a_block_at_a_place_that_cannot_hold_it_is_an_error() {
        let image = || Block::Image(Source::Url("https://x.example/a.png".to_owned()));
        for (role, block, expected) in [
            (Role::User, text("Hi"), Ok(())),
            (Role::User, image(), Ok(())),
            (Role::User, result("a"), Ok(())),
            (Role::User, call("a"), Err(OF_USER)),
            (Role::Assistant, call("a"), Ok(())),
            (Role::Assistant, Block::Reasoning, Ok(())),
            (Role::Assistant, image(), Err(OF_ASSISTANT)),
            (Role::Assistant, result("a"), Err(OF_ASSISTANT)),
            (Role::System, text("Hi"), Ok(())),
            (Role::System, image(), Err(OF_SYSTEM)),
            (Role::System, call("a"), Err(OF_SYSTEM)),
        ] {
            assert_eq!(check(&[turn(role, vec![block])]), expected, "{role:?}");
        }
    }
}
