//! What a failure means: a [`Fault`] becomes a [`Failure`] with its class and the rule that
//! gave it. Pure and total; it decides nothing. What a class leads to is in
//! [`class_policy`](crate::domain::class_policy).
//!
//! Facts count in the order of their reliability: what the provider's moderation reports,
//! codes, then (only where the answer calls the request bad) sentences, then the status. So
//! no sentence turns a 429 into a context error or a 400 into a rate limit. The rule's name
//! stays with the event, which makes a wrong classification findable later.
//!
//! Beside its class a failure has a scope: whether the one request caused it, or the model.

mod fault;
mod scope;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
use crate::domain::failure_scope::FailureScope;
use crate::providers::errors::codes;
use crate::providers::{Meaning, MessageRules, ResetTime, UpstreamError};

use super::redact::{redact, redact_label};

pub use fault::{ConnectFault, Fault, Filter, Garbage, Interruption, TimeoutKind};

/// The farthest that a limit's end is believed. Vendors' longest limits are those of a month; what names more is a
/// mistake in its number, or has no end that could be waited for, and one request a month finds out.
pub const FARTHEST_RESET: Duration = Duration::from_secs(31 * 24 * 3_600);

/// The rule of an answer for which the gateway has no room: it says nothing about the model.
pub const NO_ROOM: &str = "gateway:no_room";

/// The meaning of a fault, by the sentences that its organization knows now. `now` turns dates into waits.
pub fn classify(fault: &Fault, sentences: MessageRules<'_>, now: DateTime<Utc>) -> Failure {
    match fault {
        Fault::Connect(fault) => connect(*fault),
        Fault::Timeout(kind) => timeout(*kind),
        Fault::TimeBudget(kind) => time_budget(*kind),
        Fault::Upstream(error) => upstream(error, sentences, now),
        Fault::Filtered(filter) => filtered(*filter),
        Fault::Garbage(Garbage::NoRoom) => {
            let (rule, message) = describe(Garbage::NoRoom);
            Failure { scope: FailureScope::Request, ..Failure::ours(ErrorClass::Overloaded, rule, message) }
        }
        Fault::Garbage(garbage) => {
            let (rule, message) = describe(*garbage);
            let failure = Failure::ours(ErrorClass::InvalidResponse, rule, message);
            Failure { status: Some(200), scope: of_garbage(*garbage), ..failure }
        }
        Fault::Interrupted(interruption) => interrupted(interruption, sentences, now),
        Fault::Drill(class) => {
            let failure =
                Failure::ours(*class, crate::gateway::request::drills::RULE, "a drill made this model fail");
            Failure { scope: FailureScope::Request, ..failure }
        }
    }
}

fn connect(fault: ConnectFault) -> Failure {
    let (rule, message) = match fault {
        ConnectFault::Refused => ("connect:refused", "the provider refused the connection"),
        ConnectFault::Reset => ("connect:reset", "the provider closed the connection"),
        ConnectFault::Dns => ("connect:dns", "the provider's host name has no address"),
        ConnectFault::Tls => ("connect:tls", "no secure connection to the provider came about"),
        ConnectFault::Blocked => {
            ("connect:blocked", "the provider's address is not one that this gateway may call")
        }
        ConnectFault::Other => ("connect:other", "no connection to the provider came about"),
    };
    Failure::ours(ErrorClass::Unavailable, rule, message)
}

fn timeout(kind: TimeoutKind) -> Failure {
    let (rule, message) = match kind {
        TimeoutKind::Connect => ("timeout:connect", "the connection took too long"),
        TimeoutKind::FirstFrame => ("timeout:first_frame", "the first token took too long"),
        TimeoutKind::Answer => ("timeout:answer", "the answer took too long"),
        TimeoutKind::Idle => ("timeout:idle", "the provider fell silent"),
    };
    Failure::ours(ErrorClass::Timeout, rule, message)
}

/// The model had time left by its own limit; the request had none.
fn time_budget(kind: TimeoutKind) -> Failure {
    let (rule, message) = match kind {
        TimeoutKind::Connect => {
            ("time_budget:connect", "the connection took longer than the request's time budget")
        }
        TimeoutKind::FirstFrame => {
            ("time_budget:first_frame", "the first token took longer than the request's time budget")
        }
        TimeoutKind::Answer => {
            ("time_budget:answer", "the answer took longer than the request's time budget")
        }
        TimeoutKind::Idle => {
            ("time_budget:idle", "the provider fell silent until the request's time budget ended")
        }
    };
    let failure = Failure::ours(ErrorClass::Timeout, rule, message);
    Failure { scope: FailureScope::Request, ..failure }
}

fn filtered(filter: Filter) -> Failure {
    let (rule, message) = match filter {
        Filter::FinishReason(rule) => (rule, "the provider's filter withheld the answer"),
        Filter::Prompt => ("prompt:blocked", "the provider's filter blocked the prompt"),
    };
    Failure { status: Some(200), ..Failure::ours(ErrorClass::ContentPolicy, rule, message) }
}

fn describe(garbage: Garbage) -> (&'static str, &'static str) {
    match garbage {
        Garbage::Html => ("answer:html", "the provider answered with an HTML page"),
        Garbage::BrokenJson => ("answer:broken_json", "the provider's answer is broken JSON"),
        Garbage::NoChoice => ("answer:no_choice", "the provider's answer is JSON without a choice"),
        Garbage::NoContent => {
            ("answer:no_content", "the provider's answer has neither content nor a reason for its end")
        }
        Garbage::Inference => {
            ("finish_reason:error", "the provider's answer has no content, and its end reports a failure")
        }
        Garbage::UnknownEnd => {
            ("finish_reason:unknown", "the provider's answer has no content, and its end is an unknown word")
        }
        Garbage::Empty => ("answer:empty", "the provider's answer is empty"),
        Garbage::TooLarge => ("answer:too_large", "the provider's answer is too large"),
        Garbage::EventTooLong => ("answer:line_too_long", "a line of the provider's stream is too long"),
        Garbage::Truncated => ("answer:truncated", "the provider's answer ended too early"),
        Garbage::Framing => ("answer:framing", "the provider's answer is framed wrongly"),
        Garbage::NoRoom => (
            NO_ROOM,
            "the answer does not fit into what the gateway may hold for this organization; ask for fewer large answers at once",
        ),
        Garbage::ContentType => {
            ("answer:content_type", "the provider's answer is neither JSON nor a stream of events")
        }
    }
}

/// How large an answer becomes, its request decides; that the gateway has no room for it says nothing about the model.
fn of_garbage(garbage: Garbage) -> FailureScope {
    match garbage {
        // Whether an unknown word reports a failure of the model is not known.
        Garbage::TooLarge | Garbage::EventTooLong | Garbage::NoRoom | Garbage::UnknownEnd => {
            FailureScope::Request
        }
        Garbage::Html
        | Garbage::BrokenJson
        | Garbage::NoChoice
        | Garbage::NoContent
        | Garbage::Inference
        | Garbage::Empty
        | Garbage::Truncated
        | Garbage::Framing
        | Garbage::ContentType => FailureScope::Model,
    }
}

fn interrupted(interruption: &Interruption, sentences: MessageRules<'_>, now: DateTime<Utc>) -> Failure {
    let (rule, message) = match interruption {
        Interruption::Reset => ("stream:reset", "the provider's stream broke"),
        Interruption::Ended => ("stream:ended", "the provider's stream ended unfinished"),
        Interruption::Idle => ("stream:idle", "the provider's stream fell silent"),
        Interruption::Deadline => ("stream:deadline", "the provider's stream took too long"),
        Interruption::Garbage(Garbage::NoRoom) => describe(Garbage::NoRoom),
        Interruption::Garbage(garbage) => ("stream:garbage", describe(*garbage).1),
        Interruption::Upstream(error) => {
            // What it would have meant before content is of no use any more, but the
            // provider's words are, and so is the scope.
            let failure = upstream(error, sentences, now);
            let scope = match failure.scope {
                FailureScope::Request => FailureScope::Request,
                FailureScope::Open | FailureScope::Model | FailureScope::Provider => FailureScope::Model,
            };
            return Failure { class: ErrorClass::StreamInterrupted, rule: "stream:error", scope, ..failure };
        }
    };
    let scope = match interruption {
        // The longest stream is a limit of this installation; one that reaches it was answered all along.
        Interruption::Deadline => FailureScope::Request,
        Interruption::Garbage(garbage) => of_garbage(*garbage),
        Interruption::Reset | Interruption::Ended | Interruption::Idle | Interruption::Upstream(_) => {
            FailureScope::Model
        }
    };
    Failure { scope, ..Failure::ours(ErrorClass::StreamInterrupted, rule, message) }
}

fn upstream(error: &UpstreamError, sentences: MessageRules<'_>, now: DateTime<Utc>) -> Failure {
    let (class, rule, named) = meaning(error, sentences);
    let message = redact(&error.message);
    Failure {
        class,
        scope: scope::of_answer(error, class, named, sentences),
        rule,
        status: Some(error.status),
        retry_after: wait(error, class, now),
        message: if message.is_empty() {
            format!("the provider answered {} without a message", error.status)
        } else {
            message
        },
        param: error.param.as_deref().and_then(redact_label),
        code: error.code.as_deref().and_then(redact_label),
    }
}

/// The wait that was asked for; for a limit also the one until it starts over, which headers report with any answer.
fn wait(error: &UpstreamError, class: ErrorClass, now: DateTime<Utc>) -> Option<Duration> {
    let limited = matches!(class, ErrorClass::RateLimited | ErrorClass::QuotaExhausted);
    let reset = || error.reset.filter(|_| limited).and_then(|moment: ResetTime| moment.wait(now));
    error.retry_after.or_else(reset).map(|wait| wait.min(FARTHEST_RESET))
}

/// The class, the rule that gave it, and whether that is more than the status.
fn meaning(error: &UpstreamError, sentences: MessageRules<'_>) -> (ErrorClass, &'static str, bool) {
    if error.moderated && matches!(error.status, 200 | 400 | 403) {
        return (ErrorClass::ContentPolicy, "moderation:reported", true);
    }
    let said = codes::meaning(error).or_else(|| {
        reads_sentences(error).then(|| sentences.meaning(error.status, &error.message)).flatten()
    });
    match said {
        Some((meaning, rule)) => (class_of(meaning), rule, true),
        None => {
            let (class, rule) = by_status(error);
            (class, rule, false)
        }
    }
}

/// Only there are sentences worth reading: where the status calls the request bad, and in an error inside a success
/// that names no status. Elsewhere the status says more.
fn reads_sentences(error: &UpstreamError) -> bool {
    matches!(error.status, 200 | 400 | 413 | 422)
}

fn class_of(meaning: Meaning) -> ErrorClass {
    match meaning {
        Meaning::RateLimited => ErrorClass::RateLimited,
        Meaning::QuotaExhausted => ErrorClass::QuotaExhausted,
        Meaning::Overloaded => ErrorClass::Overloaded,
        Meaning::Unavailable => ErrorClass::Unavailable,
        Meaning::TimedOut => ErrorClass::Timeout,
        Meaning::ContextWindow => ErrorClass::ContextWindowExceeded,
        Meaning::ContentPolicy => ErrorClass::ContentPolicy,
        Meaning::Authentication => ErrorClass::Authentication,
        Meaning::ModelNotFound => ErrorClass::ModelNotFound,
        Meaning::InvalidRequest => ErrorClass::InvalidRequest,
    }
}

/// What a status says by itself: the first row that holds it.
const STATUSES: &[(std::ops::RangeInclusive<u16>, ErrorClass, &str)] = &[
    (400..=400, ErrorClass::InvalidRequest, "status:400"),
    (401..=401, ErrorClass::Authentication, "status:401"),
    (402..=402, ErrorClass::QuotaExhausted, "status:402"),
    (403..=403, ErrorClass::Authentication, "status:403"),
    (404..=404, ErrorClass::ModelNotFound, "status:404"),
    (408..=408, ErrorClass::Timeout, "status:408"),
    (413..=413, ErrorClass::InvalidRequest, "status:413"),
    (422..=422, ErrorClass::InvalidRequest, "status:422"),
    (429..=429, ErrorClass::RateLimited, "status:429"),
    (500..=500, ErrorClass::Unavailable, "status:500"),
    (502..=502, ErrorClass::Unavailable, "status:502"),
    (503..=503, ErrorClass::Overloaded, "status:503"),
    (504..=504, ErrorClass::Unavailable, "status:504"),
    (520..=524, ErrorClass::Unavailable, "status:52x"),
    (529..=529, ErrorClass::Overloaded, "status:529"),
    // A redirect is never followed, so it leads nowhere.
    (300..=399, ErrorClass::InvalidResponse, "status:3xx"),
    (400..=499, ErrorClass::InvalidRequest, "status:4xx"),
    (500..=599, ErrorClass::Unavailable, "status:5xx"),
];

fn by_status(error: &UpstreamError) -> (ErrorClass, &'static str) {
    match STATUSES.iter().find(|(statuses, ..)| statuses.contains(&error.status)) {
        Some((_, class, rule)) => (*class, *rule),
        // An error inside a success that names no status.
        None if codes::is_bad_request(error) => (ErrorClass::InvalidRequest, "answer:bad_request"),
        None => (ErrorClass::Unavailable, "answer:error"),
    }
}
