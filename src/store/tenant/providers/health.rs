//! The health of a provider: whether it accepts the credential of the organization, according to its calls, and whether it
//! passed the last connection test.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{ProviderCredentialId, ProviderId};
use entity::{provider_credentials, providers};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::Serialize;

use super::ProviderRow;
use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::database::connections::Transaction;
use crate::store::tenant::audit::AuditEntry;
use crate::store::transaction::audit;

/// The health of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderHealth {
    /// The provider accepts the credential.
    Ok,
    /// The provider rejects the credential, or failed a connection test. Contains the redacted message.
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

    /// Why it fails, as it is stored.
    fn into_message(self) -> Option<String> {
        match self {
            Self::Ok => None,
            Self::Failing(message) => Some(message.replace('\0', "")),
        }
    }
}

/// What found out about the health of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FoundBy {
    /// Calls of models. Their messages vary, so the first one is kept.
    Calls,
    /// A connection test. The person who made it looks for its own result.
    Test,
}

/// Changes of the health within this time after an audit entry are only counted.
const FOLDED_WITHIN: TimeDelta = TimeDelta::hours(1);

/// A provider in an audit entry, with the number of earlier changes without an entry.
#[derive(Serialize)]
struct Noted<'a> {
    #[serde(flatten)]
    provider: &'a ProviderRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes_not_listed: Option<i32>,
}

impl OrgStore {
    /// Stores the health of a provider. It writes nothing if the health is unchanged, or if the provider was changed or
    /// deleted after the calls, which used the provider as of `updated_at`.
    ///
    /// The first two changes get audit entries. Further changes within an hour are counted, and the next entry contains the
    /// count. Requests do not depend on the health, so snapshots are not reloaded.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn provider_health_set(
        &self,
        id: ProviderId,
        updated_at: DateTime<Utc>,
        health: ProviderHealth,
    ) -> Result<(), Error> {
        self.health_set(id, updated_at, health, FoundBy::Calls).await
    }

    /// Stores the result of a connection test as the health of a provider, likewise. Another cause of the same health is stored as
    /// well, without an audit entry.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn provider_tested(
        &self,
        id: ProviderId,
        updated_at: DateTime<Utc>,
        health: ProviderHealth,
    ) -> Result<(), Error> {
        self.health_set(id, updated_at, health, FoundBy::Test).await
    }

    /// Stores the health of a credential beside the first one. It writes nothing if the credential was changed or deleted after
    /// the calls, which used it as of `updated_at`. The audit log has the health of providers alone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn credential_health_set(
        &self,
        id: ProviderCredentialId,
        updated_at: DateTime<Utc>,
        health: ProviderHealth,
    ) -> Result<(), Error> {
        use provider_credentials::Column;
        let transaction = self.store.begin().await?;
        provider_credentials::Entity::update_many()
            .col_expr(Column::Health, Expr::value(health.as_str()))
            .col_expr(Column::HealthMessage, Expr::value(health.into_message()))
            .col_expr(Column::HealthAt, Expr::value(self.clock().now()))
            .filter(Column::OrganizationId.eq(self.organization_id))
            .filter(Column::Id.eq(id))
            .filter(Column::UpdatedAt.eq(updated_at))
            .exec(&transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn health_set(
        &self,
        id: ProviderId,
        updated_at: DateTime<Utc>,
        health: ProviderHealth,
        found_by: FoundBy,
    ) -> Result<(), Error> {
        let transaction = self.store.begin().await?;
        let Some(row) = self.provider(&transaction, id).await? else { return Ok(()) };
        if row.updated_at != updated_at {
            return Ok(());
        }
        let (word, message) = (health.as_str(), health.into_message());
        if row.health == word {
            if found_by == FoundBy::Test && row.health_message != message {
                let now = Some(self.clock().now());
                let after = providers::Model { health_at: now, health_message: message, ..row };
                self.health_update(&transaction, &after).await?;
                transaction.commit().await?;
            }
            return Ok(());
        }
        let now = self.clock().now();
        let folds = row.health_noted_at.is_some_and(|noted| now - noted < FOLDED_WITHIN);
        let listed = !folds || row.health_changes == 0;
        let not_listed = row.health_changes - 1;
        let before = ProviderRow::from(row.clone());
        let after = providers::Model {
            health: word.to_owned(),
            health_at: Some(now),
            health_message: message,
            health_noted_at: if folds { row.health_noted_at } else { Some(now) },
            health_changes: if folds { row.health_changes.saturating_add(1) } else { 0 },
            ..row
        };
        if !self.health_update(&transaction, &after).await? {
            return Ok(());
        }
        if listed {
            let after = ProviderRow::from(after);
            let changes_not_listed = (!folds && not_listed > 0).then_some(not_listed);
            let noted = Noted { provider: &after, changes_not_listed };
            let before = Noted { provider: &before, changes_not_listed: None };
            let (name, before, after) = (&after.name, Some(&before), Some(&noted));
            let entry = AuditEntry::new("provider.health", "provider", id.0, name, before, after)?;
            audit(&transaction, self.clock(), self.organization_id, &self.actor, entry).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Whether the provider is unchanged since the calls.
    async fn health_update(&self, on: &Transaction, to: &providers::Model) -> Result<bool, Error> {
        use providers::Column;
        let updated = providers::Entity::update_many()
            .col_expr(Column::Health, Expr::value(to.health.clone()))
            .col_expr(Column::HealthAt, Expr::value(to.health_at))
            .col_expr(Column::HealthMessage, Expr::value(to.health_message.clone()))
            .col_expr(Column::HealthNotedAt, Expr::value(to.health_noted_at))
            .col_expr(Column::HealthChanges, Expr::value(to.health_changes))
            .filter(Column::OrganizationId.eq(self.organization_id))
            .filter(Column::Id.eq(to.id))
            .filter(Column::UpdatedAt.eq(to.updated_at))
            .exec(on)
            .await?;
        Ok(updated.rows_affected == 1)
    }
}
