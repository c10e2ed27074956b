//! The usage of a message, of which later events of its stream repeat only a part.

use serde_json::{Map, Value};

/// Replaces the counts of a usage by those of a later one. Counts that it lacks still hold, and so do those that it has as
/// zero: some servers send a zero for what only the first event counted.
pub fn replace(known: &mut Map<String, Value>, later: Map<String, Value>) {
    for (name, value) in later {
        replace_one(known.entry(name).or_insert(Value::Null), value);
    }
}

fn replace_one(known: &mut Value, later: Value) {
    match (known, later) {
        (_, Value::Null) => {}
        (Value::Object(known), Value::Object(later)) => replace(known, later),
        (Value::Number(_), Value::Number(later)) if later.as_f64() == Some(0.0) => {}
        (known, later) => *known = later,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_later_usage_lacks_or_has_as_zero_still_holds() {
        let start = json!({"input_tokens": 12, "cache_read_input_tokens": 900, "output_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 5}});
        for (later, changed) in [
            (json!({"output_tokens": 31}), json!({"output_tokens": 31})),
            (
                json!({"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 31}),
                json!({"output_tokens": 31}),
            ),
            (json!({"input_tokens": null, "output_tokens": 0.0}), json!({})),
            (
                json!({"input_tokens": 3, "cache_read_input_tokens": 909}),
                json!({"input_tokens": 3, "cache_read_input_tokens": 909}),
            ),
            (json!({"cache_creation": {"ephemeral_1h_input_tokens": 0}}), json!({})),
            (
                json!({"server_tool_use": {"web_search_requests": 0}}),
                json!({"server_tool_use": {"web_search_requests": 0}}),
            ),
            (json!({"iterations": [1]}), json!({"iterations": [1]})),
        ] {
            let (Value::Object(mut known), Value::Object(later)) = (start.clone(), later) else {
                unreachable!("objects")
            };
            replace(&mut known, later.clone());
            let mut expected = start.clone();
            for (name, value) in changed.as_object().expect("an object") {
                expected[name] = value.clone();
            }
            assert_eq!(Value::Object(known), expected, "{later:?}");
        }
    }
}
