//! The values of a request, for comparisons with an error.

use serde_json::Value;

use crate::dialects::Dialect;
use crate::gateway::call::redact::request_text::LONGEST;
use crate::gateway::request::chat_request::ChatRequest;

/// Members that name a model other than the one that is called.
const MODELS: [&str; 5] = ["model", "model_id", "deployment", "deployment_id", "deployment_name"];

/// What a dialect calls the side of the model in a conversation, if that is a word of errors about models.
const fn side_of_the_model(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Gemini => Some("model"),
        Dialect::ChatCompletions | Dialect::Messages | Dialect::Responses | Dialect::Converse => None,
    }
}

/// The value of a member of the request, unless it is null.
pub(super) fn value<'a>(request: &'a ChatRequest, name: &str) -> Option<&'a [u8]> {
    let part = request.parts.iter().find(|part| part.name == name)?;
    Some(request.value(part)).filter(|value| *value != b"null")
}

/// A field as JSON; `None` if it is absent or nested too deeply.
pub(super) fn json(request: &ChatRequest, name: &str) -> Option<Value> {
    serde_json::from_slice(value(request, name)?).ok()
}

/// What the values of a request say.
#[derive(Default)]
pub(super) struct Strings {
    /// All strings and numbers.
    pub(super) values: Vec<String>,
    /// Whether a member names a model.
    pub(super) names_model: bool,
}

impl Strings {
    /// Reads all fields but the model. `None` means that the request is too long or nested too deeply.
    pub(super) fn of(request: &ChatRequest) -> Option<Self> {
        if request.body.len() > LONGEST {
            return None;
        }
        let mut strings = Self::default();
        for part in request.parts.iter().filter(|part| part.name != "model") {
            strings.note(&part.name);
            strings.add(serde_json::from_slice(request.value(part)).ok()?);
        }
        let side = side_of_the_model(request.dialect);
        strings.values.retain(|value| side != Some(value.as_str()));
        Some(strings)
    }

    fn note(&mut self, name: &str) {
        self.names_model |= MODELS.contains(&name);
    }

    pub(super) fn add(&mut self, value: Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.values.push(number.to_string()),
            Value::String(text) => self.values.push(text),
            Value::Array(items) => items.into_iter().for_each(|item| self.add(item)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.note(&name);
                    self.add(value);
                }
            }
        }
    }
}
