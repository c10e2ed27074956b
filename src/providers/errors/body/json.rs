//! The JSON of an error, which borrows its texts. Errors have few members, which are looked up by dozens of names.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::dialects::bounded_object::Key;

/// A value of any kind.
#[derive(Debug)]
pub(in crate::providers::errors) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Members<'a>),
}

/// The members of an object, sorted by their names. Of members with the same name, the last counts.
#[derive(Debug)]
pub(in crate::providers::errors) struct Members<'a> {
    members: Vec<(Cow<'a, str>, Json<'a>)>,
    /// A bit for each name, so that most names that are absent need no search.
    names: u64,
}

impl<'a> Members<'a> {
    /// Sorts the members of an object, which are in the order of their text.
    pub(super) fn new(mut members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        // With the last of each name in front, the others are removed.
        members.reverse();
        members.sort_by(|(one, _), (two, _)| one.cmp(two));
        members.dedup_by(|(later, _), (kept, _)| later == kept);
        let names = members.iter().fold(0, |names, (name, _)| names | bit(name));
        Self { members, names }
    }

    /// The value of the member with this name.
    pub(in crate::providers::errors) fn get(&self, name: &str) -> Option<&Json<'a>> {
        if self.names & bit(name) == 0 {
            return None;
        }
        let at = self.members.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.members.get(at).map(|(_, value)| value)
    }

    /// The number of members.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The names and the values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }
}

/// A bit for the length and the ends of a name.
fn bit(name: &str) -> u64 {
    let ends = [name.as_bytes().first(), name.as_bytes().last()];
    let sum = ends.into_iter().flatten().fold(name.len(), |sum, byte| sum * 5 + usize::from(*byte));
    1 << (sum % 64)
}

impl<'a> Json<'a> {
    /// The member of an object with this name.
    pub(in crate::providers::errors) fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The text of a string.
    pub(in crate::providers::errors) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The values of an array.
    pub(in crate::providers::errors) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The members of an object.
    pub(super) fn as_object(&self) -> Option<&Members<'a>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The number, if it is an `i64`.
    pub(super) fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }

    /// The number, if it is a `u64`.
    pub(super) fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    /// Whether the value is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a string, or the JSON of another value.
    pub(super) fn shown(&self) -> String {
        self.as_str().map_or_else(|| Value::from(self).to_string(), str::to_owned)
    }
}

impl From<&Json<'_>> for Value {
    fn from(json: &Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.clone()),
            Json::String(text) => Self::String(text.clone().into_owned()),
            Json::Array(items) => items.iter().map(Self::from).collect(),
            Json::Object(members) => {
                members.iter().map(|(name, value)| (name.to_owned(), Self::from(value))).collect()
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(4);
        while let Some(Key(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Json::Object(Members::new(members)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(text: &str) {
        let (own, other) = (serde_json::from_str::<Json<'_>>(text), serde_json::from_str::<Value>(text));
        assert_eq!(own.ok().map(|own| Value::from(&own)), other.ok(), "{text}");
    }

    #[test]
    fn it_reads_what_serde_json_reads() {
        for text in [
            r#"{"b":1,"a":{"c":[null,true,-1,1.5,"\u00e9\n","x"]},"b":2,"\u0062":3,"":4}"#,
            r#"{"n":18446744073709551615,"m":-9223372036854775808,"f":1e300,"g":123456789012345678901234567890}"#,
            "1e999",
            r#""\ud800""#,
            "{\"a\":1,}",
            "[] x",
            "",
        ] {
            same(text);
        }
        for depth in [100, 127, 128, 200] {
            same(&["[".repeat(depth), "]".repeat(depth)].concat());
        }
    }

    #[test]
    fn the_last_member_of_a_name_counts() {
        let json: Json<'_> = serde_json::from_str(r#"{"b":1,"a":2,"b":[3]}"#).expect("JSON");
        let members = json.as_object().expect("an object");
        assert_eq!(members.len(), 2);
        let shown = |name: &str| members.get(name).map(Json::shown).unwrap_or_default();
        assert_eq!((shown("a"), shown("b")), ("2".to_owned(), "[3]".to_owned()));
        assert!(members.get("c").is_none() && members.get("").is_none() && json.get("a").is_some());
    }

    proptest! {
        #[test]
        fn every_member_is_found(names in prop::collection::vec("[ab_é]{0,3}", 0..6)) {
            let members = names.iter().enumerate();
            let members: Vec<String> = members.map(|(at, name)| format!("\"{name}\":{at}")).collect();
            let text = format!("{{{}}}", members.join(","));
            same(&text);
            let json: Json<'_> = serde_json::from_str(&text).expect("JSON");
            let value: Value = serde_json::from_str(&text).expect("JSON");
            for name in names.iter().map(String::as_str).chain(["", "a", "ab", "_"]) {
                prop_assert_eq!(json.get(name).map(Value::from), value.get(name).cloned());
            }
        }
    }
}
