//! Reads the fields of a JSON body and collects every violation instead of stopping at the first.
//!
//! The kinds of violations are FastAPI's: `missing`, `string_type`, `too_short`, `value_error`, `extra_forbidden`
//! ... Unknown fields are refused: if a misspelled limit were ignored, there would be no limit.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::domain::error::{Error, Location, Result, Violation};
use crate::validation::ViolationReason;

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

    /// A field's raw value; `None` if it is absent.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Takes a field's raw value; `None` if it is absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Finishes: the fields that are left are unknown and refused. `body` is what was read of the others.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation that was found.
    pub fn finish<T>(mut self, body: Option<T>) -> Result<T> {
        let unknown: Vec<String> = self.members.keys().cloned().collect();
        for name in unknown {
            self.refuse(
                &name,
                "extra_forbidden",
                format!("There is no field '{name}' here. Check its spelling."),
            );
        }
        self.finish_lenient(body)
    }

    /// Finishes: the fields that are left are ignored.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation that was found.
    pub fn finish_lenient<T>(self, body: Option<T>) -> Result<T> {
        if !self.violations.is_empty() {
            return Err(Error::Invalid(self.violations));
        }
        body.ok_or_else(|| Error::internal("a field was refused without a violation"))
    }
}

/// A field that is being read: its name, and where its violations go.
#[derive(Debug)]
pub struct Field<'a> {
    fields: &'a mut BodyFields,
    name: &'static str,
    nullable: bool,
}

impl<'a> Field<'a> {
    pub(super) fn new(fields: &'a mut BodyFields, name: &'static str, nullable: bool) -> Self {
        Self { fields, name, nullable }
    }

    /// The name of the field.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the field may be null.
    #[must_use]
    pub fn nullable(&self) -> bool {
        self.nullable
    }

    /// Adds a violation. `expected` is a clause that follows the field's name: "must be ...".
    pub fn refuse(&mut self, kind: &'static str, expected: impl Display) {
        let name = self.name;
        self.fields.refuse(name, kind, format!("'{name}' {expected}."));
    }

    /// Adds a violation with a whole sentence.
    pub fn refuse_with(&mut self, kind: &'static str, message: impl Into<String>) {
        self.fields.refuse(self.name, kind, message);
    }

    /// Adds a violation of one list entry with a whole sentence.
    pub fn refuse_entry(&mut self, index: usize, kind: &'static str, message: impl Into<String>) {
        self.fields.refuse_entry(self.name, index, kind, message);
    }

    /// The value; adds a violation if it is invalid.
    pub fn check<T>(&mut self, checked: Result<T, ViolationReason>) -> Option<T> {
        checked.map_err(|ViolationReason { kind, message }| self.refuse(kind, message)).ok()
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
