//! Values that satisfy a JSON schema. Gemini writes the names of types in capitals.

use serde_json::{Map, Value, json};

/// How deep a schema is followed, because a schema may refer to itself.
const DEEPEST: usize = 12;

/// The most members and items that are generated from one schema.
pub(super) const MOST: usize = 64;

/// Generates values that satisfy a schema.
pub(super) struct Sample<'a> {
    /// The schema that references start at.
    pub(super) root: &'a Value,
    /// The user's message, used as the default string value.
    pub(super) said: &'a str,
}

impl Sample<'_> {
    /// A value for a schema; `name` is the member that it is for.
    pub(super) fn of(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(value) = given(schema) {
            return value.clone();
        }
        if let Some(target) = schema["$ref"].as_str().and_then(|reference| self.target(reference)) {
            return self.of(target, name, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema[key].as_array() {
                let choice = choices.iter().find(|choice| choice["type"] != "null").or(choices.first());
                return choice.map_or(Value::Null, |choice| self.of(choice, name, depth + 1));
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.of_all(schema, parts, name, depth);
        }
        match kind(schema).to_ascii_lowercase().as_str() {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" | "number" => number(schema),
            "boolean" => Value::Bool(true),
            "null" => Value::Null,
            _ => Value::from(self.text(schema, name)),
        }
    }

    fn target(&self, reference: &str) -> Option<&Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    /// Objects are merged; for any other type, the first part decides.
    fn of_all(&self, schema: &Value, parts: &[Value], name: &str, depth: usize) -> Value {
        let mut joined = self.object(schema, depth);
        for part in parts.iter().take(MOST) {
            match (self.of(part, name, depth + 1), &mut joined) {
                (Value::Object(members), Value::Object(joined)) => joined.extend(members),
                (other, _) => return other,
            }
        }
        joined
    }

    /// The required members; if `required` is missing, all of them.
    fn object(&self, schema: &Value, depth: usize) -> Value {
        let properties = schema["properties"].as_object();
        let required = schema["required"].as_array();
        let names: Vec<&str> = match (required, properties) {
            (Some(required), _) => required.iter().filter_map(Value::as_str).collect(),
            (None, Some(properties)) => properties.keys().map(String::as_str).collect(),
            (None, None) => Vec::new(),
        };
        let anything = json!({ "type": "string" });
        let of = |name: &str| {
            let schema = properties.and_then(|properties| properties.get(name)).unwrap_or(&anything);
            (name.to_owned(), self.of(schema, name, depth + 1))
        };
        names.into_iter().take(MOST).map(of).collect::<Map<_, _>>().into()
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(first) = schema["prefixItems"].as_array() {
            return first.iter().take(MOST).map(|schema| self.of(schema, name, depth + 1)).collect();
        }
        let bound = |key: &str| schema[key].as_u64().and_then(|bound| usize::try_from(bound).ok());
        let most = bound("maxItems").unwrap_or(MOST).min(MOST);
        let least = bound("minItems").unwrap_or(1).clamp(1, MOST).min(most);
        let of = |index: usize| match self.of(&schema["items"], name, depth + 1) {
            // Items may have to be unique.
            Value::String(text) if index > 0 && given(&schema["items"]).is_none() => {
                format!("{text}{index}").into()
            }
            Value::Number(number) if index > 0 => {
                let step = u64::try_from(index).unwrap_or_default();
                number.as_u64().map_or(Value::Number(number), |number| (number + step).into())
            }
            value => value,
        };
        (0..least).map(of).collect()
    }

    fn text(&self, schema: &Value, name: &str) -> String {
        let text = match schema["format"].as_str() {
            Some("date") => "2026-01-31".to_owned(),
            Some("date-time") => "2026-01-31T12:00:00Z".to_owned(),
            Some("time") => "12:00:00Z".to_owned(),
            Some("duration") => "PT1H".to_owned(),
            Some("email") => "ann@example.com".to_owned(),
            Some("hostname") => "example.com".to_owned(),
            Some("uri" | "uri-reference" | "url") => "https://example.com/".to_owned(),
            Some("uuid") => "0198c0de-0000-7000-8000-000000000000".to_owned(),
            Some("ipv4") => "192.0.2.1".to_owned(),
            Some("ipv6") => "2001:db8::1".to_owned(),
            _ => self.word(name),
        };
        let bound = |key: &str| schema[key].as_u64().and_then(|bound| usize::try_from(bound).ok());
        let most = bound("maxLength").unwrap_or(200);
        let least = bound("minLength").unwrap_or(0).min(most).min(10_000);
        let mut text: String = text.chars().take(most).collect();
        let length = text.chars().count();
        text.extend(std::iter::repeat_n('x', least.saturating_sub(length)));
        text
    }

    /// A plausible value for a member of this name.
    fn word(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let said = if self.said.is_empty() { "Are you there?" } else { self.said };
        if has(&["city", "location", "place", "country"]) {
            proper_name(self.said).unwrap_or("Berlin").to_owned()
        } else if has(&["query", "question", "text", "prompt", "message", "input", "content", "expression"]) {
            said.to_owned()
        } else if has(&["path", "file"]) {
            "README.md".to_owned()
        } else if has(&["url", "link"]) {
            "https://example.com/".to_owned()
        } else if has(&["date", "day"]) {
            "2026-01-31".to_owned()
        } else {
            proper_name(self.said).unwrap_or("example").to_owned()
        }
    }
}

/// A capitalized word that is not the first: the subject in "weather in Paris?".
fn proper_name(said: &str) -> Option<&str> {
    let words = said
        .split_whitespace()
        .skip(1)
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()));
    words.filter(|word| word.chars().count() > 1).find(|word| word.starts_with(char::is_uppercase))
}

/// A value that the schema itself gives.
fn given(schema: &Value) -> Option<&Value> {
    let first = |key: &str| schema[key].as_array().and_then(|values| values.first());
    schema
        .get("const")
        .or_else(|| first("enum"))
        .or_else(|| schema.get("default"))
        .or_else(|| first("examples"))
}

fn kind(schema: &Value) -> &str {
    let listed = schema["type"].as_array().and_then(|kinds| kinds.iter().find(|kind| *kind != "null"));
    let kind = listed.or(schema.get("type")).and_then(Value::as_str);
    let implied = if schema["properties"].is_object() {
        "object"
    } else if schema["items"].is_object() {
        "array"
    } else {
        "string"
    };
    kind.unwrap_or(implied)
}

/// The smallest value of at least one, if the schema allows it.
fn number(schema: &Value) -> Value {
    let bound = |key: &str| schema[key].as_f64();
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + 1.0));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - 1.0));
    let mut value = least.unwrap_or(1.0).min(most.unwrap_or(f64::MAX));
    if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0) {
        value = (value / step).ceil() * step;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the next line checks whether it changed")]
    let whole = value as i64;
    let is_whole = (whole as f64 - value).abs() < f64::EPSILON;
    if is_whole || kind(schema).eq_ignore_ascii_case("integer") { whole.into() } else { value.into() }
}
