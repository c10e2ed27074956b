//! Values of a message without any content.

use serde_json::Value;

/// Values longer than this are not checked for being blank.
pub(super) const SMALL: usize = 256;

/// Whether an object or list holds only nulls, false and empty strings.
pub(super) fn is_blank(text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|value| blank(&value))
}

fn blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(blank),
        Value::Object(members) => members.values().all(blank),
    }
}

/// Whether a `content` is a list with a part that has any content beside its type.
pub(super) fn is_parts(text: &str) -> bool {
    let some = |part: &Value| match part {
        Value::Object(part) => part.iter().any(|(name, value)| name != "type" && !blank(value)),
        part => part.as_str().is_some_and(|text| !text.is_empty()),
    };
    let parts = || serde_json::from_str::<Vec<Value>>(text).unwrap_or_default();
    text.starts_with('[') && (text.len() >= SMALL || parts().iter().any(some))
}
