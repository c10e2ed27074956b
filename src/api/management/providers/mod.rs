//! `/v1/model-router/providers`: where the organization's models are served. A credential goes in and never comes
//! out.

mod body;
pub mod change;
pub mod connection;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use body::{NewProviderBody, ProviderChangeBody};

use crate::providers::StreamOptions;
use crate::store::ProviderRow;

/// What a provider is called in messages.
const WHAT: &str = "provider";

/// A provider, without its credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderResponse {
    /// The provider.
    id: Uuid,
    /// Its name, unique among the organization's providers.
    name: String,
    /// The vendor that it is, such as `openai`, `custom` or `simulated`.
    preset: String,
    /// Its own address; null: the preset's.
    #[schema(required)]
    base_url: Option<String>,
    /// The credential's last four characters, where it is long enough to show them.
    #[schema(required)]
    credential_hint: Option<String>,
    /// `unknown`, `ok` or `failing`.
    health: String,
    /// Why it is failing, redacted.
    #[schema(required)]
    health_message: Option<String>,
    /// Since when the health is what it is.
    #[schema(required)]
    health_at: Option<DateTime<Utc>>,
    /// Whether it takes `stream_options`: `auto` (as the preset says, until the provider refuses it), `supported` or
    /// `unsupported`.
    stream_options: StreamOptions,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<ProviderRow> for ProviderResponse {
    fn from(row: ProviderRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            preset: row.preset,
            base_url: row.base_url,
            credential_hint: row.credential_hint,
            health: row.health,
            health_message: row.health_message,
            health_at: row.health_at,
            stream_options: row.stream_options,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
