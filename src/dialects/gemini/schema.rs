//! JSON schemas with what Gemini knows of them. It takes a subset, and may refuse a request for any other keyword.
//!
//! V ai.google.dev/api/generate-content (`responseJsonSchema`): the keywords below; `oneOf` means `anyOf`; values of an
//! `enum` are texts and numbers; beside a `$ref` there is nothing without a `$`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::dialects::bounded_object::BoundedObject;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::members::list;

/// Keywords with a value that is no schema.
const PLAIN: [&str; 15] = [
    "$anchor",
    "$id",
    "$ref",
    "default",
    "description",
    "format",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "nullable",
    "propertyOrdering",
    "required",
    "title",
    "type",
];
/// Keywords with a schema, or with `true` or `false`.
const WITH_SCHEMA: [&str; 2] = ["additionalProperties", "items"];
/// Keywords with a list of schemas.
const WITH_LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords with schemas by name.
const WITH_NAMES: [&str; 3] = ["$defs", "definitions", "properties"];
/// How deep schemas are nested. Deeper ones allow anything.
const DEEPEST: u8 = 32;

/// The schema as Gemini takes it. One that needs no change keeps its bytes, and every one the order of its members.
#[must_use]
pub fn fitting(schema: &RawValue, changes: &mut Changes) -> Box<RawValue> {
    let mut changed = false;
    let fitted = fitted(schema, 0, &mut changed);
    if !changed {
        return schema.to_owned();
    }
    changes.note(Verb::Mapped, "schema");
    RawValue::from_string(fitted).unwrap_or_else(|_| schema.to_owned())
}

fn fitted(schema: &RawValue, depth: u8, changed: &mut bool) -> String {
    let Ok(BoundedObject(members)) = serde_json::from_str::<BoundedObject<'_>>(schema.get()) else {
        return schema.get().to_owned();
    };
    if depth > DEEPEST {
        *changed = true;
        return "{}".to_owned();
    }
    let refers = members.iter().any(|(name, _)| name == "$ref");
    let mut kept: Vec<String> = Vec::with_capacity(members.len());
    for (name, value) in &members {
        let member =
            if refers && !name.starts_with('$') { None } else { member(name, value, depth, changed) };
        match member {
            Some((name, value)) => kept.push(format!("{}:{value}", quoted(&name))),
            None => *changed = true,
        }
    }
    format!("{{{}}}", kept.join(","))
}

/// A member as Gemini takes it; `None` if it does not.
fn member<'a>(
    name: &'a str,
    value: &RawValue,
    depth: u8,
    changed: &mut bool,
) -> Option<(Cow<'a, str>, String)> {
    let own = || Some((Cow::Borrowed(name), value.get().to_owned()));
    if PLAIN.contains(&name) {
        return own();
    }
    if WITH_SCHEMA.contains(&name) {
        return Some((name.into(), fitted(value, depth + 1, changed)));
    }
    if WITH_LIST.contains(&name) {
        let schemas = list(value)?.into_iter().map(|schema| fitted(schema, depth + 1, changed));
        return Some((name.into(), format!("[{}]", schemas.collect::<Vec<_>>().join(","))));
    }
    if WITH_NAMES.contains(&name) {
        let BoundedObject(named) = serde_json::from_str(value.get()).ok()?;
        let named = named
            .iter()
            .map(|(name, schema)| format!("{}:{}", quoted(name), fitted(schema, depth + 1, changed)));
        return Some((name.into(), format!("{{{}}}", named.collect::<Vec<_>>().join(","))));
    }
    match name {
        "enum" => {
            let values = list(value)?;
            let taken: Vec<&str> =
                values.iter().map(|value| value.get()).filter(|value| is_taken(value)).collect();
            if taken.len() == values.len() {
                return own();
            }
            *changed = true;
            (!taken.is_empty()).then(|| (name.into(), format!("[{}]", taken.join(","))))
        }
        "const" if is_taken(value.get()) => {
            *changed = true;
            Some(("enum".into(), format!("[{}]", value.get())))
        }
        _ => None,
    }
}

/// Whether a value can be one of an `enum`: a text or a number.
fn is_taken(value: &str) -> bool {
    value.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

fn quoted(name: &str) -> String {
    serde_json::to_string(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitting(schema: &str) -> (String, Vec<String>) {
        let mut changes = Changes::default();
        let schema = RawValue::from_string(schema.to_owned()).expect(schema);
        let fitted = super::fitting(&schema, &mut changes);
        (fitted.get().to_owned(), changes.into_names())
    }

    #[test]
    fn what_is_known_keeps_its_bytes() {
        for schema in [
            r#"{"type": "object", "properties": {"z": {"type":["string","null"]}, "a": {"enum":["x",1]}}, "required":["z"] }"#,
            r##"{"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}"##,
            r#"{"type":"array","prefixItems":[{"type":"string"}],"items":false,"additionalProperties":true}"#,
            r#"{"properties":{"const":{"type":"string"},"$schema":{"type":"string"}}}"#,
        ] {
            assert_eq!(fitting(schema), (schema.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn what_is_not_known_is_left_out_or_written_otherwise() {
        for (schema, expected) in [
            (
                r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"const":"x"},"b":{"type":"integer","exclusiveMinimum":0}}}"#,
                r#"{"type":"object","properties":{"a":{"enum":["x"]},"b":{"type":"integer"}}}"#,
            ),
            (r#"{"enum":["a",null]}"#, r#"{"enum":["a"]}"#),
            (r#"{"type":"boolean","const":true}"#, r#"{"type":"boolean"}"#),
            (r##"{"$ref":"#/$defs/a","description":"D"}"##, r##"{"$ref":"#/$defs/a"}"##),
            (r#"{"items":{"uniqueItems":true}}"#, r#"{"items":{}}"#),
            (r#"{"anyOf":[{"pattern":"x"},{"type":"null"}]}"#, r#"{"anyOf":[{},{"type":"null"}]}"#),
        ] {
            assert_eq!(fitting(schema), (expected.to_owned(), vec!["mapped:schema".to_owned()]), "{schema}");
        }
    }
}
