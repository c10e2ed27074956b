//! Values of fields that several bodies share. Each type has its one parser, message and schema.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Schema, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};

use super::{BodyValue, Field, Schemas};
use crate::validation::{self, ViolationReason};

/// A value that is parsed from a string.
pub trait BodyText: Sized {
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
        let Value::String(text) = value else {
            field.refuse(
                "string_type",
                if field.nullable() { "must be a string or null" } else { "must be a string" },
            );
            return None;
        };
        field.check(<T as BodyText>::parse(&text))
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        <T as BodyText>::schema(schemas)
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
        Some(_) => {
            field.refuse("value_error", format!("must be from {} to {}", range.start(), range.end()));
            None
        }
        None => {
            field.refuse("int_type", "must be a whole number");
            None
        }
    }
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
            Value::Null => {
                field.refuse("value_error", "must not be null. Leave it out to keep it");
                None
            }
            Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                field.refuse("bool_type", "must be true or false");
                None
            }
        }
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

/// Reads an object that serde knows; `expected` completes "must be" in the violation.
pub fn object<T: DeserializeOwned>(field: &mut Field<'_>, value: Value, expected: &str) -> Option<T> {
    // serde would take an array as the members in order.
    if !value.is_object() {
        field.refuse("value_error", format!("must be {expected}"));
        return None;
    }
    serde_json::from_value(value)
        .map_err(|error| field.refuse("value_error", format!("must be {expected}: {error}")))
        .ok()
}

/// Reads a list of strings; `expected` completes "must be" in the violation.
pub fn strings(field: &mut Field<'_>, value: Value, expected: &str) -> Option<Vec<String>> {
    let Value::Array(entries) = value else {
        field.refuse("list_type", format!("must be {expected}"));
        return None;
    };
    let mut texts = Vec::with_capacity(entries.len());
    let all = entries.len();
    for (index, entry) in entries.into_iter().enumerate() {
        if let Value::String(text) = entry {
            texts.push(text);
        } else {
            let message = format!("Every entry of '{}' must be a string.", field.name());
            field.refuse_entry(index, "string_type", message);
        }
    }
    Some(texts).filter(|texts| texts.len() == all)
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
