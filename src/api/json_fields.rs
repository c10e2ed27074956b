//! Reads the fields of a JSON body and collects every violation instead of stopping at the first.
//!
//! The kinds of violations are FastAPI's: `missing`, `string_type`, `too_short`, `value_error`, `extra_forbidden`
//! ... Unknown fields are refused: if a misspelled limit were ignored, there would be no limit.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::error::{Error, Location, Result, Violation};

/// The change of a nullable field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// The field is absent: keep the value.
    Keep,
    /// The field is null: clear the value.
    Clear,
    /// The field has a value: set it.
    Set(T),
}

impl<T> Change<T> {
    /// The same as nested options, for the store: `None` keeps, `Some(None)` clears.
    pub fn into_option(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// The value to set, if any; null and absent are the same.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Keep | Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// The fields of a body that have not been read yet, and the violations found so far.
#[derive(Debug)]
pub struct BodyFields {
    members: Map<String, Value>,
    violations: Vec<Violation>,
}

impl BodyFields {
    /// Parses a body as a JSON object.
    ///
    /// # Errors
    /// The body is not a JSON object, or has a duplicate field.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let invalid =
            |kind, message: String| Error::Invalid(vec![Violation::new(["body".into()], kind, message)]);
        if bytes.trim_ascii().is_empty() {
            return Err(invalid("missing", "The body is missing: send a JSON object.".to_owned()));
        }
        let value: UniqueObject = serde_json::from_slice(bytes)
            .map_err(|error| invalid("json_invalid", format!("The body is not valid JSON: {error}.")))?;
        match value {
            UniqueObject::Object(members) => Ok(Self { members, violations: Vec::new() }),
            UniqueObject::NotAnObject => {
                Err(invalid("dict_type", "The body must be a JSON object.".to_owned()))
            }
            UniqueObject::Duplicate(name) => Err(Error::Invalid(vec![Violation::body(
                &name,
                "value_error",
                format!("The field '{name}' is a duplicate. Send it once."),
            )])),
        }
    }

    /// Adds a violation of a field.
    pub fn refuse(&mut self, field: &str, kind: &'static str, message: impl Into<String>) {
        self.violations.push(Violation::body(field, kind, message));
    }

    /// Adds a violation of one list entry.
    pub fn refuse_entry(
        &mut self,
        field: &str,
        index: usize,
        kind: &'static str,
        message: impl Into<String>,
    ) {
        let location = [Location::from("body"), Location::from(field), Location::from(index)];
        self.violations.push(Violation::new(location, kind, message));
    }

    /// Removes fields that are accepted and have no effect.
    pub fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Takes a field's raw value; none if it is absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Takes a string without NUL characters.
    pub fn string(&mut self, name: &str) -> Change<String> {
        match self.members.remove(name) {
            None => Change::Keep,
            Some(Value::Null) => Change::Clear,
            Some(Value::String(text)) if text.contains('\0') => {
                self.refuse(name, "value_error", format!("'{name}' must not hold a NUL character."));
                Change::Keep
            }
            Some(Value::String(text)) => Change::Set(text),
            Some(_) => {
                self.refuse(name, "string_type", format!("'{name}' must be a string."));
                Change::Keep
            }
        }
    }

    /// Takes a required string. Returns an empty one, with a violation added, if there is none.
    pub fn required_string(&mut self, name: &str) -> String {
        let before = self.violations.len();
        match self.string(name) {
            Change::Set(text) => return text,
            Change::Clear => self.refuse(name, "string_type", format!("'{name}' must be a string.")),
            Change::Keep if self.violations.len() == before => {
                self.refuse(name, "missing", format!("The field '{name}' is required."));
            }
            Change::Keep => {}
        }
        String::new()
    }

    /// Takes an integer within a range.
    pub fn integer(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Change<i64> {
        match self.members.remove(name) {
            None => Change::Keep,
            Some(Value::Null) => Change::Clear,
            Some(Value::Number(number)) => match number.as_i64() {
                Some(number) if range.contains(&number) => Change::Set(number),
                Some(_) => {
                    let (least, most) = (range.start(), range.end());
                    self.refuse(name, "value_error", format!("'{name}' must be from {least} to {most}."));
                    Change::Keep
                }
                None => {
                    self.refuse(name, "int_type", format!("'{name}' must be a whole number."));
                    Change::Keep
                }
            },
            Some(_) => {
                self.refuse(name, "int_type", format!("'{name}' must be a whole number."));
                Change::Keep
            }
        }
    }

    /// Takes true or false.
    pub fn boolean(&mut self, name: &str) -> Change<bool> {
        match self.members.remove(name) {
            None => Change::Keep,
            Some(Value::Null) => Change::Clear,
            Some(Value::Bool(flag)) => Change::Set(flag),
            Some(_) => {
                self.refuse(name, "bool_type", format!("'{name}' must be true or false."));
                Change::Keep
            }
        }
    }

    /// Takes a list of strings.
    pub fn strings(&mut self, name: &str) -> Change<Vec<String>> {
        let list = match self.members.remove(name) {
            None => return Change::Keep,
            Some(Value::Null) => return Change::Clear,
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.refuse(name, "list_type", format!("'{name}' must be a list of strings."));
                return Change::Keep;
            }
        };
        let mut strings = Vec::with_capacity(list.len());
        for (index, entry) in list.into_iter().enumerate() {
            match entry {
                Value::String(text) => strings.push(text),
                _ => self.refuse_entry(
                    name,
                    index,
                    "string_type",
                    format!("Every entry of '{name}' must be a string."),
                ),
            }
        }
        Change::Set(strings)
    }

    /// Takes a required list of strings. None: a violation was added.
    pub fn required_strings(&mut self, name: &str) -> Option<Vec<String>> {
        let before = self.violations.len();
        let list = self.strings(name);
        match list {
            Change::Set(list) if self.violations.len() == before => return Some(list),
            Change::Clear => self.refuse(name, "list_type", format!("'{name}' must be a list of strings.")),
            Change::Keep if self.violations.len() == before => {
                self.refuse(name, "missing", format!("The field '{name}' is required."));
            }
            Change::Set(_) | Change::Keep => {}
        }
        None
    }

    /// Takes a value of type `T`; `expected` completes "must be" in the violation.
    pub fn typed<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Change<T> {
        match self.members.remove(name) {
            None => Change::Keep,
            Some(Value::Null) => Change::Clear,
            Some(value) => match serde_json::from_value(value) {
                Ok(value) => Change::Set(value),
                Err(error) => {
                    self.refuse(name, "value_error", format!("'{name}' must be {expected}: {error}."));
                    Change::Keep
                }
            },
        }
    }

    /// Finishes: the fields that are left are unknown and refused.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation that was found.
    pub fn finish(mut self) -> Result<()> {
        let unknown: Vec<String> = self.members.keys().cloned().collect();
        for name in unknown {
            self.refuse(
                &name,
                "extra_forbidden",
                format!("There is no field '{name}' here. Check its spelling."),
            );
        }
        self.finish_lenient()
    }

    /// Finishes: the fields that are left are ignored.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation that was found.
    pub fn finish_lenient(self) -> Result<()> {
        if self.violations.is_empty() { Ok(()) } else { Err(Error::Invalid(self.violations)) }
    }
}

/// A JSON value, read to its end: an object without duplicate names, an object with one, or another value.
enum UniqueObject {
    Object(Map<String, Value>),
    /// The first name that is there twice.
    Duplicate(String),
    NotAnObject,
}

impl<'de> serde::Deserialize<'de> for UniqueObject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
            type Value = UniqueObject;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a JSON value")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<UniqueObject, A::Error> {
                let mut members = Map::new();
                let mut duplicate = None;
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name.clone(), value).is_some() {
                        duplicate.get_or_insert(name);
                    }
                }
                Ok(duplicate.map_or(UniqueObject::Object(members), UniqueObject::Duplicate))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut sequence: A,
            ) -> Result<UniqueObject, A::Error> {
                while sequence.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(UniqueObject::NotAnObject)
            }

            fn visit_str<E>(self, _: &str) -> Result<UniqueObject, E> {
                Ok(UniqueObject::NotAnObject)
            }

            fn visit_bool<E>(self, _: bool) -> Result<UniqueObject, E> {
                Ok(UniqueObject::NotAnObject)
            }

            fn visit_i64<E>(self, _: i64) -> Result<UniqueObject, E> {
                Ok(UniqueObject::NotAnObject)
            }

            fn visit_u64<E>(self, _: u64) -> Result<UniqueObject, E> {
                Ok(UniqueObject::NotAnObject)
            }

            fn visit_f64<E>(self, _: f64) -> Result<UniqueObject, E> {
                Ok(UniqueObject::NotAnObject)
            }

            fn visit_unit<E>(self) -> Result<UniqueObject, E> {
                Ok(UniqueObject::NotAnObject)
            }
        }
        deserializer.deserialize_any(ObjectVisitor)
    }
}
