//! A summary of a stream so far, and the kinds of its events.

use bytes::Bytes;

use crate::gateway::call::choices::{Choices, ChoicesSoFar, Indices, Verdict};
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Identity, Inspected};
use crate::gateway::call::usable_answer::{end_fault, is_withheld};
use crate::gateway::usage::pricing::{ChoiceUsage, Progress, Reported};
use crate::gateway::usage::text_size::TextSize;

/// A summary of a stream so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// The choices so far.
    pub choices: ChoicesSoFar,
    /// The size of the content.
    pub size: TextSize,
    /// The usage that the provider reported, without that of choices.
    pub usage: Reported,
    /// The usage that choices reported.
    choice_usage: ChoiceUsage,
    /// Whether the chunk that is being read has both usage and content.
    fresh: bool,
    /// Whether content followed the last usage that counted it, so that the counts are a lower bound.
    pub early: bool,
    /// The size of the content that followed that usage.
    pub since_usage: TextSize,
    /// Whether the usage counts everything, although a choice has no end.
    pub settled: bool,
    /// Whether there was something that no token price covers.
    pub extras: bool,
    /// Whether there was a call of a tool that the vendor runs, without a usage after it. Only that counts those that are
    /// billed apart.
    pub uncounted: bool,
    /// Whether a usage repeated the count before it, although there was content between them.
    repeated: bool,
    /// The model name that the provider sent, as raw JSON.
    pub upstream_model: Option<Box<[u8]>>,
    /// The stream's `id`, `object` and `created`.
    pub identity: Option<Identity>,
}

/// The kind of one event.
#[derive(Debug)]
pub(super) enum Event {
    /// An event to hold until a real frame arrives.
    Preface,
    /// A frame with content, or with the normal end of a choice.
    Real,
    /// A choice ended without content.
    Unusable(Unusable),
    /// `[DONE]`, which is not written to the output.
    Done(Bytes),
}

/// A choice that ended before any content.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) fault: Fault,
    /// Whether it is served if no other candidate answers.
    pub(super) withheld: bool,
}

/// The result of reading frames.
pub(in crate::gateway) enum Read {
    /// More frames were written.
    More,
    /// `[DONE]` arrived; its bytes are not written yet.
    Done(Bytes),
    /// The body ended without `[DONE]`.
    End,
}

impl Seen {
    /// Nothing of a stream that is to have so many choices.
    pub(super) fn of(choices: usize) -> Self {
        Self { choices: ChoicesSoFar::of(choices), ..Self::default() }
    }

    /// Adds the choices of a chunk.
    pub(super) fn take(&mut self, choices: &Choices) -> Event {
        // The usage of a chunk counts the content beside it.
        if !std::mem::take(&mut self.fresh) && self.has_usage() {
            self.early |= choices.content;
            self.since_usage = self.since_usage.then(choices.size);
        }
        self.size = self.size.then(choices.size);
        match self.choices.take(choices) {
            Verdict::Usable | Verdict::Error => Event::Real,
            Verdict::Bad(ending) => {
                Event::Unusable(Unusable { fault: end_fault(ending), withheld: is_withheld(ending) })
            }
            Verdict::Nothing => Event::Preface,
        }
    }

    /// Adds a chunk of nothing but text, like an earlier one of the same choice.
    pub(super) fn say(&mut self, choice: Indices, json: &str) {
        self.choices.goes_on(choice);
        let size = TextSize::of_piece(json);
        if self.has_usage() {
            self.early = true;
            self.since_usage = self.since_usage.then(size);
        }
        self.size = self.size.then(size);
    }

    /// Fails if a choice ends after content with the word for an answer that broke off.
    pub(super) fn refuse_broken_end(&self, choices: &Choices) -> Result<(), Fault> {
        if choices.broken_off && self.choices.content {
            Err(Fault::Garbage(Garbage::Inference))
        } else {
            Ok(())
        }
    }

    fn has_usage(&self) -> bool {
        self.usage.present || !self.choice_usage.is_empty()
    }

    /// The usage that the provider reported.
    #[must_use]
    pub fn reported(&self) -> Reported {
        self.choice_usage.instead_of(self.usage)
    }

    /// Replaces the usage of a message by one that includes what a later event `counted`.
    pub(super) fn replace_usage(&mut self, usage: Reported, counted: &Reported) {
        let progress = counted.progress(&self.reported());
        self.usage = usage;
        self.counted(progress, false);
    }

    /// Notes a usage of an event with or without content. Not every one counts what came before it: some providers repeat
    /// an early count, leave it out later, or count each chunk alone.
    fn counted(&mut self, progress: Progress, content: bool) {
        let counts_all = match progress {
            Progress::Grown => true,
            // A short answer can end with the count that it began with. If it goes on after that, chunks count themselves.
            Progress::Same => !content && (!self.early || !std::mem::replace(&mut self.repeated, true)),
            Progress::None => !content && !self.early,
        };
        if counts_all {
            self.all_is_counted(content);
        }
    }

    /// Notes that the usage counts everything until now, also the content beside it, if there is any.
    fn all_is_counted(&mut self, content: bool) {
        (self.early, self.fresh) = (false, content);
        self.since_usage = TextSize::default();
    }

    /// Adds the usage of a piece of Gemini's stream. It counts everything until then, so one that repeats the count before
    /// it counts the content between them, too.
    pub(super) fn count_cumulative(&mut self, piece: &Inspected, line: &[u8]) {
        let known = self.reported().output;
        self.count(piece, line);
        if piece.usage.output.is_some_and(|count| count > 0 && known.is_none_or(|known| count >= known)) {
            self.all_is_counted(piece.choices.content || piece.choices.nameless);
        }
    }

    /// Adds the usage of a chunk. It is flagged if it names another model than the answer does.
    pub(super) fn count(&mut self, chunk: &Inspected, line: &[u8]) {
        let of_choices = !chunk.choice_usage.is_empty();
        self.usage.tier = chunk.usage.tier.or(self.usage.tier);
        if chunk.usage.present || of_choices {
            let other = chunk.upstream_model(line).zip(self.upstream_model.as_deref());
            let other = other.is_some_and(|(name, known)| name != known);
            let usage = if other { chunk.usage.of_another_model() } else { chunk.usage };
            let (known, first) = (self.reported(), !self.has_usage());
            self.usage = self.usage.followed_by(usage);
            if of_choices {
                self.choice_usage.extend(&chunk.choice_usage, other);
            }
            if usage.present || of_choices {
                let added = if of_choices { self.reported() } else { usage };
                let progress = if first { Progress::Grown } else { added.progress(&known) };
                self.counted(progress, chunk.choices.content || chunk.choices.nameless);
            }
        } else if self.upstream_model.is_none() {
            self.upstream_model = chunk.upstream_model(line).map(Into::into);
        }
    }
}
