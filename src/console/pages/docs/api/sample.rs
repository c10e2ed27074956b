//! Sample JSON generated from schemas: a field's example, or a default for its type.

use serde_json::{Value, json};
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{Components, Object, RefOr, Schema};

use super::schema::{kind, resolve};

/// Objects nested deeper are omitted.
const DEEPEST: usize = 5;

/// Longest body that fits on one line of code.
const LONGEST_LINE: usize = 44;

/// JSON that keeps the order of members.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sample {
    Value(Value),
    List(Vec<Sample>),
    Object(Vec<(String, Sample)>),
}

/// How JSON is written in a language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    indent: &'static str,
    null: &'static str,
    yes: &'static str,
    no: &'static str,
}

/// JSON itself, which is a literal in JavaScript, too.
pub(super) const JSON: Style = Style { indent: "  ", null: "null", yes: "true", no: "false" };
/// A literal in Python.
pub(super) const PYTHON: Style = Style { indent: "    ", null: "None", yes: "True", no: "False" };

impl Style {
    /// A value on one line.
    fn literal(self, value: &Value) -> String {
        match value {
            Value::Null => self.null.to_owned(),
            Value::Bool(true) => self.yes.to_owned(),
            Value::Bool(false) => self.no.to_owned(),
            Value::Number(_) | Value::String(_) => value.to_string(),
            Value::Array(entries) => {
                let entries: Vec<String> = entries.iter().map(|entry| self.literal(entry)).collect();
                format!("[{}]", entries.join(", "))
            }
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| {
                    format!("{}: {}", Value::from(name.as_str()), self.literal(value))
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Which fields a sample contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All fields, as in a response.
    All,
    /// Required fields and fields with an example, as in a request.
    Needed,
}

/// Generates a value that matches the schema.
pub(super) fn sample(components: &Components, schema: &RefOr<Schema>, extent: Extent) -> Sample {
    Sampler { components, extent, name: "text", depth: 0 }.sample(schema)
}

#[derive(Clone, Copy)]
struct Sampler<'a> {
    components: &'a Components,
    extent: Extent,
    /// Name of the field being generated.
    name: &'a str,
    depth: usize,
}

impl<'a> Sampler<'a> {
    fn sample(self, schema: &'a RefOr<Schema>) -> Sample {
        let null = Sample::Value(Value::Null);
        let resolved = resolve(self.components, schema).filter(|_| self.depth < DEEPEST);
        let Some(resolved) = resolved else { return null };
        if let Some(example) = example(resolved) {
            return Sample::Value(example);
        }
        let is_object = matches!(resolved, Schema::Object(object) if !object.properties.is_empty());
        if !is_object && kind(self.components, schema).nullable {
            return null;
        }
        let within = |schema| Self { depth: self.depth + 1, ..self }.sample(schema);
        match resolved {
            Schema::Object(object) if is_object => Sample::Object(self.members(object)),
            Schema::Object(object) => Sample::Value(self.scalar(object)),
            Schema::Array(array) => match &array.items {
                ArrayItems::RefOrSchema(items) => Sample::List(vec![within(items)]),
                ArrayItems::False => Sample::List(Vec::new()),
            },
            Schema::OneOf(parts) => parts.items.first().map_or(null, within),
            Schema::AnyOf(parts) => parts.items.first().map_or(null, within),
            Schema::AllOf(parts) => {
                let members = |part| match within(part) {
                    Sample::Object(members) => members,
                    Sample::Value(_) | Sample::List(_) => Vec::new(),
                };
                Sample::Object(parts.items.iter().flat_map(members).collect())
            }
            _ => null,
        }
    }

    fn members(self, object: &'a Object) -> Vec<(String, Sample)> {
        let fill = |(name, value): (&'a String, &'a RefOr<Schema>)| {
            (name.clone(), Self { name, depth: self.depth + 1, ..self }.sample(value))
        };
        let has_example = |value: &RefOr<Schema>| {
            resolve(self.components, value).is_some_and(|schema| example(schema).is_some())
        };
        let shown = |(name, value): &(&String, &RefOr<Schema>)| match self.extent {
            Extent::All => true,
            Extent::Needed => object.required.contains(name) || has_example(value),
        };
        let members: Vec<_> = object.properties.iter().filter(shown).map(fill).collect();
        // A PATCH body requires no field, but an empty one is useless.
        if members.is_empty() { object.properties.iter().take(1).map(fill).collect() } else { members }
    }

    fn scalar(self, object: &Object) -> Value {
        let written = serde_json::to_value(object).unwrap_or_default();
        let word = |name: &str| written.get(name).and_then(Value::as_str).unwrap_or_default();
        match (word("type"), word("format"), self.extent) {
            // In code that is sent, this is a placeholder for the reader.
            ("string", _, Extent::Needed) => json!(self.name.to_uppercase()),
            ("string", "uuid", Extent::All) => json!("0199c4d2-7a31-7c55-9e0b-3f6a1d2b4c5e"),
            ("string", "date-time", Extent::All) => json!("2026-11-20T09:30:00Z"),
            ("string", _, Extent::All) => json!("..."),
            ("integer" | "number", _, _) => written.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            ("boolean", _, _) => json!(true),
            _ => json!({}),
        }
    }
}

fn example(schema: &Schema) -> Option<Value> {
    match schema {
        Schema::Object(object) => {
            let first = object.enum_values.iter().flatten().next();
            object.example.clone().or_else(|| object.default.clone()).or_else(|| first.cloned())
        }
        Schema::Array(array) => array.example.clone(),
        Schema::OneOf(parts) => parts.example.clone(),
        Schema::AnyOf(parts) => parts.example.clone(),
        Schema::AllOf(parts) => parts.example.clone(),
        _ => None,
    }
}

impl Sample {
    /// An object with these members.
    pub(super) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// The sample on one line.
    fn line(&self, style: Style) -> String {
        match self {
            Self::Value(value) => style.literal(value),
            Self::List(entries) => {
                let entries: Vec<String> = entries.iter().map(|entry| entry.line(style)).collect();
                format!("[{}]", entries.join(", "))
            }
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| format!("\"{name}\": {}", value.line(style));
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// For code: on one line if it is short.
    pub(super) fn body(&self, style: Style) -> String {
        let line = self.line(style);
        if line.len() <= LONGEST_LINE { line } else { self.page(1, style) }
    }

    /// Indented, on several lines.
    pub(super) fn page(&self, depth: usize, style: Style) -> String {
        let (inner, outer) = (style.indent.repeat(depth + 1), style.indent.repeat(depth));
        match self {
            Self::Value(_) => self.line(style),
            Self::List(entries) if entries.iter().all(|entry| matches!(entry, Self::Value(_))) => {
                self.line(style)
            }
            Self::List(entries) => {
                let line = |entry: &Self| format!("{inner}{}", entry.page(depth + 1, style));
                format!("[\n{}\n{outer}]", entries.iter().map(line).collect::<Vec<_>>().join(",\n"))
            }
            Self::Object(members) if members.is_empty() => "{}".to_owned(),
            Self::Object(members) => {
                let line = |(name, value): &(String, Self)| {
                    format!("{inner}\"{name}\": {}", value.page(depth + 1, style))
                };
                format!("{{\n{}\n{outer}}}", members.iter().map(line).collect::<Vec<_>>().join(",\n"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_its_order_on_one_line_and_on_several() {
        let sample = Sample::Object(vec![
            ("b".to_owned(), Sample::Value(json!("x"))),
            (
                "a".to_owned(),
                Sample::List(vec![Sample::Object(vec![("c".to_owned(), Sample::Value(json!(1)))])]),
            ),
        ]);
        assert_eq!(sample.line(JSON), r#"{"b": "x", "a": [{"c": 1}]}"#);
        assert_eq!(
            sample.page(0, JSON),
            "{\n  \"b\": \"x\",\n  \"a\": [\n    {\n      \"c\": 1\n    }\n  ]\n}"
        );
    }

    #[test]
    fn a_literal_in_python_has_its_constants_and_indents_by_four() {
        let sample =
            Sample::Object(vec![("a".to_owned(), Sample::Value(json!({"b": [true, false, null, "c"]})))]);
        assert_eq!(sample.line(PYTHON), r#"{"a": {"b": [True, False, None, "c"]}}"#);
        assert!(sample.page(1, PYTHON).starts_with("{\n        \"a\""), "{}", sample.page(1, PYTHON));
    }
}
