//! The body of `POST /fallback`.

use std::collections::HashSet;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::expected_type;
use crate::api::json_fields::BodyFields;
use crate::domain::error::{Error, Location, Result};
use crate::domain::error_class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::store::NewFallback;

/// The most models in one list, the same as in a request's own list.
const MOST_FALLBACKS: usize = 32;

/// A fallback list to create or replace. Unknown fields are ignored.
#[derive(Debug, utoipa::ToSchema)]
pub struct FallbackRequest {
    /// The catalog name of the model that the list is for. Surrounding whitespace is trimmed.
    #[schema(example = "smart")]
    pub model: String,
    /// Catalog names of the models to try, in order: 1 to 32, no duplicates, and not the model itself.
    #[schema(example = json!(["steady"]), min_items = 1, max_items = 32)]
    pub fallback_models: Vec<String>,
    /// Which failures use the list; `general` covers every failure without a list of its own type.
    #[schema(required = false, default = "general")]
    pub fallback_type: FallbackType,
    /// Limits the list to these error classes; null or absent means every class. `stream_interrupted` is not
    /// allowed, because no other model can take over at that point.
    pub triggers: Option<Vec<ErrorClass>>,
}

pub(super) fn parse(body: &[u8]) -> Result<NewFallback> {
    let mut fields = BodyFields::parse(body).map_err(|error| located(error, body))?;
    let model = model(&mut fields);
    let fallback_models = fallback_models(&mut fields);
    let fallback_type = fallback_type(&mut fields);
    let triggers = triggers(&mut fields);
    fields.finish_lenient()?;
    Ok(NewFallback { model, fallback_models, fallback_type, triggers })
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

fn model(fields: &mut BodyFields) -> String {
    match fields.take("model") {
        Some(Value::String(model)) if model.trim().is_empty() => {
            fields.refuse("model", "value_error", "'model' must not be blank.");
        }
        Some(Value::String(model)) => return model.trim().to_owned(),
        Some(_) => fields.refuse("model", "string_type", "'model' must be a string."),
        None => fields.refuse("model", "missing", "The field 'model' is required."),
    }
    String::new()
}

fn fallback_models(fields: &mut BodyFields) -> Vec<String> {
    const FIELD: &str = "fallback_models";
    let Some(value) = fields.take(FIELD) else {
        fields.refuse(FIELD, "missing", format!("The field '{FIELD}' is required."));
        return Vec::new();
    };
    let Some(models) = strings(fields, FIELD, value) else { return Vec::new() };
    if models.is_empty() {
        fields.refuse(FIELD, "too_short", format!("'{FIELD}' must name at least one model."));
    }
    if models.len() > MOST_FALLBACKS {
        let message = format!("'{FIELD}' may name at most {MOST_FALLBACKS} models, not {}.", models.len());
        fields.refuse(FIELD, "too_long", message);
    }
    if let Some(duplicate) = first_duplicate(&models) {
        fields.refuse(
            FIELD,
            "value_error",
            format!("'{duplicate}' is a duplicate in '{FIELD}'. Name it once."),
        );
    }
    models
}

fn fallback_type(fields: &mut BodyFields) -> FallbackType {
    let Some(value) = fields.take("fallback_type") else { return FallbackType::General };
    value.as_str().and_then(FallbackType::parse).unwrap_or_else(|| {
        fields.refuse("fallback_type", "literal_error", expected_type());
        FallbackType::General
    })
}

/// Reads the error classes. Reasons for skipping a model are allowed too, since the request goes on to the next
/// one.
fn triggers(fields: &mut BodyFields) -> Option<Vec<String>> {
    const FIELD: &str = "triggers";
    let value = fields.take(FIELD).filter(|value| !value.is_null())?;
    let words = strings(fields, FIELD, value)?;
    if words.is_empty() {
        let message = "'triggers' must name at least one error class; leave it out for every class.";
        fields.refuse(FIELD, "too_short", message);
    }
    for (index, word) in words.iter().enumerate() {
        match word.parse() {
            Ok(ErrorClass::StreamInterrupted) => {
                let message = "A stream that broke after content was sent cannot go on with another model.";
                fields.refuse_entry(FIELD, index, "value_error", message);
            }
            Ok(_) => {}
            Err(_) => fields.refuse_entry(FIELD, index, "literal_error", expected_class()),
        }
    }
    if let Some(duplicate) = first_duplicate(&words) {
        fields.refuse(
            FIELD,
            "value_error",
            format!("'{duplicate}' is a duplicate in '{FIELD}'. Name it once."),
        );
    }
    Some(words)
}

/// Reads a list of strings; refuses every other entry by its index.
fn strings(fields: &mut BodyFields, field: &str, value: Value) -> Option<Vec<String>> {
    let Value::Array(entries) = value else {
        fields.refuse(field, "list_type", format!("'{field}' must be a list of strings."));
        return None;
    };
    for (index, _) in entries.iter().enumerate().filter(|(_, entry)| !entry.is_string()) {
        let message = format!("Every entry of '{field}' must be a string.");
        fields.refuse_entry(field, index, "string_type", message);
    }
    let text = |entry| if let Value::String(text) = entry { Some(text) } else { None };
    entries.into_iter().map(text).collect()
}

fn expected_class() -> String {
    let classes = ErrorClass::ALL.iter().filter(|class| **class != ErrorClass::StreamInterrupted);
    let words: Vec<String> = classes.map(|class| format!("'{class}'")).collect();
    format!("Input should be one of {}", words.join(", "))
}

fn first_duplicate(names: &[String]) -> Option<&str> {
    let mut seen = HashSet::new();
    names.iter().map(String::as_str).find(|name| !seen.insert(*name))
}
