//! Calls of tools: whether a caller can act on them. A call needs a name; in a stream, later pieces lack it.

use serde_json::Value;

use crate::gateway::request::json_scan::Cursor;

/// What a field with calls holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Called {
    /// There is no call in it.
    Nothing,
    /// A call without a name, or a piece of one.
    Nameless,
    /// A call with a name, or of a kind that is not known here.
    Named,
}

/// Reads a `tool_calls` list.
pub(super) fn of_list(text: &str) -> Called {
    if !text.starts_with('[') {
        return Called::Nothing;
    }
    read(text, |cursor| {
        let mut found = Called::Nothing;
        cursor.list(|cursor| {
            found = found.max(one(cursor)?);
            Some(())
        })?;
        Some(found)
    })
}

/// Reads a legacy `function_call`.
pub(super) fn of_function(text: &str) -> Called {
    if !text.starts_with('{') {
        return Called::Nothing;
    }
    read(text, function)
}

/// Scans a text. What cannot be scanned (it has line breaks or escaped names) is written again, and counts if it still
/// cannot.
fn read(text: &str, scan: impl Fn(&mut Cursor<'_>) -> Option<Called>) -> Called {
    let scanned = |text: &str| scan(&mut Cursor::new(text.as_bytes())?);
    scanned(text)
        .or_else(|| scanned(&serde_json::from_str::<Value>(text).ok()?.to_string()))
        .unwrap_or(Called::Named)
}

fn one(cursor: &mut Cursor<'_>) -> Option<Called> {
    if !cursor.is_at_object() {
        cursor.value()?;
        return Some(Called::Nothing);
    }
    let (mut found, mut nested, mut unknown) = (Called::Nothing, false, false);
    cursor.object(|cursor, name| {
        match name {
            b"function" | b"custom" if cursor.is_at_object() => {
                nested = true;
                found = found.max(function(cursor)?);
            }
            _ => {
                let value = cursor.value()?.get();
                let kind = name == b"type" && !matches!(value, "\"function\"" | "\"custom\"");
                unknown |= kind && is_word(value);
                let named = name == b"name" && is_word(value);
                found = found.max(if named { Called::Named } else { Called::Nameless });
            }
        }
        Some(())
    })?;
    Some(if unknown && !nested { Called::Named } else { found })
}

/// The function of a call.
fn function(cursor: &mut Cursor<'_>) -> Option<Called> {
    let mut found = Called::Nothing;
    cursor.object(|cursor, name| {
        let named = is_word(cursor.value()?.get()) && name == b"name";
        found = found.max(if named { Called::Named } else { Called::Nameless });
        Some(())
    })?;
    Some(found)
}

/// Whether a value is a string that is not empty.
fn is_word(json: &str) -> bool {
    json.len() > 2 && json.starts_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_needs_a_name() {
        for (text, called) in [
            ("null", Called::Nothing),
            ("[]", Called::Nothing),
            ("[{}]", Called::Nothing),
            ("[null]", Called::Nothing),
            ("7", Called::Nothing),
            (r#""call""#, Called::Nothing),
            (r#"{"function":{"name":"f"}}"#, Called::Nothing),
            (r#"[{"index":0}]"#, Called::Nameless),
            (r#"[{"index":0,"function":{"arguments":"{"}}]"#, Called::Nameless),
            (r#"[{"id":"a","type":"function","function":{"name":"","arguments":"{}"}}]"#, Called::Nameless),
            (r#"[{"id":"a","type":"function","function":{"name":null}}]"#, Called::Nameless),
            (r#"[{"id":"a","type":"function","function":{"name":7}}]"#, Called::Nameless),
            (r#"[{"id":"a","type":"function","function":null}]"#, Called::Nameless),
            (r#"[{"function":{"name":"f","arguments":""}}]"#, Called::Named),
            ("[{\n\"function\": {\n\"name\": \"f\"}}]", Called::Named),
            ("[{\n\"function\": {\n\"name\": 5}}]", Called::Nameless),
            (r#"[{"functi\u006fn":{"name":"f"}}]"#, Called::Named),
            (r#"[{"index":0},{"index":1,"function":{"name":"f"}}]"#, Called::Named),
            (r#"[{"type":"custom","custom":{"name":"f","input":""}}]"#, Called::Named),
            (r#"[{"name":"f","args":{}}]"#, Called::Named),
            (r#"[{"type":"web_search","id":"w"}]"#, Called::Named),
            (r#"[{"type":"mcp","function":{"name":""}}]"#, Called::Nameless),
        ] {
            assert_eq!(of_list(text), called, "{text}");
        }
        for (text, called) in [
            ("null", Called::Nothing),
            ("{}", Called::Nothing),
            (r#"{"arguments":"{"}"#, Called::Nameless),
            (r#"{"name":7,"arguments":"{"}"#, Called::Nameless),
            (r#"{"name":"f"}"#, Called::Named),
        ] {
            assert_eq!(of_function(text), called, "{text}");
        }
    }
}
