//! Bodies of requests. One declaration says how a body is parsed, checked and described.
//!
//! `body!` declares a struct. The type of each field says whether the field must be there (`T`), may be
//! left out (`Option<T>`) or may also be null ([`Patch<T>`]), and the type `T` knows its one parser, its messages and
//! its schema. All violations of a body are collected. With a library that validates (`deserr`, `garde`), the schema's
//! bounds would be a second declaration beside it.

mod fields;
mod json;
pub mod values;

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Object, ObjectBuilder, Ref, RefOr};

pub use fields::{BodyFields, Field};

use crate::domain::error::Result;

/// The schemas that a description refers to, by name.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// A body, declared with `body!`.
pub trait Body: Sized {
    /// Fields of the response that are accepted and have no effect, so that a response can be sent back.
    const READ_ONLY: &'static [&'static str];

    /// Reads the fields. `None`: violations were added.
    fn read(fields: &mut BodyFields) -> Option<Self>;

    /// Parses a body.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::domain::error::Error::Invalid) with every violation.
    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut fields = Self::fields(bytes)?;
        let body = Self::read(&mut fields);
        fields.finish(body)
    }

    /// Parses the fields of a body that are not read-only. None is read yet.
    ///
    /// # Errors
    /// The body is not a JSON object.
    fn fields(bytes: &[u8]) -> Result<BodyFields> {
        let mut fields = BodyFields::parse(bytes)?;
        fields.ignore(Self::READ_ONLY);
        Ok(fields)
    }
}

/// The type of a field.
pub trait BodyField: Sized {
    /// Takes the field. `None`: violations were added.
    fn take(fields: &mut BodyFields, name: &'static str) -> Option<Self>;

    /// Adds the property to an object, and the schemas that it refers to.
    fn describe(
        object: ObjectBuilder,
        name: &'static str,
        description: String,
        schemas: &mut Schemas,
    ) -> ObjectBuilder;
}

/// The type of a value.
pub trait BodyValue: Sized {
    /// Reads the value. `None`: violations were added.
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self>;

    /// The schema of the value. Adds the schemas that it refers to.
    fn schema(schemas: &mut Schemas) -> RefOr<Schema>;
}

/// A nullable field, which may also be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field is absent: keep the value.
    Keep,
    /// The field is null: clear the value.
    Clear,
    /// The field has a value: set it.
    Set(T),
}

impl<T> Patch<T> {
    /// The same as nested options, for the store: `None` keeps, `Some(None)` clears.
    pub fn into_option<V: From<T>>(self) -> Option<Option<V>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value.into())),
        }
    }

    /// The value to set, if any; null and absent are the same.
    pub fn value<V: From<T>>(self) -> Option<V> {
        self.into_option().flatten()
    }

    /// Changes a value, unless the field is absent.
    pub fn apply<V: From<T>>(self, to: &mut Option<V>) {
        if let Some(value) = self.into_option() {
            *to = value;
        }
    }
}

/// A field that must be there.
impl<T: BodyValue> BodyField for T {
    fn take(fields: &mut BodyFields, name: &'static str) -> Option<Self> {
        match fields.take(name) {
            Some(value) => T::read(&mut Field::new(fields, name, false), value),
            None => {
                fields.refuse(name, "missing", format!("The field '{name}' is required."));
                None
            }
        }
    }

    fn describe(
        object: ObjectBuilder,
        name: &'static str,
        description: String,
        schemas: &mut Schemas,
    ) -> ObjectBuilder {
        object.property(name, described(T::schema(schemas), description)).required(name)
    }
}

/// A field that may be left out, but not null.
impl<T: BodyValue> BodyField for Option<T> {
    fn take(fields: &mut BodyFields, name: &'static str) -> Option<Self> {
        match fields.take(name) {
            Some(value) => T::read(&mut Field::new(fields, name, false), value).map(Some),
            None => Some(None),
        }
    }

    fn describe(
        object: ObjectBuilder,
        name: &'static str,
        description: String,
        schemas: &mut Schemas,
    ) -> ObjectBuilder {
        object.property(name, described(T::schema(schemas), description))
    }
}

impl<T: BodyValue> BodyField for Patch<T> {
    fn take(fields: &mut BodyFields, name: &'static str) -> Option<Self> {
        match fields.take(name) {
            Some(Value::Null) => Some(Self::Clear),
            Some(value) => T::read(&mut Field::new(fields, name, true), value).map(Self::Set),
            None => Some(Self::Keep),
        }
    }

    fn describe(
        object: ObjectBuilder,
        name: &'static str,
        description: String,
        schemas: &mut Schemas,
    ) -> ObjectBuilder {
        object.property(name, nullable(described(T::schema(schemas), description)))
    }
}

/// A field that may be invalid while the others are still checked together.
#[derive(Debug)]
pub struct Lenient<T>(Option<T>);

impl<T> Lenient<T> {
    /// The value; `None` if it is invalid.
    pub fn valid(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The value; `None` if it is invalid.
    pub fn into_valid(self) -> Option<T> {
        self.0
    }
}

impl<T: BodyField> BodyField for Lenient<T> {
    fn take(fields: &mut BodyFields, name: &'static str) -> Option<Self> {
        Some(Self(T::take(fields, name)))
    }

    fn describe(
        object: ObjectBuilder,
        name: &'static str,
        description: String,
        schemas: &mut Schemas,
    ) -> ObjectBuilder {
        T::describe(object, name, description, schemas)
    }
}

/// The documentation of an item as one text.
pub fn text(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

/// A reference to the schema of `T`. Adds that schema and the schemas that it refers to.
pub fn reference<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(T::name()).into()
}

fn described(mut schema: RefOr<Schema>, text: String) -> RefOr<Schema> {
    match &mut schema {
        RefOr::Ref(reference) => reference.description = text,
        RefOr::T(Schema::Object(object)) => object.description = Some(text),
        RefOr::T(Schema::Array(array)) => array.description = Some(text),
        RefOr::T(Schema::OneOf(choices)) => choices.description = Some(text),
        RefOr::T(_) => {}
    }
    schema
}

fn nullable(mut schema: RefOr<Schema>) -> RefOr<Schema> {
    let or_null = |kind: &mut SchemaType| {
        if let SchemaType::Type(only) = kind {
            *kind = SchemaType::Array(vec![only.clone(), Type::Null]);
        }
    };
    match &mut schema {
        RefOr::T(Schema::Object(object)) => or_null(&mut object.schema_type),
        RefOr::T(Schema::Array(array)) => or_null(&mut array.schema_type),
        RefOr::Ref(_) | RefOr::T(_) => {
            return OneOfBuilder::new().item(schema).item(Object::with_type(Type::Null)).into();
        }
    }
    schema
}

/// The property of a field that is accepted and has no effect.
pub fn read_only(object: ObjectBuilder, name: &str) -> ObjectBuilder {
    let text = "Part of the response. It may be sent back and has no effect.";
    let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue).read_only(true);
    object.property(name, any.description(Some(text)))
}

/// Declares a body: its struct, its reader and its schema. A field with the type of another body adds the fields of that
/// body in its place. `ignores` names the fields of the response that are accepted and have no effect.
macro_rules! body {
    (
        $(#[doc = $text:literal])*
        $visibility:vis struct $body:ident $(ignores [$($ignored:literal),* $(,)?])? {
            $($(#[doc = $field_text:literal])* $field_visibility:vis $field:ident: $type:ty,)+
        }
    ) => {
        $(#[doc = $text])*
        #[derive(Debug)]
        $visibility struct $body {
            $($(#[doc = $field_text])* $field_visibility $field: $type,)+
        }

        impl $crate::api::body::Body for $body {
            const READ_ONLY: &'static [&'static str] = &[$($($ignored),*)?];

            fn read(fields: &mut $crate::api::body::BodyFields) -> Option<Self> {
                $(let $field = <$type as $crate::api::body::BodyField>::take(fields, stringify!($field));)+
                Some(Self { $($field: $field?,)+ })
            }
        }

        impl $crate::api::body::BodyField for $body {
            fn take(fields: &mut $crate::api::body::BodyFields, _name: &'static str) -> Option<Self> {
                <Self as $crate::api::body::Body>::read(fields)
            }

            fn describe(
                object: utoipa::openapi::ObjectBuilder,
                _name: &'static str,
                _description: String,
                schemas: &mut $crate::api::body::Schemas,
            ) -> utoipa::openapi::ObjectBuilder {
                $(let object = <$type as $crate::api::body::BodyField>::describe(
                    object,
                    stringify!($field),
                    $crate::api::body::text(&[$($field_text),*]),
                    schemas,
                );)+
                object
            }
        }

        impl utoipa::PartialSchema for $body {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let text = $crate::api::body::text(&[$($text),*]);
                let object = utoipa::openapi::ObjectBuilder::new().description(Some(text));
                let schemas = &mut Vec::new();
                let object = <Self as $crate::api::body::BodyField>::describe(object, "", String::new(), schemas);
                let ignored = <Self as $crate::api::body::Body>::READ_ONLY.iter();
                ignored.fold(object, |object, name| $crate::api::body::read_only(object, name)).into()
            }
        }

        impl utoipa::ToSchema for $body {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($body).into()
            }

            fn schemas(schemas: &mut $crate::api::body::Schemas) {
                let object = utoipa::openapi::ObjectBuilder::new();
                <Self as $crate::api::body::BodyField>::describe(object, "", String::new(), schemas);
            }
        }
    };
}
pub(crate) use body;

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema as _;

    use super::values::{Name, Whole};
    use super::*;
    use crate::domain::error::Error;

    body! {
        /// A thing
        /// to create.
        struct NewThing ignores ["id"] {
            /// The name of the thing.
            name: Name,
            limits: Limits,
            /// Whether it is on.
            on: Option<bool>,
        }
    }

    body! {
        /// The limits of a thing.
        struct Limits {
            /// The most of it.
            most: Patch<Whole<1, 9>>,
        }
    }

    #[test]
    fn one_declaration_reads_and_describes() {
        let thing = NewThing::parse(br#"{"name": "a", "most": 7, "id": 1}"#).expect("valid");
        assert_eq!((thing.name.0.as_str(), thing.on), ("a", None));
        assert_eq!(thing.limits.most.value(), Some(7_i64));
        let cleared = NewThing::parse(br#"{"name": "a", "most": null, "on": true}"#).expect("valid");
        assert_eq!((cleared.limits.most.into_option::<i64>(), cleared.on), (Some(None), Some(true)));
        let schema = serde_json::to_value(NewThing::schema()).expect("JSON");
        let most = json!({
            "type": ["integer", "null"], "format": "int64", "minimum": 1, "maximum": 9, "description": "The most of it."
        });
        assert_eq!(
            schema,
            json!({
                "type": "object", "description": "A thing\nto create.", "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "The name of the thing."},
                    "most": most,
                    "on": {"type": "boolean", "description": "Whether it is on."},
                    "id": {
                        "description": "Part of the response. It may be sent back and has no effect.", "readOnly": true
                    },
                },
            })
        );
    }

    #[test]
    fn every_violation_is_collected_in_the_order_of_the_fields() {
        let body = br#"{"odd": 1, "on": null, "most": 10}"#;
        let Err(Error::Invalid(violations)) = NewThing::parse(body) else { panic!("it is invalid") };
        let kinds: Vec<_> =
            violations.iter().map(|violation| (violation.kind, &*violation.message)).collect();
        assert_eq!(
            kinds,
            [
                ("missing", "The field 'name' is required."),
                ("value_error", "'most' must be from 1 to 9."),
                ("bool_type", "'on' must be true or false."),
                ("extra_forbidden", "There is no field 'odd' here. Check its spelling."),
            ]
        );
    }
}
