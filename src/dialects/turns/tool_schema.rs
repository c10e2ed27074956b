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
/// The lists of schemas among them.
const LISTS: [&str; 3] = ["anyOf", "oneOf", ALL];
/// Where schemas are that others refer to.
const DEFINITIONS: &str = "$defs";
/// The members of a root that are written by the merge.
const OWN: [&str; 3] = ["type", "properties", "required"];
/// The most schemas that are merged. Further ones are left out.
const MOST: usize = 64;
/// The most references and lists within each other that are followed.
const DEEPEST: usize = 8;

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
    let mut merged = Merged { root, ..Merged::default() };
    merged.add(root, true, 0);
    let kept = definitions(root);
    let is_written =
        |name: &str| is_refused(name) || OWN.contains(&name) || !kept.is_empty() && name == DEFINITIONS;
    let others = root.iter().filter(|(name, _)| !is_written(name)).map(|(name, value)| written(name, value));
    let kept_as = (!kept.is_empty()).then(|| format!("\"{DEFINITIONS}\":{{{}}}", kept.join(",")));
    let mut text = merged.written(others.chain(kept_as));
    if !kept.is_empty() {
        for list in LISTS {
            text = text.replace(&place(list), &format!("\"#/{DEFINITIONS}/{list}_"));
        }
    }
    text
}

/// How a reference into a list of the root begins.
fn place(list: &str) -> String {
    format!("\"#/{list}/")
}

/// The definitions of the root with the schemas of its lists, if there are references into these, which are gone from the root. None
/// otherwise.
fn definitions(root: &[Entry<'_>]) -> Vec<String> {
    let refers = |list: &str| root.iter().any(|(_, value)| value.get().contains(&place(list)));
    if !LISTS.iter().any(|list| refers(list)) {
        return Vec::new();
    }
    let own = member(root, DEFINITIONS).and_then(read).unwrap_or_default();
    let mut kept: Vec<String> = own.iter().map(|(name, value)| written(name, value)).collect();
    for name in LISTS {
        let schemas = member(root, name).and_then(list).unwrap_or_default();
        let numbered = schemas.into_iter().enumerate();
        kept.extend(numbered.map(|(number, schema)| written(&format!("{name}_{number}"), schema)));
    }
    kept
}

fn is_refused(name: &str) -> bool {
    ALTERNATIVES.contains(&name) || name == ALL || name == REFERENCE
}

/// What several schemas of objects describe together.
#[derive(Default)]
struct Merged<'r, 'a> {
    root: &'r [Entry<'a>],
    properties: Vec<(Cow<'a, str>, Property<'a>)>,
    required: Vec<&'a str>,
    /// The number of schemas so far.
    schemas: usize,
}

impl<'a> Merged<'_, 'a> {
    /// Adds a schema, with those that it consists of. `must_fit` says that every input fits it. References in a circle end with
    /// the depth.
    fn add(&mut self, schema: &[Entry<'a>], must_fit: bool, depth: usize) {
        self.schemas += 1;
        if depth > DEEPEST || self.schemas > MOST {
            return;
        }
        let properties = member(schema, "properties").and_then(read).unwrap_or_default();
        for (name, value) in properties {
            match self.properties.iter_mut().find(|(known, _)| *known == name) {
                Some((_, property)) => property.add(value, must_fit),
                None => {
                    let mut property = Property::default();
                    property.add(value, must_fit);
                    self.properties.push((name, property));
                }
            }
        }
        let required = member(schema, "required").filter(|_| must_fit).and_then(list).unwrap_or_default();
        for name in required.into_iter().map(RawValue::get) {
            if !self.required.contains(&name) {
                self.required.push(name);
            }
        }
        for (name, value) in schema.iter().filter(|(name, _)| is_refused(name) && name != REFERENCE) {
            for one in list(value).unwrap_or_default().into_iter().take(MOST) {
                self.add(&read(one).unwrap_or_default(), must_fit && name == ALL, depth + 1);
            }
        }
        if let Some(target) = member(schema, REFERENCE).and_then(|reference| target(reference, self.root)) {
            self.add(&target, must_fit, depth + 1);
        }
    }

    /// The object with these properties, and with other members as they are written.
    fn written(&self, others: impl Iterator<Item = String>) -> String {
        let property = |(name, property): &(Cow<'a, str>, Property<'a>)| {
            format!("{}:{}", serde_json::Value::from(&**name), property.written())
        };
        let properties: Vec<String> = self.properties.iter().map(property).collect();
        let mut members =
            vec![format!("\"type\":{OBJECT}"), format!("\"properties\":{{{}}}", properties.join(","))];
        if !self.required.is_empty() {
            members.push(format!("\"required\":[{}]", self.required.join(",")));
        }
        members.extend(others);
        format!("{{{}}}", members.join(","))
    }
}

/// A property, as several schemas describe it.
#[derive(Default)]
struct Property<'a> {
    /// The descriptions that all have to fit.
    all: Vec<&'a RawValue>,
    /// The descriptions of alternatives.
    any: Vec<&'a RawValue>,
}

impl<'a> Property<'a> {
    fn add(&mut self, schema: &'a RawValue, must_fit: bool) {
        let known = if must_fit { &mut self.all } else { &mut self.any };
        if !known.iter().any(|known| known.get() == schema.get()) {
            known.push(schema);
        }
    }

    /// The schema of the property. What has to fit holds for all alternatives, of which any may fit otherwise.
    fn written(&self) -> Cow<'a, str> {
        let (schemas, list) = if self.all.is_empty() { (&self.any, "anyOf") } else { (&self.all, ALL) };
        if let [only] = schemas.as_slice() {
            return Cow::Borrowed(only.get());
        }
        let schemas: Vec<&str> = schemas.iter().map(|schema| schema.get()).collect();
        format!("{{\"{list}\":[{}]}}", schemas.join(",")).into()
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

/// The schema in the root that a reference names.
fn target<'a>(reference: &RawValue, root: &[Entry<'a>]) -> Option<Vec<Entry<'a>>> {
    at(reference, root).and_then(read)
}

/// What a reference names in the root; `None` if it is elsewhere, or nothing.
fn at<'a>(reference: &RawValue, root: &[Entry<'a>]) -> Option<&'a RawValue> {
    let path = path(reference)?;
    let (first, rest) = path.split_first()?;
    let mut found = member(root, first)?;
    for step in rest {
        found = match read(found) {
            Some(members) => member(&members, step)?,
            None => list(found)?.get(step.parse::<usize>().ok()?).copied()?,
        };
    }
    Some(found)
}

/// The steps of a reference within the root, which is a JSON pointer in a fragment; `None` if it is none.
fn path(reference: &RawValue) -> Option<Vec<String>> {
    let reference: String = serde_json::from_str(reference.get()).ok()?;
    let pointer = decoded(reference.strip_prefix("#/")?)?;
    let steps: Vec<String> =
        pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    (steps.len() <= DEEPEST).then_some(steps)
}

/// The text of a fragment, in which any letter may be written as its bytes.
fn decoded(fragment: &str) -> Option<String> {
    let mut parts = fragment.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
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
                r#"{"type":"object","properties":{"a":{"anyOf":[{"minimum":1.0},{}]},"b":{}},"description":"D"}"#,
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

    /// The properties of a schema as they are written.
    fn properties(schema: &str) -> serde_json::Value {
        let written = written(schema).expect("another schema");
        serde_json::from_str::<serde_json::Value>(&written).expect("JSON")["properties"].take()
    }

    #[test]
    fn a_property_may_be_as_any_alternative_describes_it() {
        for (schema, expected) in [
            (
                r#"{"oneOf":[{"properties":{"op":{"const":"a"},"x":{}}},{"properties":{"op":{"const":"b"},"x":{}}}]}"#,
                serde_json::json!({"op": {"anyOf": [{"const": "a"}, {"const": "b"}]}, "x": {}}),
            ),
            (
                r#"{"allOf":[{"properties":{"n":{"minimum":1}}},{"properties":{"n":{"maximum":9}}}]}"#,
                serde_json::json!({"n": {"allOf": [{"minimum": 1}, {"maximum": 9}]}}),
            ),
            // What has to fit holds for each of them.
            (
                r#"{"properties":{"n":{"type":"string"}},"anyOf":[{"properties":{"n":{"const":"a"}}}]}"#,
                serde_json::json!({"n": {"type": "string"}}),
            ),
        ] {
            assert_eq!(properties(schema), expected, "{schema}");
        }
    }

    #[test]
    fn references_and_lists_are_followed_to_their_end() {
        let q = || serde_json::json!({"q": {}});
        let object = r#"{"properties":{"q":{}}}"#;
        for schema in [
            format!(r##"{{"$ref":"#/$defs/A","$defs":{{"A":{{"$ref":"#/$defs/B"}},"B":{object}}}}}"##),
            format!(r##"{{"$ref":"#/definitions/A","definitions":{{"A":{{"anyOf":[{object}]}}}}}}"##),
            format!(
                r##"{{"anyOf":[{{"$ref":"#/$defs/A"}}],"$defs":{{"A":{{"$ref":"#/$defs/B"}},"B":{object}}}}}"##
            ),
            format!(r#"{{"anyOf":[{{"oneOf":[{{"allOf":[{object}]}}]}}]}}"#),
            format!(r##"{{"$ref":"#/$defs/a~1b%20c","$defs":{{"a/b c":{object}}}}}"##),
            format!(r##"{{"anyOf":[{{"$ref":"#/anyOf/1"}},{object}]}}"##),
        ] {
            assert_eq!(properties(&schema), q(), "{schema}");
        }
        for circle in [
            r##"{"$ref":"#"}"##,
            r##"{"$ref":"#/$defs/P","$defs":{"P":{"$ref":"#/$defs/R"},"R":{"$ref":"#/$defs/P"}}}"##,
            r##"{"anyOf":[{"$ref":"#/$defs/P"},{"$ref":"#/$defs/P"}],"$defs":{"P":{"anyOf":[{"$ref":"#/$defs/P"},{"$ref":"#/$defs/P"}]}}}"##,
        ] {
            assert_eq!(properties(circle), serde_json::json!({}), "{circle}");
        }
    }

    #[test]
    fn a_reference_into_a_list_of_the_root_still_leads_there() {
        let schema = r##"{"type":"object","properties":{"p":{"type":"array","items":{"$ref":"#/anyOf/0/properties/a"}}},"anyOf":[{"properties":{"a":{"type":"string"}}}],"$defs":{"D":{}}}"##;
        let expected = r##"{"type":"object","properties":{"p":{"type":"array","items":{"$ref":"#/$defs/anyOf_0/properties/a"}},"a":{"type":"string"}},"$defs":{"D":{},"anyOf_0":{"properties":{"a":{"type":"string"}}}}}"##;
        assert_eq!(written(schema).as_deref(), Some(expected));
    }
}
