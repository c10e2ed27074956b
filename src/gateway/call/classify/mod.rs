//! Classifies faults: a [`Fault`] becomes a [`Failure`] with its class and the name of the rule that matched. Pure
//! and total. What follows from a class is in [`class_policy`](crate::domain::failure::class_policy).
//!
//! Evidence is used in the order of its reliability: moderation reports, error codes, sentences (only where the
//! answer blames the request, or about the money of the account), then the status. So no sentence turns a 429 into a context error or a 400 into a rate
//! limit. The event keeps the name of the rule, so that a wrong classification can be traced.
//!
//! A failure also has a scope: the request that caused it, or the model.

mod fault;
pub(in crate::gateway) mod own_fields;
mod scope;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::providers::errors::codes;
use crate::providers::errors::phrases::{about_money, is_of_an_unknown_value};
use crate::providers::{Meaning, MessageRules, UpstreamError};

use super::redact::{redact, redact_label};

pub use fault::{ConnectFault, Fault, Filter, Garbage, Interruption, TimeoutKind};

/// The longest wait until a limit resets that is believed. The longest limits of vendors are monthly; a longer wait
/// is an error, or not worth waiting for, and one probe a month is enough.
pub const FARTHEST_RESET: Duration = Duration::from_secs(31 * 24 * 3_600);

/// The rule for an answer that does not fit into the memory share. It says nothing about the model.
pub const NO_ROOM: &str = "gateway:no_room";

/// The wait until there may be room for an answer, as for a request.
const ROOM: Duration = Duration::from_secs(1);

/// The rule for an error inside a success that says neither by a status nor by a known code what it is.
const IN_SUCCESS: &str = "answer:error";

/// The rule for a value of the request that the provider does not know, such as a voice.
const UNKNOWN_VALUE: &str = "phrase:unknown_value";

/// Classifies a fault. `sentences` are the known error messages, and `now` turns dates into waits.
pub fn classify(fault: &Fault, sentences: MessageRules<'_>, now: DateTime<Utc>) -> Failure {
    match fault {
        Fault::Connect(fault) => connect(*fault),
        Fault::Timeout(kind) => timeout(*kind),
        Fault::TimeBudget(kind) => time_budget(*kind),
        Fault::Upstream(error) => upstream(error, sentences, now),
        Fault::Filtered(filter) => filtered(*filter),
        Fault::Garbage(garbage @ (Garbage::NoRoom | Garbage::Busy)) => {
            // The same errors as before a call: 429 for an organization that uses up its share, else 503.
            let own_doing = *garbage == Garbage::NoRoom;
            let class = if own_doing { ErrorClass::RateLimited } else { ErrorClass::Overloaded };
            let (rule, message) = describe(*garbage);
            let failure = Failure::ours(class, rule, message);
            Failure { scope: FailureScope::Request, retry_after: Some(ROOM), ..failure }
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
        ConnectFault::Tls => ("connect:tls", "the TLS handshake with the provider failed"),
        ConnectFault::Blocked => {
            ("connect:blocked", "the provider's address is not one that this gateway may call")
        }
        ConnectFault::Other => ("connect:other", "the connection to the provider failed"),
    };
    let scope = match fault {
        // A server may break over a request, and then closes the connection.
        ConnectFault::Reset | ConnectFault::Other => FailureScope::Open,
        ConnectFault::Refused | ConnectFault::Dns | ConnectFault::Tls | ConnectFault::Blocked => {
            FailureScope::Model
        }
    };
    Failure { scope, ..Failure::ours(ErrorClass::Unavailable, rule, message) }
}

fn timeout(kind: TimeoutKind) -> Failure {
    let (rule, message) = match kind {
        TimeoutKind::Connect => ("timeout:connect", "the connection took too long"),
        TimeoutKind::FirstFrame => ("timeout:first_frame", "the first token took too long"),
        TimeoutKind::Answer => ("timeout:answer", "the answer took too long"),
        TimeoutKind::Idle => ("timeout:idle", "the provider fell silent"),
    };
    let scope = match kind {
        TimeoutKind::Connect => FailureScope::Model,
        // A request may take long because of what it asks for.
        TimeoutKind::FirstFrame | TimeoutKind::Answer | TimeoutKind::Idle => FailureScope::Open,
    };
    Failure { scope, ..Failure::ours(ErrorClass::Timeout, rule, message) }
}

/// A timeout of the request's time budget, before the model's own limit.
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
        Garbage::NoMessage => ("answer:no_message", "no choice of the provider's answer has a message"),
        Garbage::NoChoice => ("answer:no_choice", "the provider's answer is JSON without a choice"),
        Garbage::MissingChoice => (
            "answer:missing_choice",
            "the provider's answer has fewer choices than were asked for, or breaks off in one",
        ),
        Garbage::NoContent => {
            ("answer:no_content", "the provider's answer has neither content nor a reason for its end")
        }
        Garbage::NoCount => ("answer:no_count", "the provider's answer is not a count of tokens"),
        Garbage::NoResult => ("answer:no_result", "the provider's answer lacks the result"),
        Garbage::Embeddings => (
            "answer:embeddings",
            "the provider's answer does not have one embedding of the right size for each input",
        ),
        Garbage::NoCall => (
            "answer:no_call",
            "the provider's answer has no content, and its end names tool calls that it lacks",
        ),
        Garbage::Inference => ("finish_reason:error", "the end of the provider's answer reports a failure"),
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
        Garbage::Busy => {
            ("gateway:busy", "the answer does not fit into what the gateway may hold for all organizations")
        }
        Garbage::ContentType => {
            ("answer:content_type", "the provider's answer is neither JSON nor a stream of events")
        }
    }
}

/// The scope of an unusable answer. Its size and the number of its choices depend on the request, a full memory share says
/// nothing about the model, and the rest may be caused by either.
fn of_garbage(garbage: Garbage) -> FailureScope {
    match garbage {
        // An unknown `finish_reason` does not prove that the model failed, and some servers give one choice to everyone.
        Garbage::TooLarge
        | Garbage::EventTooLong
        | Garbage::NoRoom
        | Garbage::Busy
        | Garbage::UnknownEnd
        | Garbage::MissingChoice => FailureScope::Request,
        Garbage::Html
        | Garbage::BrokenJson
        | Garbage::NoMessage
        | Garbage::NoChoice
        | Garbage::NoContent
        | Garbage::NoCount
        | Garbage::NoResult
        | Garbage::Embeddings
        | Garbage::NoCall
        | Garbage::Inference
        | Garbage::Empty
        | Garbage::Truncated
        | Garbage::Framing
        | Garbage::ContentType => FailureScope::Open,
    }
}

fn interrupted(interruption: &Interruption, sentences: MessageRules<'_>, now: DateTime<Utc>) -> Failure {
    let (rule, message) = match interruption {
        Interruption::Reset => ("stream:reset", "the provider's stream broke"),
        Interruption::Unread => {
            ("stream:unread", "the provider's stream broke after its caller had stopped reading")
        }
        Interruption::Ended => ("stream:ended", "the provider's stream ended unfinished"),
        Interruption::Idle => ("stream:idle", "the provider's stream fell silent"),
        Interruption::Deadline => ("stream:deadline", "the provider's stream took too long"),
        Interruption::Garbage(garbage @ (Garbage::NoRoom | Garbage::Busy)) => describe(*garbage),
        Interruption::Garbage(garbage) => ("stream:garbage", describe(*garbage).1),
        Interruption::Upstream(error) => {
            // The class would matter only before content; the provider's message and the scope still do.
            let failure = upstream(error, sentences, now);
            // The request is gone, so it is unknown which words are the provider's own.
            let scope = match failure.scope {
                FailureScope::Request => FailureScope::Request,
                FailureScope::Open
                | FailureScope::UnclearLimit
                | FailureScope::Model
                | FailureScope::Provider => FailureScope::Open,
            };
            return Failure { class: ErrorClass::StreamInterrupted, rule: "stream:error", scope, ..failure };
        }
    };
    let scope = match interruption {
        // The limit for a stream belongs to this installation; the model did answer.
        Interruption::Deadline => FailureScope::Request,
        // A provider gives up a stream that is not read.
        Interruption::Unread => FailureScope::Request,
        Interruption::Garbage(garbage) => of_garbage(*garbage),
        Interruption::Reset | Interruption::Ended | Interruption::Idle | Interruption::Upstream(_) => {
            FailureScope::Open
        }
    };
    Failure { scope, ..Failure::ours(ErrorClass::StreamInterrupted, rule, message) }
}

fn upstream(error: &UpstreamError, sentences: MessageRules<'_>, now: DateTime<Utc>) -> Failure {
    let (class, rule, named) = meaning(error, sentences);
    Failure {
        class,
        scope: scope::of_answer(error, class, named, sentences),
        rule,
        status: Some(error.status),
        retry_after: wait(error, class, now),
        message: shown(&error.message, rule, error.status),
        param: error.param.as_deref().and_then(redact_label),
        code: error.code.as_deref().and_then(redact_label),
    }
}

/// The message of an error, redacted, as a sentence that is not empty.
pub(super) fn shown(message: &str, rule: &str, status: u16) -> String {
    let message = redact(message);
    match (message.is_empty(), rule) {
        (true, IN_SUCCESS) => {
            "the provider sent an error in place of an answer, without a message".to_owned()
        }
        (false, IN_SUCCESS) => format!("the provider sent an error in place of an answer: {message}"),
        (true, _) => format!("the provider answered {status} without a message"),
        (false, _) => message,
    }
}

/// The wait that the provider asks for, or for a limit the time until it resets.
fn wait(error: &UpstreamError, class: ErrorClass, now: DateTime<Utc>) -> Option<Duration> {
    if error.unread {
        return None;
    }
    let limited = matches!(class, ErrorClass::RateLimited | ErrorClass::QuotaExhausted);
    let reset = || error.reset.as_ref().filter(|_| limited).and_then(|reset| reset.time.wait(now));
    error.retry_after.or_else(reset).map(|wait| wait.min(FARTHEST_RESET))
}

/// The class, the rule that matched, and whether a code or a sentence gave the class rather than the status alone.
fn meaning(error: &UpstreamError, sentences: MessageRules<'_>) -> (ErrorClass, &'static str, bool) {
    if error.moderated && matches!(error.status, 200 | 400 | 403) {
        return (ErrorClass::ContentPolicy, "moderation:reported", true);
    }
    let coded = codes::meaning(error);
    let may_be_about_money = reads_sentences(error) || may_mean_money(error.status);
    let money = || if may_be_about_money { about_money(&error.message) } else { None };
    let said = match coded {
        // Vendors send these codes as well when the account has no money left; then only their message tells.
        Some((Meaning::Authentication | Meaning::RateLimited, _)) => money().or(coded),
        Some(_) => coded,
        None if reads_sentences(error) => sentences.meaning(error.status, &error.message),
        None => money(),
    };
    // A code for a wrong value says more than a sentence, which may quote that value.
    let said = said.filter(|(meaning, _)| {
        coded.is_some()
            || class_of(*meaning).policy().scope == FailureScope::Request
            || !codes::is_bad_value(error)
    });
    match said {
        Some((meaning, rule)) => (class_of(meaning), rule, true),
        None if is_of_an_unknown_value(error) => (ErrorClass::InvalidRequest, UNKNOWN_VALUE, true),
        None => {
            let (class, rule) = by_status(error);
            (class, rule, false)
        }
    }
}

/// Whether to match sentences: only if the status blames the request, or for an error inside a success. Otherwise the
/// status is more reliable.
fn reads_sentences(error: &UpstreamError) -> bool {
    matches!(error.status, 200 | 400 | 413 | 422)
}

/// Whether vendors send the status, which says something else, for an account without money.
fn may_mean_money(status: u16) -> bool {
    matches!(status, 401 | 403 | 412 | 429 | 500)
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

/// Whether a rule is about the status alone, without a code or a sentence.
pub(super) fn is_by_status(rule: &str) -> bool {
    rule.starts_with("status:") || rule == IN_SUCCESS
}

/// The class of a status alone. The first row that contains it applies.
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
    // Redirects are never followed.
    (300..=399, ErrorClass::InvalidResponse, "status:3xx"),
    (400..=499, ErrorClass::InvalidRequest, "status:4xx"),
    (500..=599, ErrorClass::Unavailable, "status:5xx"),
];

fn by_status(error: &UpstreamError) -> (ErrorClass, &'static str) {
    match STATUSES.iter().find(|(statuses, ..)| statuses.contains(&error.status)) {
        Some((_, class, rule)) => (*class, *rule),
        // An error inside a success, which has no status of its own.
        None if codes::is_bad_request(error) => (ErrorClass::InvalidRequest, "answer:bad_request"),
        None => (ErrorClass::Unavailable, IN_SUCCESS),
    }
}
