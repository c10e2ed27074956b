//! Describes schemas in words: the type of a value, and the fields of an object.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Components, Object, RefOr, Schema};

use super::prose::{Prose, prose};

/// The type of a value, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    /// `string`, `list of integer`, or the words before the object's name.
    pub words: String,
    /// Name of the object that it consists of, which has its own entry.
    pub object: Option<String>,
    /// Whether it may be null.
    pub nullable: bool,
}

/// A field of an object.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name of the field.
    pub name: String,
    /// Type of its value.
    pub kind: Kind,
    /// Whether the field is required.
    pub required: bool,
    /// Description of the field.
    pub text: Prose,
    /// Allowed values and limits, one phrase each.
    pub limits: Vec<Prose>,
}

/// Enums with more values than this have their own entry.
const MOST_WORDS: usize = 8;

/// Name of the component that a reference points to.
pub(super) fn target(location: &str) -> &str {
    location.rsplit('/').next().unwrap_or(location)
}

/// Follows references to the schema itself.
pub(super) fn resolve<'a>(components: &'a Components, schema: &'a RefOr<Schema>) -> Option<&'a Schema> {
    match schema {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(reference) => match components.schemas.get(target(&reference.ref_location))? {
            RefOr::T(schema) => Some(schema),
            RefOr::Ref(_) => None,
        },
    }
}

/// Whether a component has its own entry: objects and long enums do.
pub(super) fn has_entry(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::Ref(_) => false,
        RefOr::T(Schema::Object(object)) => !object.properties.is_empty() || words(object).len() > MOST_WORDS,
        RefOr::T(Schema::AllOf(_)) => true,
        RefOr::T(_) => false,
    }
}

/// The values of an enum.
pub(super) fn words(object: &Object) -> Vec<String> {
    let values = object.enum_values.iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The components that a schema is composed of, including itself.
pub(super) fn parts(components: &Components, schema: &RefOr<Schema>, found: &mut BTreeSet<String>) {
    if let RefOr::Ref(reference) = schema {
        let name = target(&reference.ref_location);
        if !found.insert(name.to_owned()) {
            return;
        }
    }
    match resolve(components, schema) {
        Some(Schema::Object(object)) => {
            object.properties.values().for_each(|value| parts(components, value, found));
        }
        Some(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &array.items {
                parts(components, items, found);
            }
        }
        Some(Schema::OneOf(several)) => {
            several.items.iter().for_each(|part| parts(components, part, found));
        }
        Some(Schema::AllOf(several)) => {
            several.items.iter().for_each(|part| parts(components, part, found));
        }
        _ => {}
    }
}

/// The type that a schema describes.
pub(super) fn kind(components: &Components, schema: &RefOr<Schema>) -> Kind {
    if let RefOr::Ref(reference) = schema {
        let name = target(&reference.ref_location);
        return match components.schemas.get(name) {
            Some(component) if has_entry(component) => {
                Kind { object: Some(name.to_owned()), ..Kind::default() }
            }
            Some(component @ RefOr::T(_)) => kind(components, component),
            Some(RefOr::Ref(_)) | None => Kind { words: name.to_owned(), ..Kind::default() },
        };
    }
    let RefOr::T(schema) = schema else { return Kind::default() };
    match schema {
        Schema::Array(array) => {
            let nullable = types(&array.schema_type).contains(&"null");
            match &array.items {
                ArrayItems::RefOrSchema(items) => list_of(kind(components, items), nullable),
                ArrayItems::False => Kind { words: "list".to_owned(), nullable, ..Kind::default() },
            }
        }
        Schema::Object(object) => object_kind(components, object),
        Schema::OneOf(parts) => either(components, &parts.items),
        Schema::AnyOf(parts) => either(components, &parts.items),
        _ => Kind { words: "object".to_owned(), ..Kind::default() },
    }
}

fn list_of(items: Kind, nullable: bool) -> Kind {
    Kind { words: format!("list of {}", items.words), object: items.object, nullable }
}

fn object_kind(components: &Components, object: &Object) -> Kind {
    let types = types(&object.schema_type);
    let nullable = types.contains(&"null");
    if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref() {
        let values = kind(components, values);
        return Kind { words: format!("map of {}", values.words), object: values.object, nullable };
    }
    let named: Vec<&str> = types.into_iter().filter(|name| *name != "null").collect();
    let mut words = if named.is_empty() { "any JSON value".to_owned() } else { named.join(" or ") };
    if let Some(format) = object.format.as_ref().and_then(format) {
        words = format!("{words} ({format})");
    }
    Kind { words, object: None, nullable }
}

/// A choice of several types, with null marked separately.
fn either(components: &Components, parts: &[RefOr<Schema>]) -> Kind {
    let is_null = |part: &&RefOr<Schema>| matches!(part, RefOr::T(Schema::Object(object)) if types(&object.schema_type) == ["null"]);
    let nullable = parts.iter().any(|part| is_null(&part));
    let mut kinds = parts.iter().filter(|part| !is_null(part)).map(|part| kind(components, part));
    let first = kinds.next().unwrap_or_default();
    let others: String =
        kinds.map(|kind| format!(" or {}{}", kind.words, kind.object.unwrap_or_default())).collect();
    let words = if others.is_empty() { first.words } else { format!("{}{others}", first.words) };
    Kind { words, object: first.object, nullable: nullable || first.nullable }
}

fn types(kind: &SchemaType) -> Vec<&'static str> {
    match kind {
        SchemaType::Type(one) => vec![type_word(one)],
        SchemaType::Array(several) => several.iter().map(type_word).collect(),
        SchemaType::AnyValue => Vec::new(),
    }
}

fn type_word(kind: &Type) -> &'static str {
    match kind {
        Type::Object => "object",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Array => "list",
        Type::Null => "null",
    }
}

/// The bit width of an integer does not matter to callers and is omitted.
fn format(format: &SchemaFormat) -> Option<String> {
    let name = serde_json::to_value(format).ok()?.as_str()?.to_owned();
    Some(name).filter(|name| !name.starts_with("int") && !name.starts_with("uint"))
}

/// The fields of an object.
pub(super) fn fields(components: &Components, schema: &RefOr<Schema>) -> Vec<Field> {
    match resolve(components, schema) {
        Some(Schema::Object(object)) => {
            let field = |(name, value): (&String, &RefOr<Schema>)| Field {
                name: name.clone(),
                kind: kind(components, value),
                required: object.required.contains(name),
                text: prose(&description(value)),
                limits: limits(components, value),
            };
            object.properties.iter().map(field).collect()
        }
        Some(Schema::AllOf(parts)) => parts.items.iter().flat_map(|part| fields(components, part)).collect(),
        _ => Vec::new(),
    }
}

fn description(schema: &RefOr<Schema>) -> String {
    let text = match schema {
        RefOr::Ref(reference) => return reference.description.replace('\n', " "),
        RefOr::T(Schema::Array(array)) => &array.description,
        RefOr::T(Schema::Object(object)) => &object.description,
        RefOr::T(Schema::OneOf(parts)) => {
            // utoipa stores the field's description with the non-null variant.
            let own = parts.items.iter().find_map(|part| match part {
                RefOr::Ref(reference) if !reference.description.is_empty() => Some(&reference.description),
                RefOr::Ref(_) | RefOr::T(_) => None,
            });
            return parts
                .description
                .as_ref()
                .or(own)
                .map_or_else(String::new, |text| text.replace('\n', " "));
        }
        RefOr::T(Schema::AllOf(parts)) => &parts.description,
        RefOr::T(Schema::AnyOf(parts)) => &parts.description,
        RefOr::T(_) => &None,
    };
    text.as_deref().unwrap_or_default().replace('\n', " ")
}

/// Allowed values and limits, one phrase each.
pub(super) fn limits(components: &Components, schema: &RefOr<Schema>) -> Vec<Prose> {
    phrases(components, schema).iter().map(|phrase| prose(phrase)).collect()
}

fn phrases(components: &Components, schema: &RefOr<Schema>) -> Vec<String> {
    let mut limits = Vec::new();
    let resolved = resolve(components, schema);
    if let Some(Schema::Object(object)) = resolved {
        let words = words(object);
        if !words.is_empty() && words.len() <= MOST_WORDS {
            limits.push(format!(
                "one of {}",
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            ));
        }
    }
    if let Some(Schema::OneOf(parts)) = resolved {
        limits.extend(parts.items.iter().flat_map(|part| phrases(components, part)));
    }
    // Numbers have their own types here; read them as the document writes them.
    let written = serde_json::to_value(schema).unwrap_or_default();
    let fact = |name: &str| written.get(name).filter(|value| !value.is_null()).map(plain);
    for (least, most, [one, many]) in [
        ("minimum", "maximum", ["", ""]),
        ("minItems", "maxItems", ["entry", "entries"]),
        ("minLength", "maxLength", ["character", "characters"]),
    ] {
        // A minimum of zero entries or of zero for an unsigned number is not worth mentioning.
        let least = fact(least).filter(|least| least != "0");
        let unit = |number: &str| if number == "1" { one } else { many };
        let range = match (least, fact(most)) {
            (Some(least), Some(most)) if least == most => format!("{most} {}", unit(&most)),
            (Some(least), Some(most)) => format!("{least} to {most} {}", unit(&most)),
            (Some(least), None) if least == "1" && !many.is_empty() => "not empty".to_owned(),
            (Some(least), None) => format!("at least {least} {}", unit(&least)),
            (None, Some(most)) => format!("at most {most} {}", unit(&most)),
            (None, None) => continue,
        };
        limits.push(range.trim_end().to_owned());
    }
    limits.extend(fact("default").map(|default| format!("default `{default}`")));
    limits
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => grouped(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A number with thousands separators.
fn grouped(digits: &str) -> String {
    let mut marked = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            marked.push(',');
        }
        marked.push(digit);
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::{AllOf, Array, OneOf, Ref};

    fn components() -> Components {
        let text = Object::with_type(Type::String);
        let mut pet = Object::new();
        pet.properties.insert("name".to_owned(), RefOr::T(Schema::Object(text)));
        pet.required.push("name".to_owned());
        let mut components = Components::new();
        components.schemas.insert("Pet".to_owned(), RefOr::T(Schema::Object(pet)));
        components
    }

    fn pet() -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name("Pet"))
    }

    fn null() -> RefOr<Schema> {
        RefOr::T(Schema::Object(Object::with_type(Type::Null)))
    }

    #[test]
    fn a_type_is_described_in_words_and_links_to_its_object() {
        let shown = |schema: Schema| {
            let kind = kind(&components(), &RefOr::T(schema));
            format!(
                "{}[{}]{}",
                kind.words,
                kind.object.unwrap_or_default(),
                if kind.nullable { "?" } else { "" }
            )
        };
        let nullable_text = SchemaType::Array(vec![Type::String, Type::Null]);
        let mut text = Object::with_type(nullable_text);
        text.format = Some(SchemaFormat::Custom("date-time".to_owned()));
        assert_eq!(shown(Schema::Object(text)), "string (date-time)[]?");
        assert_eq!(shown(Schema::Array(Array::new(pet()))), "list of [Pet]");
        let mut or_null = OneOf::new();
        or_null.items = vec![null(), pet()];
        assert_eq!(shown(Schema::OneOf(or_null)), "[Pet]?");
        assert_eq!(shown(Schema::Object(Object::with_type(SchemaType::AnyValue))), "any JSON value[]");
    }

    #[test]
    fn a_composed_schema_has_the_fields_of_its_parts() {
        let mut whole = AllOf::new();
        let mut more = Object::new();
        more.properties.insert("age".to_owned(), RefOr::T(Schema::Object(Object::with_type(Type::Integer))));
        whole.items = vec![pet(), RefOr::T(Schema::Object(more))];
        let found = fields(&components(), &RefOr::T(Schema::AllOf(whole)));
        let shown: Vec<_> = found.iter().map(|field| (field.name.as_str(), field.required)).collect();
        assert_eq!(shown, [("name", true), ("age", false)]);
    }

    #[test]
    fn thousands_are_separated() {
        for (digits, marked) in
            [("7", "7"), ("1000", "1,000"), ("600000", "600,000"), ("1.5", "1.5"), ("-2000", "-2000")]
        {
            assert_eq!(grouped(digits), marked);
        }
    }
}
