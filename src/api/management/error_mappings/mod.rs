//! `/v1/model-router/error-mappings`: which sentences of its providers the organization reads as which failure.
//!
//! Reading needs the scope `router:read`; changing needs `router:manage`.

mod body;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use body::{MappingScope, NewErrorMappingBody};

use crate::providers::SentenceClass;
use crate::store::ErrorMappingRow;

/// What a mapping is called in messages.
const WHAT: &str = "error mapping";

/// A mapping: either `class` or `scope` says what it means.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorMappingResponse {
    /// The mapping's row.
    id: Uuid,
    /// The provider that says them; null: every provider of the organization.
    #[schema(required)]
    provider_id: Option<Uuid>,
    /// The parts that a sentence must contain, in this order, in lower case.
    #[schema(example = json!(["tokens is beyond the", "window"]))]
    contains: Vec<String>,
    /// The class that such a sentence means; null: `scope` says what it means.
    #[schema(required, value_type = Option<SentenceClass>)]
    class: Option<String>,
    /// `request`: such a sentence speaks of the one request, so the model is not left alone for it; null: `class` says
    /// what it means.
    #[schema(required, value_type = Option<MappingScope>)]
    scope: Option<String>,
    /// The one status on which it is read; null: every status on which sentences are read.
    #[schema(required, example = 400)]
    status: Option<i32>,
    /// The person who made it; null: an API key, or the command line.
    #[schema(required)]
    created_by: Option<Uuid>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<ErrorMappingRow> for ErrorMappingResponse {
    fn from(row: ErrorMappingRow) -> Self {
        Self {
            id: row.id.0,
            provider_id: row.provider_id.map(|id| id.0),
            contains: row.contains,
            class: row.class,
            scope: row.scope,
            status: row.status,
            created_by: row.created_by.map(|id| id.0),
            created_at: row.created_at,
        }
    }
}
