//! Reads the members of a JSON body and collects every violation instead of stopping at the first.
//!
//! The kinds of violations are FastAPI's, one for each mistake: `missing`, `extra_forbidden`, the expected type of
//! another type or of null (`string_type`, `int_type`, `bool_type`, `list_type`, `dict_type`), `literal_error` for
//! whatever is none of a closed set of words, `too_short` and `too_long` for lists, `value_error` for the rest. Unknown
//! fields are refused: if a misspelled limit were ignored, there would be no limit.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::json::{self, ParsedJson};
use super::{BodyField, BodyValue, Patch};
use crate::domain::error::{Error, Location, Result, Violation};
use crate::validation::ViolationReason;

/// The members of a body, or of an object in it, that have not been read yet, and the violations found so far.
#[derive(Debug)]
pub struct BodyFields {
    path: Vec<Location>,
    members: Map<String, Value>,
    violations: Vec<Violation>,
}

impl BodyFields {
    /// Parses a body as a JSON object. Duplicate members, at any depth, are violations.
    ///
    /// # Errors
    /// The body is not a JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let path = vec![Location::from("body")];
        let invalid =
            |kind, message: String| Error::Invalid(vec![Violation::new(path.clone(), kind, message)]);
        if bytes.trim_ascii().is_empty() {
            return Err(invalid("missing", "The body is missing: send a JSON object.".to_owned()));
        }
        let ParsedJson { value, duplicates } = json::parse(bytes)
            .map_err(|error| invalid("json_invalid", format!("The body is not valid JSON: {error}.")))?;
        let Value::Object(members) = value else {
            return Err(invalid("dict_type", "The body must be a JSON object.".to_owned()));
        };
        let violations = duplicates.into_iter().map(|place| {
            let location: Vec<Location> = path.iter().cloned().chain(place).collect();
            let message = format!("The field '{}' is a duplicate. Send it once.", written(&location));
            Violation::new(location, "value_error", message)
        });
        Ok(Self { violations: violations.collect(), path: path.clone(), members })
    }

    /// Adds a violation of a field.
    pub fn refuse(&mut self, field: &str, kind: &'static str, message: impl Into<String>) {
        self.violations.push(Violation::new(self.location(field), kind, message));
    }

    /// Adds a violation of one list entry.
    pub fn refuse_entry(
        &mut self,
        field: &str,
        index: usize,
        kind: &'static str,
        message: impl Into<String>,
    ) {
        let location = self.location(field).into_iter().chain([Location::from(index)]);
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

    /// Takes the name and the raw value of every field that is left.
    pub fn take_all(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.members)
    }

    /// Takes a field that must be there. `None`: violations were added.
    pub fn required<T: BodyValue>(&mut self, name: &'static str) -> Option<T> {
        BodyField::take(self, name)
    }

    /// Takes a field that may be left out, but not null. `None`: violations were added.
    pub fn optional<T: BodyValue>(&mut self, name: &'static str) -> Option<Option<T>> {
        BodyField::take(self, name)
    }

    /// Takes a field for which null and absent are the same. `None`: violations were added.
    pub fn nullable<T: BodyValue, V: From<T>>(&mut self, name: &'static str) -> Option<Option<V>> {
        <Patch<T> as BodyField>::take(self, name).map(Patch::value)
    }

    /// Finishes: the fields that are left are unknown and refused. `body` is what was read of the others.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation that was found.
    pub fn finish<T>(mut self, body: Option<T>) -> Result<T> {
        self.refuse_rest();
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

    /// Adds violations of the members of an object.
    pub fn within<T>(&mut self, object: &str, see: impl FnOnce(&mut Self) -> T) -> T {
        let mut inner = Self { path: self.location(object), members: Map::new(), violations: Vec::new() };
        let seen = see(&mut inner);
        self.violations.append(&mut inner.violations);
        seen
    }

    fn refuse_rest(&mut self) {
        for name in self.take_all().keys() {
            let field = written(&self.location(name));
            self.refuse(
                name,
                "extra_forbidden",
                format!("There is no field '{field}' here. Check its spelling."),
            );
        }
    }

    fn location(&self, field: &str) -> Vec<Location> {
        self.path.iter().cloned().chain([Location::from(field)]).collect()
    }
}

/// A field that is being read: its name, and where its violations go.
#[derive(Debug)]
pub struct Field<'a> {
    fields: &'a mut BodyFields,
    name: &'a str,
    nullable: bool,
}

impl<'a> Field<'a> {
    /// The field `name` of `fields`.
    pub fn new(fields: &'a mut BodyFields, name: &'a str, nullable: bool) -> Self {
        Self { fields, name, nullable }
    }

    /// The path of the field in the body, such as `price.input`.
    #[must_use]
    pub fn name(&self) -> String {
        written(&self.fields.location(self.name))
    }

    /// Whether the field may be null.
    #[must_use]
    pub fn nullable(&self) -> bool {
        self.nullable
    }

    /// Adds a violation. `expected` is a clause that follows the field's name: "must be ...".
    pub fn refuse(&mut self, kind: &'static str, expected: impl Display) {
        let message = format!("'{}' {expected}.", self.name());
        self.refuse_with(kind, message);
    }

    /// Adds the violation of a value of another type, or of null. `expected` follows "must be".
    pub fn refuse_type(&mut self, kind: &'static str, expected: &str) {
        let or_null = if self.nullable { " or null" } else { "" };
        self.refuse(kind, format!("must be {expected}{or_null}"));
    }

    /// Adds a violation with a whole sentence.
    pub fn refuse_with(&mut self, kind: &'static str, message: impl Into<String>) {
        self.fields.refuse(self.name, kind, message);
    }

    /// Adds a violation of one list entry. `expected` is a clause that follows the entry's name.
    pub fn refuse_entry(&mut self, index: usize, kind: &'static str, expected: impl Display) {
        let message = format!("'{}[{index}]' {expected}.", self.name());
        self.fields.refuse_entry(self.name, index, kind, message);
    }

    /// The value; adds a violation if it is invalid.
    pub fn check<T>(&mut self, checked: Result<T, ViolationReason>) -> Option<T> {
        checked.map_err(|ViolationReason { kind, message }| self.refuse(kind, message)).ok()
    }

    /// Reads an object with `read`; the members that it leaves are unknown and refused. `None`: violations were added.
    pub fn members<T>(&mut self, value: Value, read: impl FnOnce(&mut BodyFields) -> Option<T>) -> Option<T> {
        let Value::Object(members) = value else {
            self.refuse_type("dict_type", "an object");
            return None;
        };
        self.fields.within(self.name, |inner| {
            inner.members = members;
            let read = read(inner);
            inner.refuse_rest();
            read
        })
    }
}

/// A path as a caller would write it, without the `body` at its start: `price.input`, `scopes[1]`.
fn written(path: &[Location]) -> String {
    let mut text = String::new();
    for step in path.iter().skip(1) {
        match step {
            Location::Index(index) => text.push_str(&format!("[{index}]")),
            Location::Name(name) => {
                text.push_str(if text.is_empty() { "" } else { "." });
                text.push_str(name);
            }
        }
    }
    text
}
