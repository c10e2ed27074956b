//! The differences between two states of a row, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

/// Fields that are not shown because no person sets them.
const SILENT: &[&str] =
    &["id", "config_id", "provider_id", "created_at", "updated_at", "health_at", "provider_preset"];

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) field: String,
    /// Old value; empty if the field was absent.
    pub(crate) before: String,
    /// New value; empty if the field is absent.
    pub(crate) after: String,
}

/// The differing fields, by name.
pub(crate) fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let (before, after) = (flat(before), flat(after));
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    let text =
        |state: &BTreeMap<String, String>, field: &String| state.get(field).cloned().unwrap_or_default();
    let all = fields.into_iter().map(|field| Difference {
        field: field.replace('_', " "),
        before: text(&before, field),
        after: text(&after, field),
    });
    all.filter(|difference| difference.before != difference.after).collect()
}

/// The fields as text, with nested fields under dotted names.
fn flat(state: Option<&Value>) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    if let Some(Value::Object(members)) = state {
        for (name, value) in members.iter().filter(|(name, _)| !SILENT.contains(&name.as_str())) {
            gather(name, value, &mut fields);
        }
    }
    fields
}

fn gather(path: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                gather(&format!("{path}.{name}"), value, fields);
            }
        }
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().map(text).collect();
            fields.insert(path.to_owned(), texts.join(", "));
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            fields.insert(path.to_owned(), text(value));
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(field: &str, before: &str, after: &str) -> Difference {
        Difference { field: field.to_owned(), before: before.to_owned(), after: after.to_owned() }
    }

    #[test]
    fn only_differing_fields_are_listed_at_any_depth() {
        let before = json!({"id": 1, "name": "a", "price": {"input": 5, "output": null}, "models": ["x"], "same": true});
        let after = json!({"id": 2, "name": "b", "price": {"input": 5, "output": 7}, "models": ["x", "y"], "same": true});
        let expected = [
            difference("models", "x", "x, y"),
            difference("name", "a", "b"),
            difference("price.output", "", "7"),
        ];
        assert_eq!(differences(Some(&before), Some(&after)), expected);
        let made = differences(None, Some(&json!({"is_on": false, "nothing": null})));
        assert_eq!(made, [difference("is on", "", "no")]);
        assert_eq!(differences(None, None), []);
    }
}
