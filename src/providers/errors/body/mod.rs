//! The formats of vendors' error bodies, parsed defensively.
//!
//! Fields that hold the caller's own text (FastAPI's `input`, OpenRouter's `flagged_input`) are never read.

mod html;
pub(super) mod json;
mod kept_message;
pub(crate) mod success_status;

use std::borrow::Cow;
use std::time::Duration;

use super::{amazon, google, retry_after};
use crate::dialects::whole_characters::whole_characters;
use crate::providers::errors::reset_time::{Reset, ResetTime};

use html::{UNTITLED, html_title, is_html};
use json::{Json, Members};
use kept_message::bounded;
pub(super) use kept_message::is_cut;
pub(super) use success_status::{is_nothing, read_instead_of_answer};

/// The most bytes of a body that are read.
const LOOKED_AT: usize = 64 * 1024;
/// The longest code, type or parameter that is kept, in characters; anything longer is not a code.
const LONGEST_LABEL: usize = 128;
/// How deep an error is searched for. JSON embedded in another error's message takes four levels.
const DEEPEST: u8 = 8;
/// The members that hold an error's message.
const MESSAGES: &[&str] = &[
    "message",
    "Message",
    "msg",
    "error_message",
    "error_msg",
    "errorMessage",
    "errorMsg",
    "err_msg",
    "errMsg",
    "status_msg",
    "faultstring",
    "error_description",
];
/// The most forwarded headers that are read.
const MOST_HEADERS: usize = 32;
/// The most validation errors that are kept.
const MOST_COMPLAINTS: usize = 3;

/// The contents of an error body. Fields are empty if the body has no such information.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    /// A status given as a number in the body.
    pub(super) number: Option<u16>,
    pub(super) code: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) inner_code: Option<String>,
    pub(super) param: Option<String>,
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
    /// When the limit that was reached resets.
    pub(super) reset: Option<Reset>,
    /// Headers of the vendor behind a router, which forwards them in its body.
    pub(super) limits: Vec<(String, String)>,
    pub(super) moderated: bool,
    /// Whether it names a quota of a day of Google's.
    pub(super) daily: bool,
    /// Whether the body is an HTML page.
    pub(super) page: bool,
    /// Whether the body is a JSON object or list.
    pub(super) json: bool,
    /// Whether the body is JSON that could not be read to its end.
    pub(super) unread: bool,
}

/// The start of an error, which is all that is read of it. Halves of characters would hide what is beside them.
fn start(error: &[u8]) -> Cow<'_, [u8]> {
    whole_characters(error.get(..LOOKED_AT).unwrap_or(error))
}

/// Parses the body of a failed response.
pub(super) fn read(body: &[u8]) -> ErrorBody {
    read_start(&start(body))
}

fn read_start(start: &[u8]) -> ErrorBody {
    let text = std::str::from_utf8(start).map_or_else(|_| String::from_utf8_lossy(start), Cow::Borrowed);
    let text = text.trim_start_matches('\u{feff}').trim();
    let payload = event_data(text);
    if let Ok(value) = serde_json::from_str::<Json<'_>>(payload) {
        let json = matches!(value, Json::Object(_) | Json::Array(_));
        return ErrorBody { json, ..read_value(&value, 0) };
    }
    let page = is_html(payload);
    let message = if payload.starts_with(['{', '[']) {
        first_sentence(payload).unwrap_or_default()
    } else if page {
        html_title(payload)
    } else {
        payload.to_owned()
    };
    ErrorBody {
        reset: Reset::in_sentence(&message),
        message: bounded(&message),
        page,
        unread: payload.starts_with(['{', '[']),
        ..ErrorBody::default()
    }
}

/// Parses the value of an `error` member.
pub(super) fn read_member(error: &[u8]) -> ErrorBody {
    let start = start(error);
    match serde_json::from_slice::<Json<'_>>(&start) {
        // Wrapping the value again lets one function parse both forms.
        Ok(value) => {
            let said = read_object(&Members::new(vec![("error".into(), value)]), 0);
            ErrorBody { json: true, ..said }
        }
        Err(_) => read_start(&start),
    }
}

/// A text that may serve as a code: neither blank nor too long.
pub(super) fn label(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.chars().nth(LONGEST_LABEL).is_none()).then(|| text.to_owned())
}

impl ErrorBody {
    /// Fills empty fields from an error nested inside this one. The nested message wins, because the outer one
    /// usually only says that something inside went wrong.
    fn absorb(&mut self, inner: ErrorBody) {
        self.number = self.number.or(inner.number);
        self.code = self.code.take().or(inner.code);
        self.kind = self.kind.take().or(inner.kind);
        self.inner_code = self.inner_code.take().or(inner.inner_code);
        self.param = self.param.take().or(inner.param);
        self.retry_after = self.retry_after.or(inner.retry_after);
        self.reset = self.reset.take().or(inner.reset);
        self.limits.extend(inner.limits);
        self.moderated |= inner.moderated;
        self.daily |= inner.daily;
        self.page |= inner.page;
        if !inner.message.is_empty() {
            self.message = inner.message;
        }
    }
}

fn read_value(value: &Json<'_>, depth: u8) -> ErrorBody {
    if depth > DEEPEST {
        return ErrorBody::default();
    }
    match value {
        Json::String(text) => read_text(text, depth),
        Json::Array(items) => read_list(items, depth),
        Json::Object(object) => read_object(object, depth),
        Json::Null | Json::Bool(_) | Json::Number(_) => ErrorBody::default(),
    }
}

/// A message, or another error encoded as JSON.
fn read_text(text: &str, depth: u8) -> ErrorBody {
    let payload = event_data(text.trim());
    if payload.starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Json<'_>>(payload)
    {
        return read_value(&value, depth + 1);
    }
    let page = is_html(payload);
    let title = page.then(|| html_title(payload)).filter(|title| *title != UNTITLED);
    ErrorBody {
        message: bounded(title.as_deref().unwrap_or(text)),
        moderated: names_a_safety_check(text),
        reset: Reset::in_sentence(text),
        page,
        ..ErrorBody::default()
    }
}

/// A list of validation errors (FastAPI), or an array of errors (Gemini), of which the first counts.
fn read_list(items: &[Json<'_>], depth: u8) -> ErrorBody {
    let complaints: Vec<_> = items
        .iter()
        .filter_map(|item| Some((item, item.get("msg")?.as_str()?)))
        .take(MOST_COMPLAINTS)
        .collect();
    let Some((first, _)) = complaints.first() else {
        return items.first().map(|item| read_value(item, depth + 1)).unwrap_or_default();
    };
    let sentences: Vec<String> = complaints
        .iter()
        .map(|(item, complaint)| match location(item) {
            Some(place) => format!("{place}: {complaint}"),
            None => (*complaint).to_owned(),
        })
        .collect();
    ErrorBody {
        kind: text(first, "type"),
        param: location(first),
        message: bounded(&sentences.join("; ")),
        ..ErrorBody::default()
    }
}

/// FastAPI's `loc` as a path within the request, without its leading `body`.
fn location(complaint: &Json<'_>) -> Option<String> {
    let parts = complaint.get("loc")?.as_array()?;
    let path: Vec<String> = parts.iter().map(Json::shown).filter(|word| word != "body").collect();
    label(&path.join("."))
}

fn read_object(object: &Members<'_>, depth: u8) -> ErrorBody {
    // Most bodies consist of their error, and none of the fields that say something has that name.
    let alone = object.len() == 1 && object.get("error").is_some();
    let mut said = if alone { ErrorBody::default() } else { read_fields(object, depth) };
    match object.get("error") {
        Some(Json::Object(error)) if depth < DEEPEST => {
            // The error's own fields win over those around it, such as Anthropic's `"type": "error"`.
            let outer = std::mem::replace(&mut said, read_object(error, depth + 1));
            let message = std::mem::take(&mut said.message);
            said.absorb(outer);
            if !message.is_empty() {
                said.message = message;
            }
        }
        // Beside a message, a bare `error` is the code; alone, it is the message.
        Some(Json::String(error)) if !said.message.is_empty() => {
            said.code = said.code.or_else(|| label(error));
        }
        Some(error) => said.absorb(read_value(error, depth + 1)),
        None => {
            for name in ["detail", "errors"] {
                if let Some(value) = object.get(name) {
                    said.absorb(read_value(value, depth + 1));
                }
            }
            said.absorb(success_status::read_wrapper(object, depth));
        }
    }
    said
}

/// Parses the fields of the error object itself.
fn read_fields(object: &Members<'_>, depth: u8) -> ErrorBody {
    let field =
        |names: &[&str]| names.iter().find_map(|name| object.get(name).filter(|value| !value.is_null()));
    let mut said = ErrorBody {
        kind: field(&["type", "status", "error_type"]).and_then(Json::as_str).and_then(label),
        param: field(&["param"]).and_then(Json::as_str).and_then(label),
        inner_code: inner_code(object),
        daily: google::names_a_day(object),
        retry_after: google_details(object)
            .find_map(|detail| retry_after::from_google(detail.get("retryDelay")?.as_str()?)),
        reset: RESETS.iter().find_map(|(name, unit)| moment(object.get(name)?, *unit)).map(Reset::from),
        ..ErrorBody::default()
    };
    said.reset = said.reset.or_else(|| {
        let delays =
            google_details(object).filter_map(|detail| detail.get("metadata")?.get("quotaResetDelay"));
        delays.filter_map(|delay| moment(delay, 1.0)).next().map(Reset::from)
    });
    for name in ["code", "Code", "__type", "error_code", "errorCode", "err_code", "status", "status_code"] {
        match object.get(name).and_then(number_or_label) {
            Some(Code::Number(number)) => said.number = said.number.or(Some(number)),
            Some(Code::Label(code)) if name == "__type" => {
                said.code = said.code.or(label(amazon::exception(&code)))
            }
            Some(Code::Label(code)) if name != "status" => said.code = said.code.or(Some(code)),
            Some(Code::Label(_)) | None => {}
        }
    }
    if let Some(message) = field(MESSAGES) {
        said.absorb(read_value(message, depth + 1));
    }
    if let Some(metadata) = object.get("metadata") {
        said.moderated |= is_moderation(metadata);
        said.limits = handed_on(metadata);
        // OpenRouter forwards the vendor's own error, often under "Provider returned error".
        if let Some(raw) = metadata.get("raw") {
            said.absorb(read_value(raw, depth + 1));
        }
    }
    said
}

/// Members in which vendors report the reset time of a limit, and the unit of a plain number, in seconds.
const RESETS: &[(&str, f64)] = &[
    ("resets_in_seconds", 1.0),
    ("reset_in_seconds", 1.0),
    ("retry_after_seconds", 1.0),
    ("retry_after", 1.0),
    ("retryAfter", 1.0),
    ("retry_after_ms", 0.001),
    ("resets_at", 1.0),
    ("reset_at", 1.0),
    ("resetsAt", 1.0),
    ("resetAt", 1.0),
    ("reset_time", 1.0),
];

fn moment(value: &Json<'_>, unit: f64) -> Option<ResetTime> {
    match value {
        Json::Number(number) => ResetTime::of_number(number.as_f64()?, unit),
        Json::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => ResetTime::of_number(number, unit),
            Err(_) => ResetTime::read(text),
        },
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The headers that OpenRouter forwards.
fn handed_on(metadata: &Json<'_>) -> Vec<(String, String)> {
    let headers = metadata.get("headers").and_then(Json::as_object).into_iter().flat_map(Members::iter);
    headers.take(MOST_HEADERS).map(|(name, value)| (name.to_owned(), value.shown())).collect()
}

/// A code is a word, or a number that is a status.
enum Code {
    Number(u16),
    Label(String),
}

fn number_or_label(value: &Json<'_>) -> Option<Code> {
    let text = match value {
        Json::String(text) => label(text)?,
        Json::Number(number) => number.to_string(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    match text.parse() {
        Ok(number @ 100..=599) => Some(Code::Number(number)),
        Ok(_) | Err(_) => Some(Code::Label(text)),
    }
}

fn inner_code(object: &Members<'_>) -> Option<String> {
    let azure =
        ["innererror", "innerError", "inner_error"].iter().find_map(|name| text(object.get(name)?, "code"));
    azure
        .or_else(|| success_status::numbered(object))
        .or_else(|| text(object.get("metadata")?, "error_type"))
        .or_else(|| text(object.get("details")?, "error_code"))
        .or_else(|| google_details(object).find_map(|detail| text(detail, "reason")))
        // Bedrock names the status of the model behind it.
        .or_else(|| object.get("originalStatusCode").and_then(Json::as_u64).map(|status| status.to_string()))
}

fn google_details<'j, 'a>(object: &'j Members<'a>) -> impl Iterator<Item = &'j Json<'a>> {
    object.get("details").and_then(Json::as_array).into_iter().flatten()
}

/// OpenRouter lists what its moderation flagged.
fn is_moderation(metadata: &Json<'_>) -> bool {
    let reasons = metadata.get("reasons").and_then(Json::as_array);
    reasons.is_some_and(|reasons| !reasons.is_empty()) || metadata.get("flagged_input").is_some()
}

/// xAI reports a failed moderation check as a constant inside the message, with the same code as a wrong key, and
/// OpenRouter in words.
fn names_a_safety_check(sentence: &str) -> bool {
    sentence.contains("SAFETY_CHECK_TYPE_") || sentence.to_ascii_lowercase().contains("input was flagged")
}

fn text(value: &Json<'_>, name: &str) -> Option<String> {
    value.get(name)?.as_str().and_then(label)
}

/// The data of the first event, if the text is an event stream; else the text.
fn event_data(text: &str) -> &str {
    if !text.starts_with("data:") && !text.starts_with("event:") {
        return text;
    }
    text.lines().find_map(|line| line.strip_prefix("data:")).unwrap_or(text).trim()
}

/// The first message in JSON that is broken or was cut off. Only the first, because what follows may echo the
/// caller's request.
fn first_sentence(json: &str) -> Option<String> {
    let found = ["\"message\"", "\"msg\"", "\"detail\"", "\"error\""].into_iter().filter_map(|key| {
        let (before, after) = json.split_once(key)?;
        let value = after.trim_start().strip_prefix(':')?;
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
        Some((before.len(), values.next()?.ok()?))
    });
    found.min_by_key(|(position, _)| *position).map(|(_, sentence)| sentence)
}
