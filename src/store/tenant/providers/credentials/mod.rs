//! The credentials of a provider. The first one is in the provider's own row, where the release before this one reads it,
//! and has the provider's id; further ones have rows of their own.

mod row;

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, ProviderCredentialId, ProviderId};
use entity::{provider_credentials, providers};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, QueryOrder as _, Select,
};
use secrecy::SecretString;

use super::{credential_place, hint};
use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::transaction::{Change, check_seen};
use crate::store::vault::Place;
pub(in crate::store) use row::USUAL_NAME;
pub use row::{CredentialChange, CredentialRow, NewCredential};
use row::{StoredCredential, check_name, entry, first_row};

/// The most credentials of one provider.
pub const MOST_CREDENTIALS: usize = 16;

/// The place that the sealed secret of a further credential is bound to.
pub(in crate::store) fn further_place(
    organization_id: OrganizationId,
    id: ProviderCredentialId,
) -> Place<'static> {
    Place { organization: organization_id.0, row: id.0, field: "credential" }
}

impl OrgStore {
    /// The credentials of a provider, the first one first. `None` if no provider has that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn credential_list(
        &self,
        provider_id: ProviderId,
    ) -> Result<Option<Vec<CredentialRow>>, Error> {
        let Some(provider) = self.provider(self.reader(), provider_id).await? else { return Ok(None) };
        Ok(Some(self.credentials_of(self.reader(), &provider).await?))
    }

    /// The credential of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn credential_find(&self, id: ProviderCredentialId) -> Result<Option<CredentialRow>, Error> {
        Ok(self.stored_credential(self.reader(), id).await?.map(|stored| stored.row()))
    }

    /// Adds a credential to a provider. One without a first credential gets it as that. Requests of this process use it when
    /// this returns. `None` if no provider has that id.
    ///
    /// # Errors
    /// [`Error::Conflict`]: the provider has a credential of that name, or [`MOST_CREDENTIALS`].
    pub async fn credential_create(
        &self,
        provider_id: ProviderId,
        new: NewCredential,
    ) -> Result<Option<CredentialRow>, Error> {
        let change = self.change().await?;
        let Some(provider) = self.provider(change.on(), provider_id).await? else { return Ok(None) };
        let all = self.credentials_of(change.on(), &provider).await?;
        check_name(&all, &new.name, None)?;
        if all.len() >= MOST_CREDENTIALS {
            let message = format!(
                "the provider '{}' has {MOST_CREDENTIALS} credentials, and more are not kept: remove one first",
                provider.name
            );
            return Err(Error::Conflict { message });
        }
        let now = self.clock().now();
        let row = if provider.credential.is_none() {
            let to = CredentialChange {
                name: Some(new.name),
                weight: Some(new.weight),
                tier: Some(new.tier),
                credential: Some(new.credential),
                seen: None,
            };
            self.first_credential_change(&change, provider, to).await?
        } else {
            let id = ProviderCredentialId(self.clock().new_id());
            let row = provider_credentials::ActiveModel {
                id: Set(id),
                organization_id: Set(self.organization_id),
                provider_id: Set(provider_id),
                name: Set(new.name),
                weight: Set(new.weight),
                tier: Set(new.tier),
                credential: Set(self.seal_at(further_place(self.organization_id, id), &new.credential)?),
                credential_hint: Set(hint(&new.credential)),
                health: Set("unknown".to_owned()),
                health_message: Set(None),
                health_at: Set(None),
                created_at: Set(now),
                updated_at: Set(now),
            };
            CredentialRow::from(row.insert(change.on()).await?)
        };
        change.audit(entry("provider_credential.create", None, Some(&row), &row)?).await?;
        change.commit().await?;
        Ok(Some(row))
    }

    /// Changes a credential. `None` if none has that id. Another secret resets its health, and any change ends its cooldowns.
    ///
    /// # Errors
    /// [`Error::Conflict`]: another credential of the provider has the new name.
    pub async fn credential_change(
        &self,
        id: ProviderCredentialId,
        to: CredentialChange,
    ) -> Result<Option<CredentialRow>, Error> {
        let change = self.change().await?;
        let Some(stored) = self.stored_credential(change.on(), id).await? else { return Ok(None) };
        let before = stored.row();
        check_seen(to.seen, before.updated_at)?;
        if let Some(name) = &to.name
            && let Some(provider) = self.provider(change.on(), before.provider_id).await?
        {
            check_name(&self.credentials_of(change.on(), &provider).await?, name, Some(id))?;
        }
        let after = match stored {
            StoredCredential::First(provider) => self.first_credential_change(&change, provider, to).await?,
            StoredCredential::Further(row) => self.further_credential_change(&change, row, to).await?,
        };
        change.audit(entry("provider_credential.change", Some(&before), Some(&after), &after)?).await?;
        change.commit().await?;
        Ok(Some(after))
    }

    /// Erases a credential and returns it without its secret. `None` if none has that id.
    ///
    /// # Errors
    /// [`Error::Conflict`]: the provider has no other.
    pub async fn credential_delete(&self, id: ProviderCredentialId) -> Result<Option<CredentialRow>, Error> {
        let change = self.change().await?;
        let Some(stored) = self.stored_credential(change.on(), id).await? else { return Ok(None) };
        let before = stored.row();
        if let Some(provider) = self.provider(change.on(), before.provider_id).await?
            && self.credentials_of(change.on(), &provider).await?.len() < 2
        {
            let message = format!(
                "'{}' is the only credential of the provider '{}': add another one first, or change the provider",
                before.name, provider.name
            );
            return Err(Error::Conflict { message });
        }
        match stored {
            StoredCredential::First(provider) => {
                let now = self.clock().now();
                let mut row = provider.into_active_model();
                row.credential = Set(None);
                row.credential_hint = Set(None);
                row.credential_name = Set(None);
                row.credential_weight = Set(None);
                row.credential_tier = Set(None);
                reset_health(&mut row, now);
                row.updated_at = Set(now);
                row.update(change.on()).await?;
            }
            StoredCredential::Further(row) => {
                row.delete(change.on()).await?;
            }
        }
        change.audit(entry("provider_credential.delete", Some(&before), None, &before)?).await?;
        change.commit().await?;
        Ok(Some(before))
    }

    /// Whether a provider has credentials beside its first one.
    pub(super) async fn has_further_credentials(
        &self,
        on: &impl ConnectionTrait,
        provider_id: ProviderId,
    ) -> Result<bool, Error> {
        Ok(self.further_credentials(provider_id).one(on).await?.is_some())
    }

    /// Erases the further credentials of a deleted provider.
    pub(super) async fn further_credentials_end(
        &self,
        change: &Change,
        provider_id: ProviderId,
    ) -> Result<(), Error> {
        for row in self.further_credentials(provider_id).all(change.on()).await? {
            row.delete(change.on()).await?;
        }
        Ok(())
    }

    async fn first_credential_change(
        &self,
        change: &Change,
        provider: providers::Model,
        to: CredentialChange,
    ) -> Result<CredentialRow, Error> {
        let (id, now) = (provider.id, self.clock().now());
        let mut row = provider.into_active_model();
        row.credential_name = to.name.map_or(row.credential_name, |name| Set(Some(name)));
        row.credential_weight = to.weight.map_or(row.credential_weight, |weight| Set(Some(weight)));
        row.credential_tier = to.tier.map_or(row.credential_tier, |tier| Set(Some(tier)));
        if let Some(credential) = &to.credential {
            row.credential = Set(Some(self.seal_at(credential_place(self.organization_id, id), credential)?));
            row.credential_hint = Set(hint(credential));
            reset_health(&mut row, now);
        }
        row.updated_at = Set(now);
        Ok(first_row(&row.update(change.on()).await?))
    }

    async fn further_credential_change(
        &self,
        change: &Change,
        row: provider_credentials::Model,
        to: CredentialChange,
    ) -> Result<CredentialRow, Error> {
        let (id, now) = (row.id, self.clock().now());
        let mut row = row.into_active_model();
        row.name = to.name.map_or(row.name, Set);
        row.weight = to.weight.map_or(row.weight, Set);
        row.tier = to.tier.map_or(row.tier, Set);
        if let Some(credential) = &to.credential {
            row.credential = Set(self.seal_at(further_place(self.organization_id, id), credential)?);
            row.credential_hint = Set(hint(credential));
            row.health = Set("unknown".to_owned());
            row.health_message = Set(None);
            row.health_at = Set(Some(now));
        }
        row.updated_at = Set(now);
        Ok(CredentialRow::from(row.update(change.on()).await?))
    }

    async fn stored_credential(
        &self,
        on: &impl ConnectionTrait,
        id: ProviderCredentialId,
    ) -> Result<Option<StoredCredential>, Error> {
        let first = self.provider(on, ProviderId(id.0)).await?.filter(|row| row.credential.is_some());
        if let Some(provider) = first {
            return Ok(Some(StoredCredential::First(provider)));
        }
        let found = provider_credentials::Entity::find()
            .filter(provider_credentials::Column::OrganizationId.eq(self.organization_id))
            .filter(provider_credentials::Column::Id.eq(id))
            .one(on)
            .await?;
        let Some(row) = found else { return Ok(None) };
        // The release before this one deletes a provider without its further credentials.
        let lives = self.provider(on, row.provider_id).await?.is_some();
        Ok(lives.then_some(StoredCredential::Further(row)))
    }

    async fn credentials_of(
        &self,
        on: &impl ConnectionTrait,
        provider: &providers::Model,
    ) -> Result<Vec<CredentialRow>, Error> {
        let first = provider.credential.is_some().then(|| first_row(provider));
        let further = self.further_credentials(provider.id).all(on).await?;
        Ok(first.into_iter().chain(further.into_iter().map(CredentialRow::from)).collect())
    }

    fn further_credentials(&self, provider_id: ProviderId) -> Select<provider_credentials::Entity> {
        provider_credentials::Entity::find()
            .filter(provider_credentials::Column::OrganizationId.eq(self.organization_id))
            .filter(provider_credentials::Column::ProviderId.eq(provider_id))
            .order_by_asc(provider_credentials::Column::CreatedAt)
            .order_by_asc(provider_credentials::Column::Id)
    }

    fn seal_at(&self, place: Place<'_>, credential: &SecretString) -> Result<Vec<u8>, Error> {
        self.store.inner.vault.seal(place, credential).map_err(Error::internal)
    }
}

/// Another first credential is not known to work.
pub(super) fn reset_health(row: &mut providers::ActiveModel, now: DateTime<Utc>) {
    row.health = Set("unknown".to_owned());
    row.health_message = Set(None);
    row.health_at = Set(Some(now));
    row.health_noted_at = Set(None);
    row.health_changes = Set(0);
}
