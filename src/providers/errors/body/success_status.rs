//! Errors that vendors send instead of an answer, with a success status and without an `error` member.

use serde_json::{Map, Value};

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
    let object: Map<String, Value> = serde_json::from_slice(&start(text)).ok()?;
    reports(&object).then(|| read_object(&object, 0))
}

/// Whether a value contains only nulls, blanks, zeros and words of success.
pub(in super::super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => matches!(number.as_i64(), Some(0 | 200)),
        Value::String(text) => {
            let text = text.trim();
            let words = ["", "null", "none", "ok", "success", "0", "200", "00000"];
            words.iter().any(|word| text.eq_ignore_ascii_case(word))
        }
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(members) => members.values().all(is_nothing),
    }
}

fn reports(object: &Map<String, Value>) -> bool {
    let says = |name: &str| object.get(name).is_some_and(|value| !is_nothing(value));
    let is = |name: &str, word: &str| {
        object.get(name).and_then(Value::as_str).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    let sentence = |name: &str| says(name) && object.get(name).is_some_and(Value::is_string);
    let explained = sentence("message") || sentence("msg") || sentence("Message") || says("detail");
    // A `choices` array, even an empty one, marks an answer: a message beside it is not an error by itself.
    let answers = object.get("choices").is_some_and(Value::is_array);
    is("object", "error")
        || is("type", "error")
        || is("status", "error")
        || MARKS.iter().any(|name| says(name))
        || wrapped(object).is_some_and(|(inner, code)| inner.get(code).is_some_and(|code| !is_nothing(code)))
        || explained && (says("code") || says("Code") || says("status_code") || says("__type"))
        || explained && !answers && is_of_an_error(object)
        || object.get("success") == Some(&Value::Bool(false))
        || object.get("status").and_then(Value::as_u64).is_some_and(|status| (400..=599).contains(&status))
}

/// Whether the object's own type is that of an error, or missing. Streams also contain progress reports.
fn is_of_an_error(object: &Map<String, Value>) -> bool {
    let kind = ["type", "object", "event"].iter().find_map(|name| object.get(*name)?.as_str());
    kind.is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.contains("error") || kind.contains("exception")
    })
}

/// Volcengine and Tencent nest everything one level deeper.
fn wrapped(object: &Map<String, Value>) -> Option<(&Map<String, Value>, &'static str)> {
    let outer = ["Response", "ResponseMetadata"].iter().find_map(|name| object.get(*name)?.as_object());
    WRAPPERS.iter().find_map(|(name, code)| {
        let inner = object.get(*name).or_else(|| outer?.get(*name))?;
        Some((inner.as_object()?, *code))
    })
}

/// Parses the error of a wrapper inside the object.
pub(super) fn read_wrapper(object: &Map<String, Value>, depth: u8) -> ErrorBody {
    match wrapped(object) {
        Some((inner, _)) if depth < DEEPEST => read_object(inner, depth + 1),
        Some(_) | None => ErrorBody::default(),
    }
}

/// A vendor's error number, prefixed with the member that holds it, because other vendors use the same numbers.
pub(super) fn numbered(object: &Map<String, Value>) -> Option<String> {
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
