//! Errors that vendors send instead of an answer, with a success status and without an `error` member.

use super::json::{Json, Members};
use super::{DEEPEST, ErrorBody, LOOKED_AT, read_object, start};

/// Members that are present only if something went wrong.
const MARKS: &[&str] = &[
    "error_code",
    "errorCode",
    "err_code",
    "error_msg",
    "error_message",
    "errorMessage",
    "errorMsg",
    "err_msg",
    "errMsg",
    "error_type",
    "error_description",
    "errors",
    "Error",
    "exception",
    "fault",
];

/// Members that hold an object with the vendor's status, and the name of the code in that object.
const WRAPPERS: &[(&str, &str)] =
    &[("base_resp", "status_code"), ("header", "code"), ("fault", "faultstring"), ("Error", "Code")];

/// Parses an object without choices, if it reports an error.
pub(in super::super) fn read_instead_of_answer(text: &[u8]) -> Option<ErrorBody> {
    // No error is longer than this.
    let text = text.get(..LOOKED_AT).is_none().then_some(text)?;
    let start = start(text);
    let Json::Object(object) = serde_json::from_slice(&start).ok()? else { return None };
    reports(&object).then(|| read_object(&object, 0))
}

/// Whether a value contains only nulls, blanks, zeros and words of success.
pub(in super::super) fn is_nothing(value: &Json<'_>) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Bool(true) => false,
        Json::Number(number) => matches!(number.as_i64(), Some(0 | 200)),
        Json::String(text) => {
            let text = text.trim();
            let words = ["", "null", "none", "ok", "success", "0", "200", "00000"];
            words.iter().any(|word| text.eq_ignore_ascii_case(word))
        }
        Json::Array(items) => items.iter().all(is_nothing),
        Json::Object(members) => members.iter().all(|(_, value)| is_nothing(value)),
    }
}

fn reports(object: &Members<'_>) -> bool {
    let says = |name: &str| object.get(name).is_some_and(|value| !is_nothing(value));
    let is = |name: &str, word: &str| {
        object.get(name).and_then(Json::as_str).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    let sentence = |name: &str| says(name) && object.get(name).is_some_and(|value| value.as_str().is_some());
    let explained = sentence("message") || sentence("msg") || sentence("Message") || says("detail");
    // A `choices` array, even an empty one, marks an answer: a message beside it is not an error by itself.
    let answers = object.get("choices").is_some_and(|value| value.as_array().is_some());
    is("object", "error")
        || is("type", "error")
        || is("status", "error")
        || MARKS.iter().any(|name| says(name))
        || wrapped(object).is_some_and(|(inner, code)| inner.get(code).is_some_and(|code| !is_nothing(code)))
        || explained && (says("code") || says("Code") || says("status_code") || says("__type"))
        || explained && !answers && is_of_an_error(object)
        || matches!(object.get("success"), Some(Json::Bool(false)))
        || object.get("status").and_then(Json::as_u64).is_some_and(|status| (400..=599).contains(&status))
}

/// Whether the object's own type is that of an error, or missing. Streams also contain progress reports.
fn is_of_an_error(object: &Members<'_>) -> bool {
    let kind = ["type", "object", "event"].iter().find_map(|name| object.get(name)?.as_str());
    kind.is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.contains("error") || kind.contains("exception")
    })
}

/// Volcengine and Tencent nest everything one level deeper.
fn wrapped<'j, 'a>(object: &'j Members<'a>) -> Option<(&'j Members<'a>, &'static str)> {
    let outer = ["Response", "ResponseMetadata"].iter().find_map(|name| object.get(name)?.as_object());
    WRAPPERS.iter().find_map(|(name, code)| {
        let inner = object.get(name).or_else(|| outer?.get(name))?;
        Some((inner.as_object()?, *code))
    })
}

/// Parses the error of a wrapper inside the object.
pub(super) fn read_wrapper(object: &Members<'_>, depth: u8) -> ErrorBody {
    match wrapped(object) {
        Some((inner, _)) if depth < DEEPEST => read_object(inner, depth + 1),
        Some(_) | None => ErrorBody::default(),
    }
}

/// A vendor's error number, prefixed with the member that holds it, because other vendors use the same numbers.
pub(super) fn numbered(object: &Members<'_>) -> Option<String> {
    let within = |outer: &str, name: &str| {
        let number = object.get(outer)?.get(name)?.as_i64().filter(|number| *number != 0)?;
        Some(format!("{outer}.{number}"))
    };
    let bare = || {
        let number = object.get("error_code")?.as_i64().filter(|number| *number != 0)?;
        Some(format!("error_code.{number}"))
    };
    within("base_resp", "status_code").or_else(bare)
}
