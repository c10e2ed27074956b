//! Whether a provider accepts the organization's credential, as its calls have found out.

use chrono::{DateTime, Utc};
use entity::ids::ProviderId;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, IntoActiveModel as _};

use super::{ProviderRow, entry};
use crate::store::{Error, OrgStore};

/// What calls have found out about a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderHealth {
    /// It answers.
    Ok,
    /// It does not accept the credential; its words, redacted.
    Failing(String),
}

impl ProviderHealth {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing(_) => "failing",
        }
    }
}

impl OrgStore {
    /// Writes down a provider's health, with an audit entry; nothing if it is known already, or if the provider was
    /// changed or deleted since the calls that found it out, which used the provider as of `updated_at`.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn provider_health_set(
        &self,
        id: ProviderId,
        updated_at: DateTime<Utc>,
        health: ProviderHealth,
    ) -> Result<(), Error> {
        let change = self.change().await?;
        let Some(row) = self.provider(change.on(), id).await? else { return Ok(()) };
        if row.updated_at != updated_at || row.health == health.as_str() {
            return Ok(());
        }
        let before = ProviderRow::from(row.clone());
        let mut row = row.into_active_model();
        row.health = Set(health.as_str().to_owned());
        row.health_at = Set(Some(self.clock().now()));
        row.health_message = Set(match health {
            ProviderHealth::Ok => None,
            ProviderHealth::Failing(message) => Some(message.replace('\0', "")),
        });
        let after = ProviderRow::from(row.update(change.on()).await?);
        change.audit(entry("provider.health", Some(&before), Some(&after), &after)?).await?;
        change.commit().await
    }
}
