//! Values of fields that several bodies share. Each type has its one parser, message and schema.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Schema, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};

use super::{BodyValue, Field, Schemas};
use crate::validation::{self, ViolationReason};

/// A value that is parsed from a string.
pub trait BodyText: Sized {
    /// Whether it is one of a closed set of words: any other value, of any type, is a `literal_error`.
    const CLOSED: bool = false;

    /// Parses the string.
    ///
    /// # Errors
    /// What is expected instead.
    fn parse(text: &str) -> Result<Self, ViolationReason>;

    /// The schema of the value. Adds the schemas that it refers to.
    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).into()
    }
}

impl<T: BodyText> BodyValue for T {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        match value {
            Value::String(text) => field.check(<T as BodyText>::parse(&text)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                if T::CLOSED {
                    return field.check(<T as BodyText>::parse(""));
                }
                field.refuse_type("string_type", "a string");
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        <T as BodyText>::schema(schemas)
    }
}

/// Any string at all, of any length.
impl BodyText for String {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        Ok(text.to_owned())
    }
}

/// A name for people.
#[derive(Debug)]
pub struct Name(pub String);

impl BodyText for Name {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        validation::name(text).map(Self)
    }
}

/// The id of another resource.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr> BodyText for Id<T> {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        id(text).map(Self)
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

/// Parses an id.
///
/// # Errors
/// It is not a UUID.
pub fn id<T: FromStr>(text: &str) -> Result<T, ViolationReason> {
    text.parse().map_err(|_| ViolationReason::new("uuid_parsing", "must be a UUID"))
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const LEAST: i64, const MOST: i64>(i64);

impl<const LEAST: i64, const MOST: i64> From<Whole<LEAST, MOST>> for i64 {
    fn from(number: Whole<LEAST, MOST>) -> Self {
        number.0
    }
}

impl<const LEAST: i64, const MOST: i64> BodyValue for Whole<LEAST, MOST> {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        whole(field, &value, LEAST..=MOST).map(Self)
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        whole_schema(LEAST..=MOST, KnownFormat::Int64)
    }
}

/// A small whole number from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Small<const LEAST: i64, const MOST: i64>(i32);

impl<const LEAST: i64, const MOST: i64> From<Small<LEAST, MOST>> for i32 {
    fn from(number: Small<LEAST, MOST>) -> Self {
        number.0
    }
}

impl<const LEAST: i64, const MOST: i64> BodyValue for Small<LEAST, MOST> {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let number = whole(field, &value, LEAST..=MOST)?;
        i32::try_from(number).ok().map(Self)
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        whole_schema(LEAST..=MOST, KnownFormat::Int32)
    }
}

fn whole(field: &mut Field<'_>, value: &Value, range: RangeInclusive<i64>) -> Option<i64> {
    match value.as_i64() {
        Some(number) if range.contains(&number) => Some(number),
        None if !is_huge(value) => {
            field.refuse_type("int_type", "a whole number");
            None
        }
        Some(_) | None => {
            field.refuse("value_error", format!("must be from {} to {}", range.start(), range.end()));
            None
        }
    }
}

/// Whether it is a number beyond 64 bits, which has no fraction.
fn is_huge(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.abs() >= 9.2e18)
}

fn whole_schema(range: RangeInclusive<i64>, format: KnownFormat) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(format)))
        .minimum(Some(*range.start()))
        .maximum(Some(*range.end()))
        .into()
}

impl BodyValue for bool {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(flag),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                let or_null = if field.nullable() { ", or null" } else { "" };
                field.refuse("bool_type", format!("must be true or false{or_null}"));
                None
            }
        }
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

/// Reads a list. Each entry that is invalid is refused at its place, and is `None` in the result. `None`: it is no list.
pub fn entries<T: BodyText>(field: &mut Field<'_>, value: Value) -> Option<Vec<Option<T>>> {
    let Value::Array(entries) = value else {
        field.refuse_type("list_type", "a list of strings");
        return None;
    };
    let entries = entries.into_iter().enumerate().map(|(index, entry)| {
        let parsed = match entry {
            Value::String(text) => T::parse(&text),
            _ if T::CLOSED => T::parse(""),
            _ => Err(ViolationReason::new("string_type", "must be a string")),
        };
        parsed.map_err(|ViolationReason { kind, message }| field.refuse_entry(index, kind, message)).ok()
    });
    Some(entries.collect())
}

/// The entries of a list, if all are valid.
pub fn all_valid<T>(entries: Vec<Option<T>>) -> Option<Vec<T>> {
    entries.into_iter().collect()
}

/// Refuses each entry that is the same as an earlier one, at its place.
pub fn refuse_duplicates<T: Eq + Hash>(field: &mut Field<'_>, entries: &[Option<T>]) {
    let mut seen = HashSet::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        if entry.as_ref().is_some_and(|entry| !seen.insert(entry)) {
            field.refuse_entry(index, "value_error", "is a duplicate");
        }
    }
}

/// A list of strings.
#[derive(Debug)]
pub struct ListOf<T>(pub Vec<T>);

impl<T: BodyText> BodyValue for ListOf<T> {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        all_valid(entries(field, value)?).map(Self)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        ArrayBuilder::new().items(T::schema(schemas)).into()
    }
}

/// An object with members of any names; each value is a string.
#[derive(Debug)]
pub struct MapOf<T>(pub BTreeMap<T, T>);

impl<T: BodyText + Ord> BodyValue for MapOf<T> {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        field.members(value, |fields| {
            let mut all = Some(BTreeMap::new());
            for (name, value) in fields.take_all() {
                let mut member = Field::new(fields, &name, false);
                let name = member.check(<T as BodyText>::parse(&name));
                let pair = name.zip(<T as BodyValue>::read(&mut member, value));
                all = all.zip(pair).map(|(mut all, (name, value))| {
                    all.insert(name, value);
                    all
                });
            }
            all.map(Self)
        })
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().additional_properties(Some(<T as BodyText>::schema(schemas))).into()
    }
}

/// Reads one of `words` that `parse` understands.
///
/// # Errors
/// It is none of them.
pub fn word<T>(
    text: &str,
    words: &[&str],
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ViolationReason> {
    parse(text).ok_or_else(|| {
        ViolationReason::new("literal_error", format!("must be one of '{}'", words.join("', '")))
    })
}

/// The description of a list of strings with at least `least` and at most `most` entries.
#[must_use]
pub fn strings_schema(least: usize, most: Option<usize>) -> ArrayBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ArrayBuilder::new().items(text).min_items(Some(least)).max_items(most)
}
