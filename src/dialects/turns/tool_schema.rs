//! The schemas of tools. Providers refuse every request with a tool that has another root than an object, and Anthropic, also on Amazon
//! Bedrock, one with alternatives in its root.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::written::{no_schema, owned};
use crate::dialects::bounded_object::BoundedObject;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::members::list;
use crate::dialects::need::Need;

/// The type of a root that is accepted, as JSON.
const OBJECT: &str = "\"object\"";
/// The members of a root that are refused: several schemas, of which one has to fit or all have to, and another schema.
const ALTERNATIVES: [&str; 2] = ["anyOf", "oneOf"];
const ALL: &str = "allOf";
const REFERENCE: &str = "$ref";
/// The members of a root that are written by the merge.
const OWN: [&str; 3] = ["type", "properties", "required"];
/// The most schemas in a list that are merged. Further ones are left out.
const MOST: usize = 64;

/// A member of a schema.
type Entry<'a> = (Cow<'a, str>, &'a RawValue);

/// The schema of an input as an object without alternatives in its root. One that is such an object keeps its bytes.
///
/// # Errors
/// It cannot be written.
pub fn without_alternatives<'a>(
    schema: Option<&'a RawValue>,
    changes: &mut Changes,
) -> Result<Cow<'a, RawValue>, Need> {
    let Some(schema) = schema else { return no_schema().map(Cow::Owned) };
    let root = read(schema).unwrap_or_default();
    if is_object(&root) && !root.iter().any(|(name, _)| is_refused(name)) {
        return Ok(Cow::Borrowed(schema));
    }
    changes.note(Verb::Mapped, "tool_schema");
    owned(merged(&root)).map(Cow::Owned)
}

/// The schema of an input as an object, which may have alternatives in its root.
///
/// # Errors
/// It cannot be written.
pub fn object<'a>(schema: &'a RawValue, changes: &mut Changes) -> Result<Cow<'a, RawValue>, Need> {
    let root = read(schema).unwrap_or_default();
    if is_object(&root) {
        return Ok(Cow::Borrowed(schema));
    }
    changes.note(Verb::Mapped, "tool_schema");
    owned(merged(&root)).map(Cow::Owned)
}

fn is_object(root: &[Entry<'_>]) -> bool {
    member(root, "type").is_some_and(|kind| kind.get() == OBJECT)
}

/// A root as one object. What its alternatives have in common is not known, so of them only the properties are left, and the model is
/// free to leave these out.
fn merged(root: &[Entry<'_>]) -> String {
    let mut merged = Merged::default();
    merged.add(root, true);
    for (name, value) in root.iter().filter(|(name, _)| is_refused(name) && name != REFERENCE) {
        for schema in list(value).unwrap_or_default().into_iter().take(MOST) {
            merged.add(&resolved(schema, root), name == ALL);
        }
    }
    if let Some(reference) = member(root, REFERENCE) {
        merged.add(&target(reference, root).unwrap_or_default(), true);
    }
    let others = root.iter().filter(|(name, _)| !is_refused(name) && !OWN.contains(&name.as_ref()));
    merged.written(others.map(|(name, value)| written(name, value)))
}

fn is_refused(name: &str) -> bool {
    ALTERNATIVES.contains(&name) || name == ALL || name == REFERENCE
}

/// What several schemas of objects describe together.
#[derive(Default)]
struct Merged<'a> {
    properties: Vec<Entry<'a>>,
    required: Vec<&'a str>,
}

impl<'a> Merged<'a> {
    /// Adds a schema. `must_fit` says that every input fits it.
    fn add(&mut self, schema: &[Entry<'a>], must_fit: bool) {
        let properties = member(schema, "properties").and_then(read).unwrap_or_default();
        for (name, value) in properties {
            if !self.properties.iter().any(|(known, _)| *known == name) {
                self.properties.push((name, value));
            }
        }
        let required = member(schema, "required").filter(|_| must_fit).and_then(list).unwrap_or_default();
        for name in required.into_iter().map(RawValue::get) {
            if !self.required.contains(&name) {
                self.required.push(name);
            }
        }
    }

    /// The object with these properties, and with other members as they are written.
    fn written(&self, others: impl Iterator<Item = String>) -> String {
        let properties: Vec<String> =
            self.properties.iter().map(|(name, value)| written(name, value)).collect();
        let mut members =
            vec![format!("\"type\":{OBJECT}"), format!("\"properties\":{{{}}}", properties.join(","))];
        if !self.required.is_empty() {
            members.push(format!("\"required\":[{}]", self.required.join(",")));
        }
        members.extend(others);
        format!("{{{}}}", members.join(","))
    }
}

/// A member as it is written, with the bytes of its value.
fn written(name: &str, value: &RawValue) -> String {
    format!("{}:{}", serde_json::Value::from(name), value.get())
}

fn read(schema: &RawValue) -> Option<Vec<Entry<'_>>> {
    serde_json::from_str::<BoundedObject<'_>>(schema.get()).ok().map(|object| object.0)
}

fn member<'a>(schema: &[Entry<'a>], name: &str) -> Option<&'a RawValue> {
    schema.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
}

/// A schema in a list of the root, or the one that it refers to.
fn resolved<'a>(schema: &'a RawValue, root: &[Entry<'a>]) -> Vec<Entry<'a>> {
    let own = read(schema).unwrap_or_default();
    let referred = member(&own, REFERENCE).and_then(|reference| target(reference, root));
    referred.unwrap_or(own)
}

/// The schema among the definitions of the root that a reference names.
fn target<'a>(reference: &RawValue, root: &[Entry<'a>]) -> Option<Vec<Entry<'a>>> {
    let reference: String = serde_json::from_str(reference.get()).ok()?;
    let (place, name) = reference.strip_prefix("#/")?.split_once('/')?;
    let definitions = read(member(root, place)?)?;
    read(member(&definitions, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema as it is written, if that is another one.
    fn written(schema: &str) -> Option<String> {
        let schema = RawValue::from_string(schema.to_owned()).expect("JSON");
        let mut changes = Changes::default();
        let written = without_alternatives(Some(&schema), &mut changes).expect("a schema").into_owned();
        let is_named = changes.into_names() == ["mapped:tool_schema"];
        assert_eq!(is_named, written.get() != schema.get(), "{schema}");
        is_named.then(|| written.get().to_owned())
    }

    #[test]
    fn an_object_may_keep_its_alternatives() {
        let kept = |schema: &str| {
            let schema = RawValue::from_string(schema.to_owned()).expect("JSON");
            let mut changes = Changes::default();
            let written = object(&schema, &mut changes).expect("a schema").get().to_owned();
            (written, changes.into_names().len())
        };
        let both = r#"{"type":"object","anyOf":[{"required":["a"]},{"required":["b"]}]}"#;
        assert_eq!(kept(both), (both.to_owned(), 0));
        let alternatives = r#"{"anyOf":[{"type":"object","properties":{"a":{}}},{"type":"object"}]}"#;
        assert_eq!(kept(alternatives), (r#"{"type":"object","properties":{"a":{}}}"#.to_owned(), 1));
    }

    #[test]
    fn a_schema_that_is_accepted_keeps_its_bytes() {
        for schema in [
            r#"{"type":"object"}"#,
            r#"{ "properties": {"a": {"anyOf": [{"type":"string"},{"type":"null"}]}}, "type": "object" }"#,
        ] {
            assert_eq!(written(schema), None, "{schema}");
        }
    }

    #[test]
    fn alternatives_in_the_root_are_merged() {
        for (schema, expected) in [
            ("{}", r#"{"type":"object","properties":{}}"#),
            ("true", r#"{"type":"object","properties":{}}"#),
            (r#"{"type":"string"}"#, r#"{"type":"object","properties":{}}"#),
            (
                r#"{"properties":{"z":{"type": "string"},"a":{}},"required":["z"],"additionalProperties":false}"#,
                r#"{"type":"object","properties":{"z":{"type": "string"},"a":{}},"required":["z"],"additionalProperties":false}"#,
            ),
            (
                r#"{"type":"object","anyOf":[{"properties":{"a":{"minimum":1.0}},"required":["a"]},{"properties":{"b":{},"a":{}},"required":["b"]}],"description":"D"}"#,
                r#"{"type":"object","properties":{"a":{"minimum":1.0},"b":{}},"description":"D"}"#,
            ),
            (
                r#"{"allOf":[{"properties":{"a":{}},"required":["a"]},{"required":["a"]}]}"#,
                r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
            ),
            (
                r##"{"oneOf":[{"$ref":"#/$defs/A"},{"$ref":"https://x.example/b"}],"$defs":{"A":{"properties":{"a":{}}}}}"##,
                r#"{"type":"object","properties":{"a":{}},"$defs":{"A":{"properties":{"a":{}}}}}"#,
            ),
            (
                r##"{"$ref":"#/definitions/A","definitions":{"A":{"type":"object","properties":{"a":{}},"required":["a"]}}}"##,
                r#"{"type":"object","properties":{"a":{}},"required":["a"],"definitions":{"A":{"type":"object","properties":{"a":{}},"required":["a"]}}}"#,
            ),
        ] {
            assert_eq!(written(schema).as_deref(), Some(expected), "{schema}");
            assert_eq!(written(expected), None, "{expected}");
        }
    }
}
