//! The body of `POST /fallback`.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use super::expected_type;
use crate::api::body::values::{BodyText, all_valid, entries, strings_schema};
use crate::api::body::{Body as _, BodyValue, Field, Patch, Schemas, body, reference};
use crate::api::litellm::error::{own_fallback, unknown_fallbacks, unknown_model};
use crate::domain::error::{Error, Location, Result, Violation};
use crate::domain::failure::class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::store::NewFallback;
use crate::validation::ViolationReason;

/// The most models in one list, the same as in a request's own list.
const MOST_FALLBACKS: usize = 32;

body! {
    /// A fallback list to create or replace. Unknown fields are ignored.
    pub struct FallbackRequest ignores ["router_config_id", "revision", "created_at", "updated_at"] {
        /// The catalog name of the model that the list is for. Surrounding whitespace is trimmed.
        model: TrimmedName,
        /// Catalog names of the models to try, in order: 1 to 32, no duplicates, and not the model itself.
        fallback_models: FallbackModels,
        /// Which failures use the list; `general` covers every failure without a list of its own type.
        fallback_type: Option<ListType>,
        /// Limits the list to these error classes; null or absent means every class. `stream_interrupted` is not
        /// allowed, because no other model can take over at that point.
        triggers: Patch<Triggers>,
    }
}

pub(super) fn parse(body: &[u8]) -> Result<NewFallback> {
    let mut fields = FallbackRequest::fields(body).map_err(|error| located(error, body))?;
    let body = FallbackRequest::read(&mut fields);
    let body = fields.finish_lenient(body)?;
    Ok(NewFallback {
        model: body.model.0,
        fallback_models: body.fallback_models.0,
        fallback_type: body.fallback_type.map_or(FallbackType::General, |list| list.0),
        triggers: body.triggers.value(),
    })
}

/// Adds the names that are not in the catalog to the violations of a body, so that all of its faults are reported at once.
pub(super) fn with_unknown_names(error: Error, body: &[u8], is_known: impl Fn(&str) -> bool) -> Error {
    let Error::Invalid(mut violations) = error else { return error };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_at_model = |violation: &Violation| violation.location.get(1) == Some(&Location::from("model"));
    let has_model = !violations.iter().any(is_at_model);
    let model = body.get("model").and_then(Value::as_str).map(str::trim).filter(|_| has_model);
    if let Some(model) = model.filter(|model| !is_known(model)) {
        violations.push(Violation::body("model", "value_error", unknown_model(model)));
    }
    let entries = body.get("fallback_models").and_then(Value::as_array).into_iter().flatten();
    for (index, name) in entries.enumerate().take(MOST_FALLBACKS) {
        let Some(name) = name.as_str() else { continue };
        let message = match Some(name) == model {
            _ if !is_known(name) => unknown_fallbacks(&[name.to_owned()]),
            true => own_fallback(name),
            false => continue,
        };
        let location = [Location::from("body"), Location::from("fallback_models"), Location::from(index)];
        violations.push(Violation::new(location, "value_error", message));
    }
    Error::Invalid(violations)
}

/// Adds the byte offset of a JSON syntax error, as LiteLLM does.
fn located(mut error: Error, body: &[u8]) -> Error {
    if let Error::Invalid(violations) = &mut error
        && let Some(broken) = violations.iter_mut().find(|violation| violation.kind == "json_invalid")
        && let Err(fault) = serde_json::from_slice::<IgnoredAny>(body)
    {
        let lines = body.split_inclusive(|byte| *byte == b'\n');
        let before: usize = lines.take(fault.line().saturating_sub(1)).map(<[u8]>::len).sum();
        broken.location.push(Location::Index(before + fault.column().saturating_sub(1)));
    }
    error
}

/// The name of a model, without whitespace around it.
#[derive(Debug)]
struct TrimmedName(String);

impl BodyText for TrimmedName {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        match text.trim() {
            "" => Err(ViolationReason::new("value_error", "must not be blank")),
            name => Ok(Self(name.to_owned())),
        }
    }

    #[expect(deprecated, reason = "the derived schemas have one example, too")]
    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).example(Some("smart".into())).into()
    }
}

/// The models of a list.
#[derive(Debug)]
struct FallbackModels(Vec<String>);

impl BodyValue for FallbackModels {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let models = entries::<String>(field, value)?;
        if models.is_empty() {
            field.refuse("too_short", "must name at least one model");
        }
        if models.len() > MOST_FALLBACKS {
            let expected = format!("may name at most {MOST_FALLBACKS} models, not {}", models.len());
            field.refuse("too_long", expected);
        }
        refuse_duplicates(field, models.iter().map(Option::as_ref));
        all_valid(models).map(Self)
    }

    #[expect(deprecated, reason = "the derived schemas have one example, too")]
    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        strings_schema(1, Some(MOST_FALLBACKS)).example(Some(json!(["steady"]))).into()
    }
}

/// The type of a list.
#[derive(Debug)]
struct ListType(FallbackType);

impl BodyValue for ListType {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let kind = value.as_str().and_then(FallbackType::parse);
        if kind.is_none() {
            field.refuse_with("literal_error", expected_type());
        }
        kind.map(Self)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        let mut schema = reference::<FallbackType>(schemas);
        if let RefOr::Ref(reference) = &mut schema {
            reference.default = Some(FallbackType::General.as_str().into());
        }
        schema
    }
}

/// The error classes that use a list. Reasons for skipping a model are allowed too, since the request goes on to the next
/// one.
#[derive(Debug)]
struct Triggers(Vec<String>);

impl From<Triggers> for Vec<String> {
    fn from(triggers: Triggers) -> Self {
        triggers.0
    }
}

impl BodyValue for Triggers {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let classes = entries::<Trigger>(field, value)?;
        if classes.is_empty() {
            field.refuse("too_short", "must name at least one error class; leave it out for every class");
        }
        let words = classes.iter().map(|class| class.as_ref().map(|trigger| trigger.0.as_str()));
        refuse_duplicates(field, words);
        Some(Self(all_valid(classes)?.into_iter().map(|trigger| trigger.0.to_string()).collect()))
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        ArrayBuilder::new().items(reference::<ErrorClass>(schemas)).into()
    }
}

/// One error class that uses a list.
struct Trigger(ErrorClass);

impl BodyText for Trigger {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        match text.parse() {
            Ok(ErrorClass::StreamInterrupted) => {
                let expected = "cannot be used: a stream that broke after content was sent cannot go on with another model";
                Err(ViolationReason::new("value_error", expected))
            }
            Ok(class) => Ok(Self(class)),
            Err(_) => Err(ViolationReason::new("literal_error", expected_class())),
        }
    }
}

fn expected_class() -> String {
    let classes = ErrorClass::ALL.iter().filter(|class| **class != ErrorClass::StreamInterrupted);
    let words: Vec<String> = classes.map(|class| format!("'{class}'")).collect();
    format!("must be one of {}", words.join(", "))
}

/// Refuses the names that are there twice, with their places. As in LiteLLM the list is at fault, and not an entry.
fn refuse_duplicates(field: &mut Field<'_>, names: impl Iterator<Item = Option<impl AsRef<str>>>) {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut order = Vec::new();
    for (index, name) in names.enumerate() {
        let Some(name) = name else { continue };
        let name = name.as_ref();
        let known = places.entry(name.to_owned()).or_default();
        known.push(index);
        if known.len() == 2 {
            order.push(name.to_owned());
        }
    }
    for duplicate in order {
        let indices = places.get(&duplicate).into_iter().flatten();
        let indices: Vec<String> = indices.map(|index| format!("[{index}]")).collect();
        let (places, name) = (indices.join(", "), field.name().to_owned());
        let message = format!("'{duplicate}' is a duplicate in '{name}', at {places}. Name it once.");
        field.refuse_with("value_error", message);
    }
}
