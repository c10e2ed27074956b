//! Parses a vendor's failure (the status, headers and body of a response, or an error object inside a successful
//! response) into an [`UpstreamError`].
//!
//! This module decides nothing. Parsing never fails and its cost is bounded: it looks at no more than 64 KiB, and
//! leaves fields empty that it cannot understand.

mod amazon;
mod body;
pub mod codes;
mod google;
mod limit_headers;
mod numbers;
pub mod phrases;
pub(crate) mod reset_time;
mod retry_after;
mod token_limit;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::providers::finish_reasons::FinishReason;
use body::ErrorBody;
use limit_headers::LimitHeaders;
pub use reset_time::Reset;
use reset_time::ResetTime;
pub use token_limit::TokenLimit;

/// What a vendor reported about a failure, in the vendor's own words.
///
/// The strings are raw. They may contain secrets and the caller's prompt, so they must be redacted before display.
/// `Debug` omits the message.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// The HTTP status. For an error inside a successful response, the number in the error object, or 200 if it has
    /// none.
    pub status: u16,
    /// The vendor's code, such as `context_length_exceeded`.
    pub code: Option<String>,
    /// The vendor's `type` (or Google's `status`), such as `invalid_request_error`.
    pub kind: Option<String>,
    /// A more specific code: Azure's `innererror.code`, Google's `details[].reason`, OpenRouter's
    /// `metadata.error_type`.
    pub inner_code: Option<String>,
    /// The parameter at fault.
    pub param: Option<String>,
    /// The vendor's message; empty if there was none. At most 16 KiB.
    pub message: String,
    /// How long the vendor asks us to wait, uncapped.
    pub retry_after: Option<Duration>,
    /// When the limit that was reached resets, from the rate limit headers or the body. Meaningful only if the
    /// failure is a limit, because vendors send such headers with every response.
    pub reset: Option<Reset>,
    /// The limit of tokens that the vendor states. Meaningful only if the failure is a limit, as `reset` is, or a refusal.
    pub token_limit: Option<TokenLimit>,
    /// Whether a header says that no request of a limit is left. Meaningful only if the failure is a limit, as `reset` is.
    pub requests_used_up: bool,
    /// Whether the vendor reports moderation results.
    pub moderated: bool,
    /// Whether the body is an HTML page, which means that a server in front of the vendor's answered.
    pub page: bool,
    /// Whether not all of it could be read: JSON that is broken or too long, or a message that is too long. What is
    /// missing may say that the request caused it.
    pub unread: bool,
    /// Whether the body is JSON that names a message, a code or a type, as vendors' errors do.
    pub structured: bool,
}

impl UpstreamError {
    /// The same error with another message. A reset time that was read from a sentence is read again.
    #[must_use]
    pub fn with_message(&self, message: String) -> Self {
        let of_a_sentence = self.reset.as_ref().is_some_and(|reset| reset.words.is_some());
        let reset = if of_a_sentence { Reset::in_sentence(&message) } else { self.reset.clone() };
        Self { message, reset, ..self.clone() }
    }

    /// The error without what it repeats of a request: with `rest` for its message, if that repeats something, and
    /// without the codes and the times that do. `None` means that nothing is repeated.
    #[must_use]
    pub fn own(&self, rest: Option<String>, mut is_repeated: impl FnMut(&str) -> bool) -> Option<Self> {
        let mut repeated = rest.is_some();
        let mut own = match rest {
            // An error about what the request says does not prove that the credential was refused.
            Some(rest) => Self { structured: false, ..self.with_message(rest) },
            None => self.clone(),
        };
        for label in [&mut own.inner_code, &mut own.code, &mut own.kind] {
            if label.as_deref().is_some_and(|label| is_repeated(label) && codes::blames(self.status, label)) {
                (*label, repeated) = (None, true);
            }
        }
        for number in 1..=MOST_TIMES {
            let words = own.reset.as_ref().and_then(|reset| reset.words.clone());
            let Some(words) = words.filter(|words| is_repeated(words)) else { break };
            own = own.with_message(own.message.replace(&words, " \u{2026} "));
            let again = own.reset.as_ref().is_some_and(|reset| reset.words.as_ref() == Some(&words));
            own.reset = own.reset.filter(|_| number < MOST_TIMES && !again);
            repeated = true;
        }
        repeated.then_some(own)
    }
}

/// The most times in a message that are compared with the request. After more, the message names none.
const MOST_TIMES: usize = 8;

impl fmt::Debug for UpstreamError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UpstreamError")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("kind", &self.kind)
            .field("inner_code", &self.inner_code)
            .field("retry_after", &self.retry_after)
            .field("reset", &self.reset)
            .field("token_limit", &self.token_limit)
            .field("requests_used_up", &self.requests_used_up)
            .field("moderated", &self.moderated)
            .field("page", &self.page)
            .field("unread", &self.unread)
            .field("structured", &self.structured)
            .finish_non_exhaustive()
    }
}

/// Parses a response with an error status.
///
/// Understands the formats of OpenAI, Azure, Anthropic, Gemini (bare or in an array), Mistral, OpenRouter, AWS, xAI,
/// Ollama, FastAPI, JSON within JSON, an error sent as an event, plain text and HTML. `now` turns a date in
/// `Retry-After` into a duration.
pub fn parse_error(status: u16, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> UpstreamError {
    let said = body::read(body);
    let retry_after = retry_after::from_headers(headers, now).or(said.retry_after);
    // A proxy in between may replace the vendor's status with its own.
    let number = said.number.filter(|number| *number != status).map(|number| number.to_string());
    let code = said.code.clone().or(number).or_else(|| amazon::error_type(headers).and_then(body::label));
    let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let limits = LimitHeaders::of(texts);
    // What the body says about this failure takes precedence over headers that come with every response.
    let within = said.limits.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let in_headers = || LimitHeaders::of(within).reset(now).or_else(|| limits.reset(now)).map(Reset::from);
    let reset = said.reset.clone().or_else(in_headers);
    let token_limit = match status {
        429 => token_limit::stated(&limits, &said.message),
        401..=403 => token_limit::of_a_plan(&said.message),
        _ => None,
    };
    // A short wait does not help with a quota of a day.
    let (retry_after, reset) = match google::next_reset(now).filter(|_| said.daily) {
        Some(next) => (None, Some(Reset::from(ResetTime::At(next)))),
        None => (retry_after, reset),
    };
    let requests_used_up = limits.have_no_request_left();
    UpstreamError { code, retry_after, reset, token_limit, requests_used_up, ..from_said(status, said) }
}

/// Parses the value of the `error` member of an answer or event that arrived with a success status. The caller must
/// check [`is_empty_error`] first: such a value is not an error.
pub fn error_in_answer(error: &[u8]) -> UpstreamError {
    in_success(body::read_member(error))
}

/// Parses an answer or event without choices that arrived with a success status. Returns `Some` if it reports an
/// error in one of the formats that vendors use for that: `object: error`, `base_resp`, `error_code` and `error_msg`,
/// `code` and `message`, `detail`, `errors` and similar.
pub fn error_instead_of_answer(text: &[u8]) -> Option<UpstreamError> {
    body::read_instead_of_answer(text).map(in_success)
}

/// Parses the data of an event named `error`, which is an error in any format, including plain text.
pub fn error_of_event(data: &[u8]) -> UpstreamError {
    in_success(body::read(data))
}

/// Turns the finish reason of an answer without content into an error with that reason as its code.
pub fn error_of_finish_reason(ending: FinishReason) -> UpstreamError {
    let word = ending.rule.rsplit(':').next().unwrap_or_default();
    let message = format!("the model ended without an answer (finish_reason `{word}`)");
    from_said(200, ErrorBody { code: body::label(word), message, ..ErrorBody::default() })
}

/// Whether the value of an `error` member reports no error: it contains only nulls, blanks, zeros and words of
/// success.
pub fn is_empty_error(error: &str) -> bool {
    match error {
        "null" | "\"\"" | "{}" | "[]" | "false" => true,
        _ => serde_json::from_str(error).is_ok_and(|error| body::is_nothing(&error)),
    }
}

fn in_success(said: ErrorBody) -> UpstreamError {
    let status = said.number.filter(|number| *number >= 400).unwrap_or(200);
    from_said(status, said)
}

fn from_said(status: u16, said: ErrorBody) -> UpstreamError {
    let structured = said.json && (!said.message.is_empty() || said.code.is_some() || said.kind.is_some());
    let unread = said.unread || body::is_cut(&said.message);
    UpstreamError {
        structured,
        status,
        code: said.code,
        kind: said.kind,
        inner_code: said.inner_code,
        param: said.param,
        message: said.message,
        retry_after: said.retry_after,
        reset: said.reset,
        token_limit: None,
        requests_used_up: false,
        moderated: said.moderated,
        page: said.page,
        unread,
    }
}

#[cfg(test)]
mod tests;
