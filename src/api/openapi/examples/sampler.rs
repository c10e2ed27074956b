//! Generates a value that fits a schema: the schema's own example, or a simple value of its type.

use serde_json::{Map, Value, json};

use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;

/// Deeper objects are left out.
const DEEPEST: usize = 8;

/// Values for members with these names, if their schemas have no example.
const WORDS: &[(&str, &str)] = &[
    ("api_key_name", "Checkout service"),
    ("base_url", "https://llm.example.com/v1"),
    ("credential_hint", "4f7a"),
    ("endpoint", "/v1/chat/completions"),
    ("error", "not_found"),
    ("error_class", "unavailable"),
    ("error_message", "The server is overloaded"),
    ("failed_model", "smart"),
    ("health", "ok"),
    ("id", "smart"),
    ("invocation_type", "chat_completion"),
    ("last_four", "4f7a"),
    ("matched_rule", "status:503"),
    ("message", "There is no such model in this organization."),
    ("model", "steady"),
    ("msg", "Field required"),
    ("name", "smart"),
    ("next_cursor", "AZnE0noxfFWeCz9qHStMXg"),
    ("next_model", "steady"),
    ("object", "model"),
    ("origin", Origin::Live.as_str()),
    ("outcome", Outcome::Answered.as_str()),
    ("owned_by", "openai"),
    ("period", "month"),
    ("preset", "openai"),
    ("provider", "openai"),
    ("requested", "smart"),
    ("requested_model", "smart"),
    ("served_model", "steady"),
    ("served_provider", "openai"),
    ("session_ref", "checkout-7"),
    ("type", "missing"),
    ("upstream_model", "gpt-5-mini"),
];
const NUMBERS: &[(&str, u64)] = &[
    ("answer_timeout_ms", 600_000),
    ("context_window", 128_000),
    ("cost_nano_dollars", 184_000),
    ("created", 1_795_167_000),
    ("first_frame_ms", 310),
    ("first_frame_timeout_ms", 30_000),
    ("hard_limit_nano_dollars", 100_000_000_000),
    ("input_tokens", 812),
    ("max_output_tokens", 16_384),
    ("output_tokens", 96),
    ("requests_per_day", 50_000),
    ("requests_per_minute", 600),
    ("soft_limit_nano_dollars", 80_000_000_000),
    ("status_code", 200),
    ("tokens_per_day", 20_000_000),
    ("tokens_per_minute", 200_000),
    ("total_ms", 1_940),
];

/// Generates values of the schemas of one document.
#[derive(Clone, Copy)]
pub(super) struct Sampler<'a> {
    components: &'a Value,
    depth: usize,
}

impl<'a> Sampler<'a> {
    /// `components` are the document's, as JSON.
    pub(super) fn new(components: &'a Value) -> Self {
        Self { components, depth: 0 }
    }

    /// Generates a value of the schema.
    pub(super) fn sample(self, schema: &Value) -> Value {
        let known =
            ["/example", "/examples/0", "/default"].into_iter().find_map(|place| schema.pointer(place));
        let listed = || schema.pointer("/enum/0").or_else(|| schema.get("const"));
        if let Some(value) = known.or_else(listed) {
            return value.clone();
        }
        if self.depth > DEEPEST {
            return Value::Null;
        }
        let within = Self { depth: self.depth + 1, ..self };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let place = reference.trim_start_matches("#/components");
            return self.components.pointer(place).map_or(Value::Null, |schema| within.sample(schema));
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(choices) = schema.get(choice).and_then(Value::as_array) {
                let first = choices.iter().find(|choice| !is_null(choice));
                return first.map_or(Value::Null, |choice| within.sample(choice));
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let members = parts.iter().filter_map(|part| match within.sample(part) {
                Value::Object(members) => Some(members),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
            });
            return Value::Object(members.flatten().collect());
        }
        within.plain(schema)
    }

    fn plain(self, schema: &Value) -> Value {
        let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
        match kind(schema) {
            "object" => Value::Object(self.members(schema)),
            "array" => schema.get("items").map_or_else(|| json!([]), |items| json!([self.sample(items)])),
            "string" => match format {
                "uuid" => json!("0199c4d2-7a31-7c55-9e0b-3f6a1d2b4c5e"),
                "date-time" => json!("2026-11-20T09:30:00Z"),
                "date" => json!("2026-11-20"),
                _ => json!("text"),
            },
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            "boolean" => json!(true),
            "null" => Value::Null,
            // Anything fits.
            _ => json!({}),
        }
    }

    fn members(self, schema: &Value) -> Map<String, Value> {
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        properties.map(|(name, value)| (name.clone(), self.member(name, value))).collect()
    }

    fn member(self, name: &str, schema: &Value) -> Value {
        let own = ["example", "default", "enum", "format"].iter().any(|word| schema.get(word).is_some());
        let known = match kind(schema) {
            "string" if !own => WORDS.iter().find(|(known, _)| *known == name).map(|(_, word)| json!(word)),
            "integer" if schema.get("example").is_none() => {
                NUMBERS.iter().find(|(known, _)| *known == name).map(|(_, number)| json!(number))
            }
            _ => None,
        };
        known.unwrap_or_else(|| self.sample(schema))
    }
}

/// The first type that is not null.
fn kind(schema: &Value) -> &str {
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let mut names = types.iter().filter_map(Value::as_str);
    names.find(|name| *name != "null").unwrap_or(if types.is_empty() { "" } else { "null" })
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_example_or_a_plain_value() {
        let components = json!({"schemas": {"Name": {"type": "string", "example": "smart"}}});
        let schema = json!({
            "type": "object",
            "properties": {
                "a": {"$ref": "#/components/schemas/Name"},
                "b": {"type": ["integer", "null"], "minimum": 3},
                "c": {"oneOf": [{"type": "null"}, {"type": "array", "items": {"type": "boolean"}}]},
                "d": {"enum": ["x", "y"]},
                "e": {"type": "string", "format": "date-time"},
                "f": {},
            },
        });
        let expected =
            json!({"a": "smart", "b": 3, "c": [true], "d": "x", "e": "2026-11-20T09:30:00Z", "f": {}});
        assert_eq!(Sampler::new(&components).sample(&schema), expected);
    }
}
