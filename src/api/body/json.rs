//! Parses JSON and finds the members that an object has twice, at any depth.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::domain::error::Location;

/// More duplicates are not listed.
const MOST_DUPLICATES: usize = 16;

/// A JSON value, and the paths of its duplicate members. The last of several members counts.
#[derive(Debug)]
pub(super) struct ParsedJson {
    pub(super) value: Value,
    pub(super) duplicates: Vec<Vec<Location>>,
}

/// Parses a JSON text to its end.
///
/// # Errors
/// It is not JSON, or nested too deeply.
pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<ParsedJson> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut duplicates = Vec::new();
    let seed = ValueSeed { path: &mut Vec::new(), duplicates: &mut duplicates };
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(ParsedJson { value, duplicates })
}

/// Reads one value at a path.
struct ValueSeed<'a> {
    path: &'a mut Vec<Location>,
    duplicates: &'a mut Vec<Vec<Location>>,
}

impl ValueSeed<'_> {
    fn inner(&mut self) -> ValueSeed<'_> {
        ValueSeed { path: self.path, duplicates: self.duplicates }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            self.path.push(Location::from(name.as_str()));
            let value = map.next_value_seed(self.inner())?;
            if members.insert(name, value).is_some() && self.duplicates.len() < MOST_DUPLICATES {
                self.duplicates.push(self.path.clone());
            }
            self.path.pop();
        }
        Ok(Value::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        loop {
            self.path.push(Location::from(entries.len()));
            let Some(entry) = sequence.next_element_seed(self.inner())? else { break };
            entries.push(entry);
            self.path.pop();
        }
        self.path.pop();
        Ok(Value::Array(entries))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duplicates_are_found_at_any_depth() {
        let text = br#"{"a": 1, "b": {"c": [{"d": 1, "d": 2}, {"d": 3}], "c": 4}, "a": 5}"#;
        let parsed = parse(text).expect("JSON");
        let (a, b, c, d) = (|| "a".into(), || "b".into(), || "c".into(), || "d".into());
        assert_eq!(parsed.duplicates, [vec![b(), c(), 0.into(), d()], vec![b(), c()], vec![a()]]);
        assert_eq!(parsed.value, serde_json::json!({"a": 5, "b": {"c": 4}}));
        let many = format!("{{{}}}", vec![r#""a": 1"#; 100].join(","));
        assert_eq!(parse(many.as_bytes()).expect("JSON").duplicates.len(), MOST_DUPLICATES);
    }

    proptest! {
        #[test]
        fn the_value_is_that_of_the_library(text in r#"[\[\]{}:, a"1e.\-tnul]{0,24}"#) {
            let library = serde_json::from_str::<Value>(&text);
            prop_assert_eq!(parse(text.as_bytes()).map(|parsed| parsed.value).ok(), library.ok());
        }
    }
}
