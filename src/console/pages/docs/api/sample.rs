//! Sample JSON generated from schemas: a field's example, or a default for its type.

use serde_json::{Value, json};
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{Components, Object, RefOr, Schema};

use super::schema::{kind, resolve};

/// Objects nested deeper are omitted.
const DEEPEST: usize = 5;

/// Longest body that fits on one line of a command.
const LONGEST_LINE: usize = 44;

/// JSON that keeps the order of members.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sample {
    Value(Value),
    List(Vec<Sample>),
    Object(Vec<(String, Sample)>),
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
            // In a command, this is a placeholder for the reader.
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
    /// On one line, for a command.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::List(entries) => {
                format!("[{}]", entries.iter().map(Self::line).collect::<Vec<_>>().join(", "))
            }
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| format!("\"{name}\": {}", value.line());
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// For a command: on one line if it is short.
    pub(super) fn body(&self) -> String {
        let line = self.line();
        if line.len() <= LONGEST_LINE { line } else { self.page(1) }
    }

    /// Indented, on several lines.
    pub(super) fn page(&self, indent: usize) -> String {
        let (inner, outer) = ("  ".repeat(indent + 1), "  ".repeat(indent));
        match self {
            Self::Value(_) => self.line(),
            Self::List(entries) if entries.iter().all(|entry| matches!(entry, Self::Value(_))) => self.line(),
            Self::List(entries) => {
                let lines: Vec<_> =
                    entries.iter().map(|entry| format!("{inner}{}", entry.page(indent + 1))).collect();
                format!("[\n{}\n{outer}]", lines.join(",\n"))
            }
            Self::Object(members) if members.is_empty() => "{}".to_owned(),
            Self::Object(members) => {
                let line =
                    |(name, value): &(String, Self)| format!("{inner}\"{name}\": {}", value.page(indent + 1));
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
        assert_eq!(sample.line(), r#"{"b": "x", "a": [{"c": 1}]}"#);
        assert_eq!(sample.page(0), "{\n  \"b\": \"x\",\n  \"a\": [\n    {\n      \"c\": 1\n    }\n  ]\n}");
    }
}
