//! A vendor's failure as facts: the status, headers and body of an answer, or an error
//! object inside an answer that looked well, become an [`UpstreamError`].
//!
//! Nothing is decided here. Whatever arrives, reading it never fails and costs bounded work:
//! at most 64 KiB are looked at, and what cannot be understood leaves its fields empty.

mod body;
pub mod codes;
mod limits;
mod moment;
pub mod phrases;
mod retry_after;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::providers::finish_reasons::Ending;
use body::Said;
pub use moment::Moment;

/// What a vendor said about a failure, in the vendor's own words.
///
/// The texts are raw: they may hold secrets and the caller's prompt, so they are redacted
/// before anybody sees them, and `Debug` leaves the message out.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// The HTTP status; for an error inside an answer the number that the error object
    /// gives, or 200 if it gives none.
    pub status: u16,
    /// The vendor's code for it, such as `context_length_exceeded`.
    pub code: Option<String>,
    /// The vendor's `type` (or Google's `status`), such as `invalid_request_error`.
    pub kind: Option<String>,
    /// A finer code beneath the first: Azure's `innererror.code`, Google's
    /// `details[].reason`, OpenRouter's `metadata.error_type`.
    pub inner_code: Option<String>,
    /// The parameter at fault.
    pub param: Option<String>,
    /// The sentence for people; empty if there was none. At most 16 KiB.
    pub message: String,
    /// How long the vendor asks us to wait, uncapped.
    pub retry_after: Option<Duration>,
    /// When the limit that was reached starts over, from the headers that report limits or from the body. It says
    /// something only about a failure that is a limit: such headers come with every answer.
    pub reset: Option<Moment>,
    /// Whether the vendor reports what its moderation found.
    pub moderated: bool,
    /// Whether the body is a page for people: what answered is a server in front of the vendor's.
    pub page: bool,
}

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
            .field("moderated", &self.moderated)
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

/// Reads an answer whose status says that it failed.
///
/// Understands the shapes of OpenAI, Azure, Anthropic, Gemini (bare or in an array),
/// Mistral, OpenRouter, AWS, xAI, Ollama, FastAPI, JSON within JSON, an error sent as an
/// event, plain text and HTML. `now` turns a date in `Retry-After` into a duration.
pub fn parse_error(status: u16, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> UpstreamError {
    let said = body::read(body);
    let retry_after = retry_after::from_headers(headers, now).or(said.retry_after);
    // A gateway in between may answer with a status of its own around the vendor's.
    let number = said.number.filter(|number| *number != status).map(|number| number.to_string());
    let code = said.code.clone().or(number).or_else(|| amazon_error_type(headers));
    let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    // What the vendor says of this failure comes before what it says with every answer.
    let within = said.limits.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let reset = said.reset.or_else(|| limits::from_headers(within, now));
    let reset = reset.or_else(|| limits::from_headers(texts, now));
    UpstreamError { code, retry_after, reset, ..from_said(status, said) }
}

/// Reads the value of the member `error` of an answer or an event that arrived with a
/// success status. One that [`says_nothing`] is no error: the caller must not come here with it.
pub fn error_in_answer(error: &[u8]) -> UpstreamError {
    in_success(body::read_member(error))
}

/// Reads an answer or an event without a choice that arrived with a success status, if it reports
/// an error in one of the shapes that vendors have for that: `object: error`, `base_resp`,
/// `error_code` and `error_msg`, `code` and `message`, `detail`, `errors` and their like.
pub fn error_instead_of_answer(text: &[u8]) -> Option<UpstreamError> {
    body::read_instead_of_answer(text).map(in_success)
}

/// Reads the data of an event that is named `error`: an error in any shape, a mere sentence
/// included.
pub fn error_of_event(data: &[u8]) -> UpstreamError {
    in_success(body::read(data))
}

/// An end without content that says what went wrong, as the error that it is: its word is the code.
pub fn error_of_ending(ending: Ending) -> UpstreamError {
    let word = ending.rule.rsplit(':').next().unwrap_or_default();
    let message = format!("the model ended without an answer (finish_reason `{word}`)");
    from_said(200, Said { code: body::label(word), message, ..Said::default() })
}

/// Whether the value of an `error` member reports none: nothing is in it but nulls, blanks,
/// zeros and words of success.
pub fn says_nothing(error: &str) -> bool {
    match error {
        "null" | "\"\"" | "{}" | "[]" | "false" => true,
        _ => serde_json::from_str(error).is_ok_and(|error| body::is_nothing(&error)),
    }
}

fn in_success(said: Said) -> UpstreamError {
    let status = said.number.filter(|number| *number >= 400).unwrap_or(200);
    from_said(status, said)
}

fn from_said(status: u16, said: Said) -> UpstreamError {
    UpstreamError {
        status,
        code: said.code,
        kind: said.kind,
        inner_code: said.inner_code,
        param: said.param,
        message: said.message,
        retry_after: said.retry_after,
        reset: said.reset,
        moderated: said.moderated,
        page: said.page,
    }
}

/// AWS puts the name of the exception into a header, followed by a colon and an address.
fn amazon_error_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-amzn-errortype")?.to_str().ok()?;
    value.split(':').next().and_then(body::label)
}

#[cfg(test)]
mod tests;
