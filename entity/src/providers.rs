//! Table `providers`: the providers of an organization's models, each with its first credential.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, ProviderId};

/// One provider of an organization.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProviderId,
    /// The organization that owns the provider.
    pub organization_id: OrganizationId,
    /// The name in the catalog, unique among the providers of the organization that are not deleted.
    pub name: String,
    /// The name of its preset, such as `openai`, `anthropic`, `custom` or `simulated`.
    pub preset: String,
    /// The base URL; `None` for that of the preset. `simulated` has none.
    pub base_url: Option<String>,
    /// The credential, encrypted with the master key.
    pub credential: Option<Vec<u8>>,
    /// The part of the credential that may be displayed, such as its last four characters.
    pub credential_hint: Option<String>,
    /// The name of this first credential; `None` for the usual one.
    pub credential_name: Option<String>,
    /// The share of the calls that it gets beside the provider's further credentials; `None` for 1.
    pub credential_weight: Option<i32>,
    /// Credentials of a later tier are used while those of the earlier ones are away; `None` for the first tier.
    pub credential_tier: Option<i32>,
    /// The result of the last attempts: `unknown`, `ok` or `failing`.
    pub health: String,
    /// Why it fails, redacted.
    pub health_message: Option<String>,
    /// When the health last changed.
    pub health_at: Option<DateTimeUtc>,
    /// When a change of the health was last written to the audit log.
    pub health_noted_at: Option<DateTimeUtc>,
    /// Number of changes of the health since then.
    pub health_changes: i32,
    /// Whether it accepts `stream_options`: `supported` or `unsupported`; `None` for the value of the preset.
    pub stream_options: Option<String>,
    /// Requests per minute that the account at the provider may make; `None` if that is not known.
    pub requests_per_minute: Option<i64>,
    /// Tokens per minute that the account at the provider may use; `None` if that is not known.
    pub tokens_per_minute: Option<i64>,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When it was last changed.
    pub updated_at: DateTimeUtc,
    /// When it was deleted; `None` while it exists. The row is kept, because deleted models refer to it.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
