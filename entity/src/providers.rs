//! Table `providers`: where an organization's models are served, and with which credential.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, ProviderId};

/// One provider.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProviderId,
    /// Whose provider it is.
    pub organization_id: OrganizationId,
    /// Its name in the catalogue, unique among the organization's living providers.
    pub name: String,
    /// Which row of the presets it follows (`openai`, `anthropic`, ..., `custom`, `simulated`).
    pub preset: String,
    /// Base address. None: the preset's own, or none at all (`simulated`).
    pub base_url: Option<String>,
    /// The credential, sealed. Only the holder of the master key can open it.
    pub credential: Option<Vec<u8>>,
    /// What of the credential may be shown, such as its last four characters.
    pub credential_hint: Option<String>,
    /// `unknown`, `ok` or `failing`: what the last attempts say.
    pub health: String,
    /// Why it is failing, redacted.
    pub health_message: Option<String>,
    /// Since when the health is what it is.
    pub health_at: Option<DateTimeUtc>,
    /// When a change of the health last became an audit entry of its own.
    pub health_noted_at: Option<DateTimeUtc>,
    /// The changes of the health since then.
    pub health_changes: i32,
    /// Whether it takes `stream_options`: `supported` or `unsupported`. None: as its preset says.
    pub stream_options: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
    /// Since when it is gone. The row stays, because its models' history names it.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
