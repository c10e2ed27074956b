//! The choices of an answer so far: what its caller can use of them, and which are missing at its end. Whole answers and
//! streams, chats and completions are judged here.

use std::collections::BTreeMap;

use super::{Choices, Indices, Verdict};
use crate::providers::finish_reasons::finish;

/// The choices of an answer so far.
#[derive(Debug, Default)]
pub struct ChoicesSoFar {
    /// Whether there was content.
    pub content: bool,
    /// Whether there is a `finish_reason`.
    pub finished: bool,
    /// Whether a choice continued after its end, so that an end means little here: some vendors send one in every chunk.
    pub continued_after_end: bool,
    /// The number of choices that the caller asked for.
    wanted: usize,
    /// The choices that have begun.
    begun: Indices,
    /// The choices that have ended.
    over: Indices,
    /// Those with an index that a set does not tell from others, and whether they have ended. A chat has none.
    far: BTreeMap<usize, bool>,
    /// Whether there was a call without a name.
    nameless: bool,
    /// Whether the answer is served as it is.
    excused: bool,
}

impl ChoicesSoFar {
    /// No choices so far, of as many as the caller asked for.
    #[must_use]
    pub fn of(wanted: usize) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Adds the choices of an answer or of a chunk, and judges them after those before them.
    pub fn take(&mut self, choices: &Choices) -> Verdict {
        let had_content = self.content;
        self.goes_on(if choices.content || choices.nameless { choices.begun } else { Indices::default() });
        self.begun.add(choices.begun);
        self.over.add(choices.over);
        self.content |= choices.content;
        self.finished |= choices.finished;
        self.nameless |= choices.nameless;
        match choices.verdict() {
            // The call got no name before its end.
            Verdict::Usable if self.nameless && !self.content => {
                finish("tool_calls").map_or(Verdict::Nothing, Verdict::Bad)
            }
            Verdict::Bad(_) | Verdict::Error if had_content => Verdict::Usable,
            verdict => verdict,
        }
    }

    /// Adds choices beyond those that a set holds: their indices, and whether they have ended.
    pub fn take_far(&mut self, far: &[(usize, bool)]) {
        for (index, over) in far {
            // No more are kept than the caller asked for.
            let has_room = self.far.len() < self.wanted;
            if let Some(known) = self.far.get_mut(index) {
                *known |= over;
            } else if has_room {
                self.far.insert(*index, *over);
            }
        }
    }

    /// Notes content of these choices, which were added before.
    pub fn goes_on(&mut self, choices: Indices) {
        self.continued_after_end |= choices != Indices::default() && self.over.hold(choices);
    }

    /// Notes that the prompt was blocked, so that there are no choices.
    pub fn blocked(&mut self) {
        self.finished = true;
        self.excuse();
    }

    /// Notes that the answer is a failure that is served as it is, so that no choice is missing.
    pub fn excuse(&mut self) {
        self.excused = true;
        self.wanted = 0;
    }

    /// Whether the caller keeps an answer in spite of an error in these choices: content beside it, or of another choice.
    #[must_use]
    pub fn survive(&self, choices: &Choices) -> bool {
        let mut all = self.begun;
        all.add(choices.begun);
        choices.content || self.content && all.count() > 1
    }

    /// Whether there are any choices.
    #[must_use]
    pub fn have_begun(&self) -> bool {
        self.begun != Indices::default()
    }

    /// Whether there are as many choices as the caller asked for, and all have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.have_begun() && self.are_all_there() && self.all_have_ended()
    }

    /// Whether they have ended for good.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_over() && !self.continued_after_end
    }

    /// Whether a choice is missing where the provider says that the answer is complete: there are fewer than the caller asked
    /// for, or one was cut off, because it has no end and others have. Some servers send no ends at all.
    #[must_use]
    pub fn lack_one(&self) -> bool {
        !self.excused && (!self.are_all_there() || self.finished && !self.all_have_ended())
    }

    /// Whether as many choices have begun as the caller asked for. Some servers number them from another number than 0.
    fn are_all_there(&self) -> bool {
        self.count() >= self.wanted
    }

    fn all_have_ended(&self) -> bool {
        self.over.contain(self.begun) && self.far.values().all(|over| *over)
    }

    /// The number of choices that have begun.
    fn count(&self) -> usize {
        match self.far.len() {
            0 => self.begun.count() as usize,
            far => self.begun.count_below_last() as usize + far,
        }
    }
}
