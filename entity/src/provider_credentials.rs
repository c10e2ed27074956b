//! Table `provider_credentials`: the credentials of providers beside the first one, which is in the provider's own row.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, ProviderCredentialId, ProviderId};

/// One further credential of a provider. Deleted rows are removed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_credentials")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProviderCredentialId,
    /// The organization that owns the credential.
    pub organization_id: OrganizationId,
    /// The provider that the credential is for.
    pub provider_id: ProviderId,
    /// The name, unique among the credentials of the provider.
    pub name: String,
    /// The share of the calls that it gets, beside those of the same tier.
    pub weight: i32,
    /// Credentials of a later tier are used while those of the earlier ones are away.
    pub tier: i32,
    /// The credential, encrypted with the master key.
    pub credential: Vec<u8>,
    /// The part of the credential that may be displayed, such as its last four characters.
    pub credential_hint: Option<String>,
    /// The result of the last attempts: `unknown`, `ok` or `failing`.
    pub health: String,
    /// Why it fails, redacted.
    pub health_message: Option<String>,
    /// When the health last changed.
    pub health_at: Option<DateTimeUtc>,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When it was last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
