//! The members of a JSON object that is translated. Values stay raw JSON until a dialect reads them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::bounded_object::BoundedObject;

/// The most elements of a list. A body of millions of tiny ones would need many times its size in memory.
const MOST_ELEMENTS: usize = 100_000;

/// The members of an object. Those that are null count as absent.
#[derive(Debug, Default)]
pub struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// The members of a value. `None` if it is not an object, or has too many.
    #[must_use]
    pub fn of(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
    }

    /// Members that were found before, as names and JSON. `None` if a value is not JSON.
    #[must_use]
    pub fn from_parts<'p>(parts: impl IntoIterator<Item = (&'p str, &'a [u8])>) -> Option<Self> {
        let mut members = BTreeMap::new();
        for (name, value) in parts {
            members.insert(name.to_owned(), serde_json::from_slice::<&RawValue>(value).ok()?);
        }
        members.retain(|_, value| value.get() != "null");
        Some(Self(members))
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The raw value of a member.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }

    /// The value of a member, if it is of that type.
    #[must_use]
    pub fn value<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    /// The text of a member, if it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name)
    }

    /// The members of a member, if it is an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Self> {
        Self::of(self.raw(name)?)
    }

    /// The elements of a member, if it is a list that is not too long.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<&'a RawValue>> {
        list(self.raw(name)?)
    }
}

/// The elements of a list. `None` if it is not one, or is too long.
#[must_use]
pub fn list(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str::<Elements<'_>>(value.get()).ok().map(|elements| elements.0)
}

/// The text of a string. `None` if it is not one.
#[must_use]
pub fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

struct Elements<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = BoundedObject::deserialize(deserializer)?.0.into_iter();
        let mut members: BTreeMap<String, &'a RawValue> =
            members.map(|(name, value)| (name.into_owned(), value)).collect();
        members.retain(|_, value| value.get() != "null");
        Ok(Self(members))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Elements<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                    if elements.len() > MOST_ELEMENTS {
                        return Err(A::Error::custom("too many elements"));
                    }
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::bounded_object::MAX_MEMBERS;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect(text)
    }

    #[test]
    fn values_keep_their_bytes_and_nulls_are_absent() {
        let object = raw(r#"{"b": {"z": 1.0, "a": [ 2 ]}, "n": null, "t": "x\n"}"#);
        let members = Members::of(&object).expect("an object");
        assert_eq!(members.raw("b").map(RawValue::get), Some(r#"{"z": 1.0, "a": [ 2 ]}"#));
        assert_eq!(members.text("t").as_deref(), Some("x\n"));
        assert!(members.raw("n").is_none() && members.text("b").is_none());
        assert_eq!(members.names().collect::<Vec<_>>(), ["b", "t"]);
        assert_eq!(members.object("b").and_then(|b| b.list("a")).map(|list| list.len()), Some(1));
    }

    #[test]
    fn endless_objects_and_lists_are_refused() {
        let members: Vec<String> = (0..=MAX_MEMBERS).map(|number| format!("\"{number}\":1")).collect();
        assert!(Members::of(&raw(&format!("{{{}}}", members.join(",")))).is_none());
        assert!(list(&raw(&format!("[{}1]", "1,".repeat(MOST_ELEMENTS)))).is_none());
        assert!(list(&raw(&format!("[{}1]", "1,".repeat(MOST_ELEMENTS - 1)))).is_some());
        assert!(list(&raw("{}")).is_none() && Members::of(&raw("[]")).is_none());
    }
}
