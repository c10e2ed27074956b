//! Decides whether a caller can use a provider's answer. Whole answers, assembled streams and the frames of a stream
//! are all judged by [`ChoicesSoFar`].

pub(in crate::gateway::call) mod event_error;
mod first_bytes;
pub(in crate::gateway::call) mod message_event;
pub(in crate::gateway) mod operation;
pub(in crate::gateway) mod passed;
mod passed_event;
pub(in crate::gateway) mod passed_reader;
pub(in crate::gateway) mod relaying;
mod vectors;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::choices::{ChoicesSoFar, Verdict};
use super::classify::{Fault, Filter, Garbage};
use super::frame::{Inspected, NoAnswer};
use crate::dialects::Dialect;
use crate::gateway::usage::pricing::{Reported, parse_inside};
use crate::limits::shares::{LARGE, Share};
use crate::providers::{self, FinishMeaning, FinishReason};

/// The result of judging a whole answer.
#[derive(Debug)]
pub(in crate::gateway) enum Judged {
    /// A caller can use it.
    Usable(Inspected),
    /// It counts as a failure and is served only if no other candidate answers. `None` if it is not a completion,
    /// such as a blocked prompt.
    Withheld(Option<Inspected>, Fault),
    /// It is not an answer, but may have reported usage.
    Failed(Fault, Reported),
}

/// Judges a whole answer that is to have so many choices; a large one is parsed off the event loop.
pub(in crate::gateway) async fn judge_off_event_loop(
    dialect: Dialect,
    choices: usize,
    body: &Bytes,
    share: &Share,
) -> Judged {
    if body.len() <= LARGE {
        return judge(dialect, choices, body);
    }
    let text = body.clone();
    let judged = share.read_large(move || judge(dialect, choices, &text)).await;
    judged.unwrap_or_else(|_| failed(Fault::Garbage(Garbage::NoRoom)))
}

/// Judges a whole answer that is to have so many choices.
pub(in crate::gateway) fn judge(dialect: Dialect, choices: usize, body: &[u8]) -> Judged {
    if body.trim_ascii().is_empty() {
        return failed(Fault::Garbage(Garbage::Empty));
    }
    let mut answer = match Inspected::unmeasured(dialect, body) {
        Ok(answer) => answer,
        Err(NoAnswer::Blocked) => return Judged::Withheld(None, Fault::Filtered(Filter::Prompt)),
        Err(no_answer) => {
            let reported = std::str::from_utf8(body).map(parse_inside).unwrap_or_default();
            return Judged::Failed(no_answer_fault(no_answer, body), reported);
        }
    };
    answer.usage = answer.choice_usage.instead_of(answer.usage);
    // Only a provider that reports no usage makes an estimate necessary.
    if !answer.usage.is_sound() {
        answer.choices.size = Inspected::size(dialect, body);
    }
    let mut so_far = ChoicesSoFar::of(choices);
    let verdict = so_far.take(&answer.choices);
    if matches!(verdict, Verdict::Usable | Verdict::Nothing)
        && let Some(error) = answer.error_beside(body)
    {
        return Judged::Failed(Fault::Upstream(error), answer.usage);
    }
    let fault = match verdict {
        // A delta belongs to another protocol.
        Verdict::Usable if !answer.choices.message => Fault::Garbage(Garbage::NoMessage),
        Verdict::Usable if answer.choices.in_delta && !answer.choices.in_message => {
            Fault::Garbage(Garbage::NoContent)
        }
        // What there is of it is better than nothing.
        Verdict::Usable if so_far.lack_one() => {
            return Judged::Withheld(Some(answer), Fault::Garbage(Garbage::MissingChoice));
        }
        Verdict::Usable => return Judged::Usable(answer),
        Verdict::Nothing if answer.choices.finished && !answer.choices.message => {
            Fault::Garbage(Garbage::NoMessage)
        }
        Verdict::Nothing if answer.choices.any => Fault::Garbage(Garbage::NoContent),
        Verdict::Nothing => Fault::Garbage(Garbage::NoChoice),
        Verdict::Error => error_of_choice(&answer, body),
        Verdict::Bad(ending) if is_withheld(ending) => {
            return Judged::Withheld(Some(answer), end_fault(ending));
        }
        Verdict::Bad(ending) => end_fault(ending),
    };
    Judged::Failed(fault, answer.usage)
}

/// A failure without usage.
fn failed(fault: Fault) -> Judged {
    Judged::Failed(fault, Reported::default())
}

/// The fault for an error in place of a choice.
pub(in crate::gateway) fn error_of_choice(answer: &Inspected, text: &[u8]) -> Fault {
    answer.error_of_choice(text).map_or(Fault::Garbage(Garbage::Inference), Fault::Upstream)
}

/// Whether an answer with this end is served if no other candidate answers: those that a filter emptied, and those
/// with an unknown `finish_reason`, which the caller may know.
pub(in crate::gateway) fn is_withheld(ending: FinishReason) -> bool {
    match ending.finish {
        FinishMeaning::Filtered | FinishMeaning::Unknown => true,
        FinishMeaning::Complete
        | FinishMeaning::Calls
        | FinishMeaning::ContextWindow
        | FinishMeaning::Overloaded
        | FinishMeaning::Error
        | FinishMeaning::Broken => false,
    }
}

/// The fault for an end without content.
pub(in crate::gateway) fn end_fault(ending: FinishReason) -> Fault {
    match ending.finish {
        FinishMeaning::Filtered => Fault::Filtered(Filter::FinishReason(ending.rule)),
        FinishMeaning::ContextWindow | FinishMeaning::Overloaded => {
            Fault::Upstream(Box::new(providers::error_of_finish_reason(ending)))
        }
        FinishMeaning::Calls => Fault::Garbage(Garbage::NoCall),
        FinishMeaning::Error | FinishMeaning::Broken => Fault::Garbage(Garbage::Inference),
        FinishMeaning::Unknown | FinishMeaning::Complete => Fault::Garbage(Garbage::UnknownEnd),
    }
}

/// The fault for a text that is not an answer.
pub(in crate::gateway) fn no_answer_fault(no_answer: NoAnswer, body: &[u8]) -> Fault {
    match no_answer {
        NoAnswer::Error(error) => Fault::Upstream(error),
        NoAnswer::Blocked => Fault::Filtered(Filter::Prompt),
        NoAnswer::Broken if body.trim_ascii_start().starts_with(b"<") => Fault::Garbage(Garbage::Html),
        NoAnswer::Broken => match error_at_the_start(body) {
            Some(NoAnswer::Error(error)) => Fault::Upstream(error),
            Some(NoAnswer::Blocked | NoAnswer::Broken) | None => Fault::Garbage(Garbage::BrokenJson),
        },
    }
}

/// An error object with text after it, or in a list, as some vendors send it.
fn error_at_the_start(body: &[u8]) -> Option<NoAnswer> {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>();
    let first = values.next()?.ok()?;
    if first.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(first.get()).ok()?;
        return Inspected::new(items.first()?.get().as_bytes()).err();
    }
    Inspected::new(first.get().as_bytes()).err()
}

#[cfg(test)]
mod tests;
