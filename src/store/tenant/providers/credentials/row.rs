//! The rows of credentials, for creating, changing and reading.

use chrono::{DateTime, Utc};
use entity::ids::{ProviderCredentialId, ProviderId};
use entity::{provider_credentials, providers};
use secrecy::SecretString;
use serde::Serialize;

use crate::domain::error::Error;
use crate::store::tenant::audit::AuditEntry;

/// The name of a first credential that was given none.
pub(in crate::store) const USUAL_NAME: &str = "default";

/// A credential of a provider, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CredentialRow {
    /// The id of the credential; of the first one, that of the provider.
    pub id: ProviderCredentialId,
    /// The provider that it is for.
    pub provider_id: ProviderId,
    /// The name, unique among the credentials of the provider.
    pub name: String,
    /// Its share of the calls beside those of the same tier.
    pub weight: i32,
    /// The tier: a later one is used while the earlier ones are away.
    pub tier: i32,
    /// The last four characters of the credential, if it is long enough; of a key file or an access key those of the key's id.
    pub credential_hint: Option<String>,
    /// `unknown`, `ok` or `failing`.
    pub health: String,
    /// Why it fails, redacted.
    pub health_message: Option<String>,
    /// When the health last changed.
    pub health_at: Option<DateTime<Utc>>,
    /// When it was created; of the first one, when the provider was.
    pub created_at: DateTime<Utc>,
    /// When it was last changed; of the first one, when the provider was.
    pub updated_at: DateTime<Utc>,
}

/// A new credential of a provider. The fields are those of [`CredentialRow`].
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// The name of the credential.
    pub name: String,
    /// Its share of the calls.
    pub weight: i32,
    /// The tier of the credential.
    pub tier: i32,
    /// The secret, which is encrypted before it is stored.
    pub credential: SecretString,
}

/// A change of a credential. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct CredentialChange {
    /// The name of the credential.
    pub name: Option<String>,
    /// Its share of the calls.
    pub weight: Option<i32>,
    /// The tier of the credential.
    pub tier: Option<i32>,
    /// The secret in place of the stored one.
    pub credential: Option<SecretString>,
    /// The expected time of the last change in microseconds; `None` for any.
    pub seen: Option<i64>,
}

/// A credential as it is stored.
pub(super) enum StoredCredential {
    First(providers::Model),
    Further(provider_credentials::Model),
}

impl StoredCredential {
    pub(super) fn row(&self) -> CredentialRow {
        match self {
            Self::First(provider) => first_row(provider),
            Self::Further(row) => row.clone().into(),
        }
    }
}

/// The first credential, as the row of its provider says.
pub(super) fn first_row(provider: &providers::Model) -> CredentialRow {
    CredentialRow {
        id: ProviderCredentialId(provider.id.0),
        provider_id: provider.id,
        name: provider.credential_name.clone().unwrap_or_else(|| USUAL_NAME.to_owned()),
        weight: provider.credential_weight.unwrap_or(1),
        tier: provider.credential_tier.unwrap_or(0),
        credential_hint: provider.credential_hint.clone(),
        health: provider.health.clone(),
        health_message: provider.health_message.clone(),
        health_at: provider.health_at,
        created_at: provider.created_at,
        updated_at: provider.updated_at,
    }
}

impl From<provider_credentials::Model> for CredentialRow {
    fn from(row: provider_credentials::Model) -> Self {
        Self {
            id: row.id,
            provider_id: row.provider_id,
            name: row.name,
            weight: row.weight,
            tier: row.tier,
            credential_hint: row.credential_hint,
            health: row.health,
            health_message: row.health_message,
            health_at: row.health_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) fn check_name(
    all: &[CredentialRow],
    name: &str,
    own: Option<ProviderCredentialId>,
) -> Result<(), Error> {
    if all.iter().any(|row| row.name == name && Some(row.id) != own) {
        let message = format!(
            "the provider has a credential called '{name}' already: choose another name, or change that one"
        );
        return Err(Error::Conflict { message });
    }
    Ok(())
}

pub(super) fn entry(
    action: &'static str,
    before: Option<&CredentialRow>,
    after: Option<&CredentialRow>,
    named: &CredentialRow,
) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "provider_credential", named.id.0, &named.name, before, after)
}
