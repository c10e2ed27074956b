//! An answer in no dialect: what the model wrote, why it ended, and its tokens; whole, or as events.

use super::turns::{Call, Signed};

/// A whole answer of a model.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The provider's id of the answer.
    pub id: String,
    /// What the model wrote, in order.
    pub parts: Vec<Part<'a>>,
    /// Why the answer ended.
    pub stop: Stop,
    /// The text that ended the answer, if it was one of the caller's.
    pub stop_sequence: Option<String>,
    /// Whether a call in which the answer broke off was left out.
    pub cut: bool,
}

impl Answer<'_> {
    /// Whether a limit ended the answer within a call, of which nothing can be shown.
    #[must_use]
    pub const fn is_cut_by_limit(&self) -> bool {
        match self.stop {
            Stop::Length | Stop::Window => self.cut,
            Stop::End | Stop::Sequence | Stop::Calls | Stop::Refused => false,
        }
    }
}

/// A part of an answer.
#[derive(Debug)]
pub enum Part<'a> {
    /// The reasoning before the answer.
    Reasoning(String),
    /// Reasoning with its vendor's signature, which its caller can send back.
    Signed(Signed),
    /// A text of the model.
    Text(String),
    /// A call of a tool.
    Call(Call<'a>),
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The model had finished.
    End,
    /// One of the caller's stop sequences.
    Sequence,
    /// The model calls tools.
    Calls,
    /// The limit of the answer.
    Length,
    /// The context window is full.
    Window,
    /// The model or a filter refused to go on.
    Refused,
}

impl Stop {
    /// The reason that fits what was written: there are calls if and only if the reason says so, unless the answer broke
    /// off.
    #[must_use]
    pub const fn of_answer(self, calls: bool) -> Self {
        match self {
            Self::End | Self::Sequence | Self::Calls if calls => Self::Calls,
            Self::Calls => Self::End,
            Self::End | Self::Sequence | Self::Length | Self::Window | Self::Refused => self,
        }
    }

    /// Whether the answer broke off, so that the last call in it may be incomplete.
    #[must_use]
    pub const fn breaks_off(self) -> bool {
        match self {
            Self::Length | Self::Window | Self::Refused => true,
            Self::End | Self::Sequence | Self::Calls => false,
        }
    }
}

/// The tokens of an answer, in parts that do not overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Prompt tokens that no cache held.
    pub fresh: i64,
    /// Prompt tokens that were read from the cache.
    pub cache_read: i64,
    /// Prompt tokens that were written to the cache.
    pub cache_write: i64,
    /// Tokens of the answer, reasoning included.
    pub output: i64,
    /// Tokens of the reasoning among them.
    pub reasoning: i64,
}

impl Tokens {
    /// The whole prompt, cached or not.
    #[must_use]
    pub const fn prompt(&self) -> i64 {
        self.fresh.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }
}

/// Something that happens in a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The stream begins, with the provider's id of the answer.
    Begin(String),
    /// A piece of text.
    Text(String),
    /// A piece of reasoning.
    Reasoning(String),
    /// Claude's signature of the reasoning until now, which ends it.
    Signature(String),
    /// Reasoning of Claude that is encrypted as a whole.
    Redacted(String),
    /// Gemini's signature of the call that begins next, as [`Signed::Call`] has it.
    CallSignature(String),
    /// A call begins, at this position among the calls.
    Call {
        /// The position among the calls.
        position: usize,
        /// The id of the call.
        id: String,
        /// The name of the tool.
        name: String,
    },
    /// A piece of the input of a call that has begun.
    Input {
        /// The position among the calls.
        position: usize,
        /// A piece of JSON.
        json: String,
    },
    /// The text of the caller that ends the answer, before its end.
    StopSequence(String),
    /// The answer ends, as far as its provider says so: some repeat it in each chunk, or fail after it.
    Stop(Stop),
}

impl Event {
    /// Whether a caller can show it or act on it.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        match self {
            Self::Text(_) | Self::Reasoning(_) | Self::Call { .. } => true,
            // A piece of an input belongs to a call that has begun, and a signature says nothing.
            Self::Begin(_)
            | Self::Signature(_)
            | Self::Redacted(_)
            | Self::CallSignature(_)
            | Self::Input { .. }
            | Self::StopSequence(_)
            | Self::Stop(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stop;

    #[test]
    fn a_call_and_the_reason_for_it_come_together() {
        for (stop, without, with) in [
            (Stop::End, Stop::End, Stop::Calls),
            (Stop::Sequence, Stop::Sequence, Stop::Calls),
            (Stop::Calls, Stop::End, Stop::Calls),
            (Stop::Length, Stop::Length, Stop::Length),
            (Stop::Window, Stop::Window, Stop::Window),
            (Stop::Refused, Stop::Refused, Stop::Refused),
        ] {
            assert_eq!((stop.of_answer(false), stop.of_answer(true)), (without, with));
        }
    }
}
