//! The caller's body, parsed once and shallowly: the models, whether it streams, and the gateway's own fields.
//!
//! Everything else is kept as bytes.

mod audio;
mod body;
mod entries;
mod fields;
mod inputs;
mod large;
mod members;
mod mocks;
mod named;
pub mod numbers;
mod operation;
mod stored;
mod translation;
mod words;

use crate::dialects::Dialect;
use crate::dialects::bounded_object::text;
use crate::domain::session_id::{MAX_SESSION, check_session};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use crate::domain::error::{Error, Result};
use crate::domain::failure::class::ErrorClass;
use crate::domain::operation::Operation;
use crate::gateway::call::redact::request_text::RequestText;
use crate::gateway::request::form::Form;
use crate::gateway::request::json_object::{RawObject, span};
use crate::gateway::request::passed_headers::PassedHeaders;
use crate::gateway::request::requirements::Prompt;
use crate::gateway::request::stored_state::StoredState;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::Documents;
use entries::Entries;
pub use fields::each_in;
pub use members::{OWN_MEMBERS, ROUTER_MEMBERS, is_own, meant};
use translation::Translations;

/// The most entries of a request's own list.
pub const MAX_LIST: usize = 32;

/// The longest name of a model, and of a field that an error message repeats, in bytes.
const MAX_NAME: usize = 200;

/// The candidates that the caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// One model with its stored fallbacks.
    Stored(String),
    /// These models in this order, without stored fallbacks.
    List(Vec<String>),
    /// One model without fallbacks (`disable_fallbacks`).
    Alone(String),
}

impl Wanted {
    /// The name of the primary model.
    #[must_use]
    pub fn primary(&self) -> &str {
        match self {
            Self::Stored(model) | Self::Alone(model) => model,
            Self::List(models) => models.first().map_or("", String::as_str),
        }
    }

    /// The names in the request.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::Stored(model) | Self::Alone(model) => std::slice::from_ref(model),
            Self::List(models) => models,
        }
    }
}

/// One field of the body.
#[derive(Debug, Clone)]
pub struct Part {
    /// The name of the field, unescaped.
    pub name: String,
    /// The byte range of the value in [`ChatRequest::body`].
    pub value: std::ops::Range<usize>,
}

/// A request for a chat completion or a message, as the caller sent it.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    /// The dialect of the request and of its answer.
    pub dialect: Dialect,
    /// What it asks a model for. All but chats have OpenAI's form, of which the dialect is chat completions.
    pub operation: Operation,
    /// How many inputs it has that get a result each, such as embeddings, how many documents, or how many images it asks for;
    /// `None` if that is unknown.
    pub inputs: Option<usize>,
    /// The body, shared and unchanged.
    pub body: Bytes,
    /// The form that was sent in place of a JSON body, of which the body has the fields that the gateway reads.
    pub form: Option<Arc<Form>>,
    /// The fields of the body, in order.
    pub parts: Vec<Part>,
    /// The headers that reach providers beside the body.
    pub passed: PassedHeaders,
    /// Whether it may be translated for providers that do not speak its dialect.
    pub translates: bool,
    /// The changes with which it was translated from the caller's dialect; `None` for the caller's own request.
    pub translated_with: Option<Vec<String>>,
    /// The documents of a translation; none in the caller's own request, which is not searched for them.
    pub documents: Documents,
    /// The candidates that the caller asks for.
    pub wanted: Wanted,
    /// Whether the caller asks for a stream.
    pub stream: bool,
    /// Whether the caller asked for the usage chunk of a stream.
    pub include_usage: bool,
    /// The value of `max_fallbacks`, if set.
    pub max_fallbacks: Option<u32>,
    /// The value of `num_retries`, 0 to 5, if set.
    pub num_retries: Option<u32>,
    /// The session id, from `session_id` or `metadata.session_id`.
    pub session: Option<String>,
    /// The class with which the primary is to fail (`mock_testing_*`).
    pub drill: Option<ErrorClass>,
    size: OnceLock<TextSize>,
    pub(in crate::gateway) prompt: OnceLock<Prompt>,
    pub(in crate::gateway) stored_state: OnceLock<StoredState>,
    text: OnceLock<Arc<RequestText>>,
    translations: Translations,
}

impl ChatRequest {
    /// Parses the body of a chat completion.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_as`].
    pub fn parse(body: Bytes) -> Result<Self> {
        Self::parse_as(Dialect::ChatCompletions, body)
    }

    /// Parses a body.
    ///
    /// # Errors
    /// 400 with the field and the remedy.
    pub fn parse_as(dialect: Dialect, body: Bytes) -> Result<Self> {
        body::read(body, |body, members| Self::of_members((dialect, Operation::Chat), body, members))
    }

    /// The request with these members, which are those of the body.
    fn of_members(
        (dialect, operation): (Dialect, Operation),
        body: &Bytes,
        members: &RawObject<'_>,
    ) -> Result<Self> {
        if let Some(name) = members.duplicate() {
            return Err(twice(name));
        }
        let stream = operation.is_always_streamed() || operation.streams() && flag(members, "stream")?;
        if operation.writes() {
            numbers::check(dialect, members)?;
        }
        let request = Self {
            dialect,
            operation,
            inputs: inputs::inputs(operation, members),
            passed: PassedHeaders::default(),
            translates: operation == Operation::Chat,
            translated_with: None,
            documents: Documents::None,
            wanted: wanted(dialect, members)?,
            stream,
            include_usage: match dialect {
                Dialect::ChatCompletions => stream && asks_for_usage(members)?,
                Dialect::Messages | Dialect::Responses | Dialect::Gemini | Dialect::Converse => true,
            },
            max_fallbacks: number(members, "max_fallbacks", u32::MAX)?,
            num_retries: number(members, "num_retries", 5)?,
            session: session(members)?,
            drill: mocks::drill(|field| flag(members, field))?,
            parts: members
                .0
                .iter()
                .map(|member| Part {
                    name: member.name.clone().into_owned(),
                    value: span(body, member.value.bytes()),
                })
                .collect(),
            body: body.clone(),
            form: None,
            size: OnceLock::new(),
            prompt: OnceLock::new(),
            stored_state: OnceLock::new(),
            text: OnceLock::new(),
            translations: Translations::default(),
        };
        Ok(request)
    }

    /// The bytes of a field's value.
    #[must_use]
    pub fn value(&self, part: &Part) -> &[u8] {
        self.body.get(part.value.clone()).unwrap_or_default()
    }
}

fn twice(name: &str) -> Error {
    if name.len() > MAX_NAME {
        return Error::refused(None, "duplicate_field", "A field occurs twice in the body. Send it once.");
    }
    let message = format!("The field '{name}' occurs twice in the body. Send it once.");
    Error::refused(Some(name), "duplicate_field", message)
}

/// A field of a fixed type; null counts as absent.
fn member<T: DeserializeOwned>(
    members: &RawObject<'_>,
    name: &'static str,
    expected: &str,
) -> Result<Option<T>> {
    let Some(value) = members.present(name) else { return Ok(None) };
    serde_json::from_str(value.get())
        .map(Some)
        .map_err(|_| Error::refused(Some(name), "invalid_type", format!("'{name}' must be {expected}.")))
}

fn flag(members: &RawObject<'_>, name: &'static str) -> Result<bool> {
    Ok(member(members, name, "true or false")?.unwrap_or(false))
}

fn number(members: &RawObject<'_>, name: &'static str, most: u32) -> Result<Option<u32>> {
    if members.present(name).is_none() {
        return Ok(None);
    }
    let expected = if most == u32::MAX {
        "a whole number, 0 or more".to_owned()
    } else {
        format!("a whole number from 0 to {most}")
    };
    let value: Option<u32> = member(members, name, &expected)?;
    match value {
        Some(value) if value > most => {
            Err(Error::refused(Some(name), "invalid_value", format!("'{name}' must be {expected}.")))
        }
        value => Ok(value),
    }
}

fn wanted(dialect: Dialect, members: &RawObject<'_>) -> Result<Wanted> {
    let model = model(dialect, members)?;
    let models = list(dialect, members, "models")?;
    let fallbacks = if is_own(dialect, "fallbacks") { list(dialect, members, "fallbacks")? } else { None };
    let alone = flag(members, "disable_fallbacks")?;
    let (field, listed) = match (models, fallbacks) {
        (Some(_), Some(_)) => {
            return Err(Error::refused(
                Some("fallbacks"),
                "conflicting_fields",
                "'models' and 'fallbacks' mean the same: send only one of them.",
            ));
        }
        (Some(models), None) => ("models", models),
        (None, Some(fallbacks)) => ("fallbacks", fallbacks),
        (None, None) => {
            let model = model.ok_or_else(model_missing)?;
            return Ok(if alone { Wanted::Alone(model) } else { Wanted::Stored(model) });
        }
    };
    if alone {
        return Err(Error::refused(
            Some("disable_fallbacks"),
            "conflicting_fields",
            format!("'disable_fallbacks' contradicts '{field}': send one of them."),
        ));
    }
    if model.is_none() && field == "fallbacks" {
        return Err(model_missing());
    }
    let mut chain: Vec<String> = Vec::with_capacity(listed.len() + 1);
    for name in model.into_iter().chain(listed) {
        if !chain.contains(&name) {
            chain.push(name);
        }
    }
    Ok(Wanted::List(chain))
}

fn model_missing() -> Error {
    Error::refused(
        Some("model"),
        "missing_field",
        "The body names no model. Send 'model', or a list of them as 'models'.",
    )
}

fn model(dialect: Dialect, members: &RawObject<'_>) -> Result<Option<String>> {
    let model: Option<String> = member(members, "model", "a string, the name of a model")?;
    match model.map(|model| meant(dialect, model)) {
        Some(model) if model.trim().is_empty() => {
            Err(Error::refused(Some("model"), "invalid_value", "'model' must not be empty."))
        }
        Some(model) if model.len() > MAX_NAME => Err(name_too_long("model")),
        model => Ok(model),
    }
}

/// A long name is rejected without repeating it in the message.
fn name_too_long(field: &'static str) -> Error {
    let message = format!("'{field}' holds a name of more than {MAX_NAME} characters; no model has one.");
    Error::refused(Some(field), "invalid_value", message)
}

fn list(dialect: Dialect, members: &RawObject<'_>, name: &'static str) -> Result<Option<Vec<String>>> {
    let Some(value) = members.present(name) else { return Ok(None) };
    let bad = |message: String| Error::refused(Some(name), "invalid_value", message);
    let Entries { first: entries, count } = serde_json::from_str(value.get()).map_err(|_| {
        Error::refused(
            Some(name),
            "invalid_type",
            format!("'{name}' must be a list of model names, such as [\"gpt-4o\", \"o1\"]."),
        )
    })?;
    if count == 0 {
        return Err(bad(format!("'{name}' must not be empty. Leave it out, or name at least one model.")));
    }
    if count > MAX_LIST {
        return Err(bad(format!("'{name}' holds {count} entries; at most {MAX_LIST} are allowed.")));
    }
    let mut names = Vec::with_capacity(entries.len());
    for entry in entries {
        let entry = serde_json::from_str(entry.get()).map(|name| meant(dialect, name)).map_err(|_| {
            let hint = if entry.get().starts_with('{') {
                " Objects with overrides are not supported here."
            } else {
                ""
            };
            Error::refused(
                Some(name),
                "invalid_type",
                format!("every entry of '{name}' must be a string, the name of a model.{hint}"),
            )
        })?;
        if entry.trim().is_empty() {
            return Err(bad(format!("'{name}' holds an empty name.")));
        }
        if entry.len() > MAX_NAME {
            return Err(name_too_long(name));
        }
        names.push(entry);
    }
    Ok(Some(names))
}

fn asks_for_usage(members: &RawObject<'_>) -> Result<bool> {
    let Some(options) = members.present("stream_options") else { return Ok(false) };
    let options: RawObject<'_> = serde_json::from_str(options.get()).map_err(|_| {
        Error::refused(Some("stream_options"), "invalid_type", "'stream_options' must be an object.")
    })?;
    Ok(options.get("include_usage").is_some_and(|value| value.get() == "true"))
}

fn session(members: &RawObject<'_>) -> Result<Option<String>> {
    if let Some(session) = member::<String>(members, "session_id", "a string")? {
        check_session(&session)?;
        return Ok(Some(session));
    }
    // `metadata` belongs to the caller, so an invalid session id in it is ignored.
    let metadata = members.present("metadata").and_then(|value| RawObject::parse(value.bytes()).ok());
    let inner = metadata.and_then(|metadata| metadata.present("session_id"));
    // A value that is far too long is not copied.
    let session = inner.filter(|value| value.get().len() <= 16 * MAX_SESSION).and_then(|value| {
        serde_json::from_str::<Lenient<'_>>(value.get()).ok().map(|text| text.0.into_owned())
    });
    Ok(session.filter(|session| check_session(session).is_ok()))
}

struct Lenient<'a>(Cow<'a, str>);
impl<'de> Deserialize<'de> for Lenient<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Lenient)
    }
}

#[cfg(test)]
mod tests;
