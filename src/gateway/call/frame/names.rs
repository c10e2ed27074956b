//! The names that the gateway writes into answers, and the mark of what their providers store.

use crate::dialects::Dialect;
use crate::gateway::request::json_object::quoted;
use crate::store::snapshot::ModelEntry;

/// The catalog names of the model and the provider, as JSON strings.
#[derive(Debug, Clone)]
pub struct Names {
    /// The name of the model.
    pub model: String,
    /// The name of the provider; `None` if answers of the dialect have no such field.
    pub provider: Option<String>,
    /// What is added to the ids of what the provider stores; `None` if it stores nothing.
    pub mark: Option<String>,
}

impl Names {
    /// Quotes the names as they are written into completions.
    #[must_use]
    pub fn new(model: &str, provider: &str) -> Self {
        Self { model: quoted(model), provider: Some(quoted(provider)), mark: None }
    }

    /// The names of a model that are written into answers of the dialect.
    #[must_use]
    pub fn of(dialect: Dialect, model: &ModelEntry) -> Self {
        match dialect {
            Dialect::ChatCompletions => Self::new(&model.name, &model.provider.name),
            Dialect::Messages | Dialect::Responses | Dialect::Gemini | Dialect::Converse => {
                Self { model: quoted(&model.name), provider: None, mark: None }
            }
        }
    }

    /// The names with a mark for the ids of what the provider stores.
    #[must_use]
    pub fn marked(self, mark: Option<String>) -> Self {
        Self { mark, ..self }
    }
}
