//! Fallback configurations: their shape in JSON, and the query that picks one.
//!
//! One file per verb. Beyond LiteLLM's fields an answer names the configuration's id (what fallback events call
//! `router_config_id`), its revision, and the failures that it is narrowed to.

pub mod delete;
pub mod list;
pub mod read;
mod revision;
pub mod set;

use chrono::{DateTime, Utc};
use serde::Serialize;
use url::form_urlencoded;
use uuid::Uuid;

use crate::domain::error::{Error, Result, Violation};
use crate::domain::fallback_type::FallbackType;
use crate::store::FallbackRow;

/// A configuration in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Fallback {
    /// The model whose failures it answers.
    #[schema(example = "smart")]
    model: String,
    /// The models behind it, in the order in which they are tried.
    #[schema(example = json!(["steady"]), min_items = 1, max_items = 32)]
    fallback_models: Vec<String>,
    /// Which of its failures.
    fallback_type: FallbackType,
    /// The error classes that use it; null is every class.
    #[schema(required)]
    triggers: Option<Vec<String>>,
    /// Its id. It stays the same for as long as the model lives, also over a delete and a new create.
    router_config_id: Uuid,
    /// The number of the revision in force; the `ETag` is the same number in quotes.
    #[schema(example = 1)]
    revision: i64,
    /// When it was first made.
    created_at: DateTime<Utc>,
    /// When the revision in force was made.
    updated_at: DateTime<Utc>,
}

impl From<FallbackRow> for Fallback {
    fn from(row: FallbackRow) -> Self {
        Self {
            model: row.model,
            fallback_models: row.fallback_models,
            fallback_type: row.fallback_type,
            triggers: row.triggers,
            router_config_id: row.config_id.0,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The query of the verbs that name one configuration.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Selection {
    /// Which of the model's lists.
    #[param(required = false, default = "general")]
    pub fallback_type: FallbackType,
}

impl Selection {
    /// Reads the query.
    fn of_query(query: &str) -> Result<Self> {
        Ok(Self { fallback_type: fallback_type(query)?.unwrap_or(FallbackType::General) })
    }
}

/// The query's `fallback_type`, if there is one.
fn fallback_type(query: &str) -> Result<Option<FallbackType>> {
    let Some(word) = parameter(query, "fallback_type")? else { return Ok(None) };
    let kind = FallbackType::parse(&word);
    kind.map(Some).ok_or_else(|| {
        Error::Invalid(vec![Violation::query("fallback_type", "literal_error", expected_type())])
    })
}

/// A parameter of the query. Others may be there and have no effect, as with LiteLLM.
fn parameter(query: &str, name: &str) -> Result<Option<String>> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name);
    let value = values.next().map(|(_, value)| value.into_owned());
    if values.next().is_some() {
        let message = format!("'{name}' stands in the query twice. Send it once.");
        return Err(Error::Invalid(vec![Violation::query(name, "value_error", message)]));
    }
    Ok(value)
}

/// What LiteLLM says of an unknown type.
fn expected_type() -> String {
    let words = FallbackType::ALL.map(|kind| format!("'{}'", kind.as_str()));
    let (last, others) = words.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    format!("Input should be {} or {last}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_picks_a_type_and_general_is_the_default() {
        for (query, kind) in [
            ("", FallbackType::General),
            ("other=1", FallbackType::General),
            ("fallback_type=context_window", FallbackType::ContextWindow),
            ("a=b&fallback_type=content%5Fpolicy", FallbackType::ContentPolicy),
        ] {
            assert_eq!(Selection::of_query(query).expect(query).fallback_type, kind);
        }
        for query in
            ["fallback_type=", "fallback_type=General", "fallback_type=general&fallback_type=general"]
        {
            assert!(matches!(Selection::of_query(query), Err(Error::Invalid(_))), "{query}");
        }
        assert_eq!(expected_type(), "Input should be 'general', 'context_window' or 'content_policy'");
    }
}
