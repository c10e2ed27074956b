//! What a stream has said so far, and what an event of it comes to.

use bytes::Bytes;

use crate::gateway::call::choices::{Choices, Indices, Verdict};
use crate::gateway::call::classify::Fault;
use crate::gateway::call::frame::{Identity, Inspected};
use crate::gateway::call::usable_answer::{end_fault, is_withheld};
use crate::gateway::usage::pricing::{Reported, Tier};
use crate::gateway::usage::text_size::TextSize;

/// What a stream has said so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Something that a caller would show.
    pub content: bool,
    /// A `finish_reason`.
    pub finished: bool,
    /// How much content.
    pub size: TextSize,
    /// The provider's own count.
    pub usage: Reported,
    /// The choices that have begun.
    pub(super) begun: Indices,
    /// Those of them that have come to their end.
    pub(super) over: Indices,
    /// A choice went on after its end, so an end says little here.
    pub(super) goes_on: bool,
    /// Which model the provider says that it is, as a raw JSON string.
    upstream_model: Option<Box<[u8]>>,
    /// The stream's identity.
    pub identity: Option<Identity>,
}

/// What one event came to.
#[derive(Debug)]
pub(super) enum Event {
    /// Held back until a real frame comes.
    Preface,
    /// A real frame.
    Real,
    /// A choice ended, and there is nothing in it.
    Unusable(Unusable),
    /// `[DONE]`, kept out of the output.
    Done(Bytes),
}

/// An end before any content.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) fault: Fault,
    /// It is all that the caller gets if no other candidate answers.
    pub(super) withheld: bool,
}

/// What reading came to.
pub(in crate::gateway) enum Read {
    /// More frames were written.
    More,
    /// `[DONE]` came at the end; its bytes are not written yet.
    Done(Bytes),
    /// The body ended without it.
    End,
}

impl Seen {
    /// Whether every choice that began has come to its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.hold(self.begun)
    }

    /// Whether as many choices as were wanted have come to their end.
    #[must_use]
    pub fn is_complete(&self, wanted: u32) -> bool {
        self.is_over() && !self.goes_on && self.over.count() >= wanted
    }

    /// Takes in what the choices of a chunk say.
    pub(super) fn take(&mut self, choices: &Choices) -> Event {
        let before = self.content;
        self.content |= choices.content;
        self.finished |= choices.finished;
        self.size = self.size.then(choices.size);
        match choices.verdict() {
            Verdict::Usable => Event::Real,
            Verdict::Bad(ending) if !before => {
                Event::Unusable(Unusable { fault: end_fault(ending), withheld: is_withheld(ending) })
            }
            Verdict::Bad(_) | Verdict::Error => Event::Real,
            Verdict::Nothing => Event::Preface,
        }
    }

    /// Takes the provider's count. One that comes with the name of another model than the answer's is suspect.
    pub(super) fn count(&mut self, chunk: &Inspected, line: &[u8]) {
        if chunk.usage.present || chunk.usage.tier == Some(Tier::Special) {
            let other = chunk.upstream_model(line).zip(self.upstream_model.as_deref());
            let other = other.is_some_and(|(name, known)| name != known);
            let usage = if other { chunk.usage.of_another_model() } else { chunk.usage };
            self.usage = self.usage.followed_by(usage);
        } else if self.upstream_model.is_none() {
            self.upstream_model = chunk.upstream_model(line).map(Into::into);
        }
    }
}
