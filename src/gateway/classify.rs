//! What a failure means: a [`Fault`] becomes a [`Failure`] with its class and the rule that
//! gave it. Pure and total; it decides nothing. What a class leads to is `plan`'s and
//! `cooldown`'s to say.
//!
//! Facts count in the order of their reliability: what the provider's moderation reports,
//! codes, then (only where the answer calls the request bad) sentences, then the status. So
//! no sentence turns a 429 into a context error or a 400 into a rate limit. The rule's name
//! stays with the event, which makes a wrong classification findable later.
//!
//! May import: `providers`, `redact`.

mod class;
mod fault;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::providers::{Meaning, UpstreamError, codes, phrases};

use super::redact::{redact, redact_label};

pub use class::{ErrorClass, UnknownErrorClass};
pub use fault::{ConnectFault, Fault, Filter, Garbage, Interruption, TimeoutKind};

/// The rule of an answer for which the gateway has no room: it says nothing about the model.
pub const NO_ROOM: &str = "gateway:no_room";

/// One failed attempt, ready to be acted on, recorded and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub class: ErrorClass,
    /// The rule that said so, such as `status:429` or `code:context_length_exceeded`. The
    /// names are stable: they are stored.
    pub rule: &'static str,
    /// The provider's status; `None` if there was no answer. An error inside a success that
    /// names no status of its own has 200.
    pub status: Option<u16>,
    /// The wait that the provider asks for, uncapped.
    pub retry_after: Option<Duration>,
    /// A sentence for people, redacted, at most 2,000 characters, never empty.
    pub message: String,
    /// The parameter that the provider finds fault with.
    pub param: Option<String>,
    /// The provider's own code.
    pub code: Option<String>,
}

/// The meaning of a fault.
pub fn classify(fault: &Fault) -> Failure {
    match fault {
        Fault::Connect(fault) => connect(*fault),
        Fault::Timeout(kind) => timeout(*kind),
        Fault::Upstream(error) => upstream(error),
        Fault::Filtered(filter) => filtered(*filter),
        Fault::Garbage(Garbage::NoRoom) => {
            let (rule, message) = describe(Garbage::NoRoom);
            ours(ErrorClass::Overloaded, rule, message)
        }
        Fault::Garbage(garbage) => {
            let (rule, message) = describe(*garbage);
            Failure { status: Some(200), ..ours(ErrorClass::InvalidResponse, rule, message) }
        }
        Fault::Interrupted(interruption) => interrupted(interruption),
        Fault::Drill(class) => ours(*class, super::drill::RULE, "a drill made this model fail"),
    }
}

/// A failure that we describe ourselves, the provider having said nothing.
fn ours(class: ErrorClass, rule: &'static str, message: &str) -> Failure {
    let message = message.to_owned();
    Failure { class, rule, status: None, retry_after: None, message, param: None, code: None }
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
    ours(ErrorClass::Unavailable, rule, message)
}

fn timeout(kind: TimeoutKind) -> Failure {
    let (rule, message) = match kind {
        TimeoutKind::Connect => ("timeout:connect", "the connection took too long"),
        TimeoutKind::FirstFrame => ("timeout:first_frame", "the first token took too long"),
        TimeoutKind::Answer => ("timeout:answer", "the answer took too long"),
        TimeoutKind::Idle => ("timeout:idle", "the provider fell silent"),
    };
    ours(ErrorClass::Timeout, rule, message)
}

fn filtered(filter: Filter) -> Failure {
    let (rule, message) = match filter {
        Filter::FinishReason(rule) => (rule, "the provider's filter withheld the answer"),
        Filter::Prompt => ("prompt:blocked", "the provider's filter blocked the prompt"),
    };
    Failure { status: Some(200), ..ours(ErrorClass::ContentPolicy, rule, message) }
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
        Garbage::LineTooLong => ("answer:line_too_long", "a line of the provider's stream is too long"),
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

fn interrupted(interruption: &Interruption) -> Failure {
    let (rule, message) = match interruption {
        Interruption::Reset => ("stream:reset", "the provider's stream broke"),
        Interruption::Ended => ("stream:ended", "the provider's stream ended unfinished"),
        Interruption::Idle => ("stream:idle", "the provider's stream fell silent"),
        Interruption::Deadline => ("stream:deadline", "the provider's stream took too long"),
        Interruption::Garbage(Garbage::NoRoom) => describe(Garbage::NoRoom),
        Interruption::Garbage(garbage) => ("stream:garbage", describe(*garbage).1),
        Interruption::Upstream(error) => {
            // What it would have meant before content is of no use any more, but the
            // provider's words are.
            let failure = upstream(error);
            return Failure { class: ErrorClass::StreamInterrupted, rule: "stream:error", ..failure };
        }
    };
    ours(ErrorClass::StreamInterrupted, rule, message)
}

fn upstream(error: &UpstreamError) -> Failure {
    let (class, rule) = meaning(error);
    let message = redact(&error.message);
    Failure {
        class,
        rule,
        status: Some(error.status),
        retry_after: error.retry_after,
        message: if message.is_empty() {
            format!("the provider answered {} without a message", error.status)
        } else {
            message
        },
        param: error.param.as_deref().and_then(redact_label),
        code: error.code.as_deref().and_then(redact_label),
    }
}

fn meaning(error: &UpstreamError) -> (ErrorClass, &'static str) {
    if error.moderated && matches!(error.status, 200 | 400 | 403) {
        return (ErrorClass::ContentPolicy, "moderation:reported");
    }
    let said = codes::meaning(error).or_else(|| {
        calls_the_request_bad(error).then(|| phrases::meaning(error.status, &error.message)).flatten()
    });
    match said {
        Some((meaning, rule)) => (class_of(meaning), rule),
        None => by_status(error),
    }
}

/// Only there are sentences worth reading: elsewhere the status says more.
fn calls_the_request_bad(error: &UpstreamError) -> bool {
    // An error inside a success that names no status has nothing else to say it with.
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
