//! The schemas of tools. Anthropic refuses every request with a tool that has another root than an object, or alternatives in
//! its root.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::dialects::bounded_object::BoundedObject;
use crate::dialects::members::list;

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

/// The schema of an input in the form that is accepted. `None` if it has that already. What alternatives have in common is not
/// known, so of them only the properties are left, and the model is free to leave these out.
pub(super) fn accepted(schema: &RawValue) -> Option<String> {
    let root = read(schema).unwrap_or_default();
    let is_object = member(&root, "type").is_some_and(|kind| kind.get() == OBJECT);
    if is_object && !root.iter().any(|(name, _)| is_refused(name)) {
        return None;
    }
    let mut merged = Merged::default();
    merged.add(&root, true);
    for (name, value) in root.iter().filter(|(name, _)| is_refused(name) && name != REFERENCE) {
        for schema in list(value).unwrap_or_default().into_iter().take(MOST) {
            merged.add(&resolved(schema, &root), name == ALL);
        }
    }
    if let Some(reference) = member(&root, REFERENCE) {
        merged.add(&target(reference, &root).unwrap_or_default(), true);
    }
    let others = root.iter().filter(|(name, _)| !is_refused(name) && !OWN.contains(&name.as_ref()));
    Some(merged.written(others.map(|(name, value)| written(name, value))))
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

    fn written(schema: &str) -> Option<String> {
        accepted(&RawValue::from_string(schema.to_owned()).expect(schema))
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
