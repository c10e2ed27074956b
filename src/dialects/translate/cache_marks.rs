//! The marks for the cache in a request that is translated. Providers refuse more than four of them.

use crate::dialects::change::Changes;
use crate::dialects::turns::cache_mark::NAME;
use crate::dialects::turns::{Block, Request};

/// The most marks of a request.
const MOST: usize = 4;

/// Leaves out what is more than providers take. The last ones remain: each keeps all that is before it.
pub(super) fn limit(request: &mut Request<'_>, changes: &mut Changes) {
    let mut surplus = count(request).saturating_sub(MOST);
    if surplus == 0 {
        return;
    }
    changes.stripped(NAME);
    for tool in &mut request.tools {
        if surplus > 0 && tool.mark.take().is_some() {
            surplus -= 1;
        }
    }
    for block_list in request.turns.iter_mut().map(|turn| &mut turn.blocks) {
        for block in block_list.iter_mut() {
            if let Block::Result(result) = block {
                leave_out(&mut result.blocks, &mut surplus);
            }
        }
        leave_out(block_list, &mut surplus);
    }
}

fn leave_out(blocks: &mut Vec<Block<'_>>, surplus: &mut usize) {
    blocks.retain(|block| {
        let is_left_out = *surplus > 0 && is_mark(block);
        *surplus -= usize::from(is_left_out);
        !is_left_out
    });
}

fn count(request: &Request<'_>) -> usize {
    let of_tools = request.tools.iter().filter(|tool| tool.mark.is_some()).count();
    let blocks = || request.turns.iter().flat_map(|turn| &turn.blocks);
    let inside =
        blocks().filter_map(|block| if let Block::Result(result) = block { Some(result) } else { None });
    let of_results = inside.flat_map(|result| &result.blocks).filter(|block| is_mark(block)).count();
    let of_turns = blocks().filter(|block| is_mark(block)).count();
    of_tools + of_results + of_turns + usize::from(request.cache.is_some())
}

fn is_mark(block: &Block<'_>) -> bool {
    matches!(block, Block::CacheMark(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::turns::cache_mark::CacheMark;
    use crate::dialects::turns::{CallResult, Role, Tool, Turn};

    fn request(turns: &[usize], auto: bool) -> Request<'static> {
        let marks = |count: usize| (0..count).map(|_| Block::CacheMark(CacheMark::Usual));
        let turn = |count: &usize| {
            let text = Block::Text("Hi".to_owned());
            let blocks = std::iter::once(text).chain(marks(*count)).collect();
            Turn { role: Role::User, blocks }
        };
        let tool = Tool {
            name: "f".to_owned(),
            description: None,
            schema: None,
            strict: None,
            mark: Some(CacheMark::Hour),
        };
        Request {
            tools: vec![tool],
            turns: turns.iter().map(turn).collect(),
            cache: auto.then_some(CacheMark::Usual),
            ..Request::default()
        }
    }

    /// Whether the tool has a mark, and how many each turn has.
    fn left(mut request: Request<'_>) -> (bool, Vec<usize>, bool) {
        let mut changes = Changes::default();
        limit(&mut request, &mut changes);
        let of = |blocks: &[Block<'_>]| blocks.iter().filter(|block| is_mark(block)).count();
        let turns = request.turns.iter().map(|turn| of(&turn.blocks)).collect();
        (request.tools[0].mark.is_some(), turns, !changes.into_names().is_empty())
    }

    #[test]
    fn four_marks_remain_and_these_are_the_last_ones() {
        assert_eq!(left(request(&[1, 1, 1], false)), (true, vec![1, 1, 1], false));
        assert_eq!(left(request(&[1, 1, 1], true)), (false, vec![1, 1, 1], true));
        assert_eq!(left(request(&[1, 2, 1, 1], false)), (false, vec![0, 2, 1, 1], true));
        assert_eq!(left(request(&[1, 2, 1, 1], true)), (false, vec![0, 1, 1, 1], true));
        let mut nested = request(&[4], false);
        let blocks = vec![Block::CacheMark(CacheMark::Usual)];
        let result = CallResult { id: "t".to_owned(), failed: false, blocks };
        nested.turns.insert(0, Turn { role: Role::User, blocks: vec![Block::Result(result)] });
        let mut changes = Changes::default();
        limit(&mut nested, &mut changes);
        assert!(matches!(&nested.turns[0].blocks[0], Block::Result(result) if result.blocks.is_empty()));
        assert_eq!(
            (nested.turns[1].blocks.len(), changes.into_names()),
            (5, vec!["stripped:cache_control".to_owned()])
        );
    }
}
