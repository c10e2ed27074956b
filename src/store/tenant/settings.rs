//! Changes the settings of an organization, which are stored as JSON in its row.

use entity::organizations;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, IntoActiveModel as _};

use super::audit::AuditEntry;
use super::limits::{Limits, LimitsChange, ModelLimits};
use super::organization_settings::OrganizationSettings;
use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::transaction::Change;

impl OrgStore {
    /// Replaces the settings. Returns false if they are unchanged. Requests of this process use them when this returns. `seen`
    /// is the expected current state; `None` for any.
    ///
    /// # Errors
    /// [`Error::RevisionChanged`]: the current state is not `seen`.
    pub async fn settings_set(
        &self,
        to: &OrganizationSettings,
        seen: Option<&OrganizationSettings>,
    ) -> Result<bool, Error> {
        let change = self.change().await?;
        let (row, before) = self.settings_row(&change).await?;
        if before == *to {
            return Ok(false);
        }
        if seen.is_some_and(|seen| *seen != before) {
            return Err(Error::RevisionChanged { current: row.version });
        }
        self.settings_write(&change, row, &before, to).await?;
        change.commit().await?;
        Ok(true)
    }

    /// The limits of the organization, and those of single models inside it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn limits_find(&self) -> Result<(Limits, ModelLimits), Error> {
        let row = organizations::Entity::find_by_id(self.organization_id).one(self.reader()).await?;
        let settings = read(&row.ok_or_else(|| Error::absent("organization", self.organization_id))?)?;
        Ok((settings.limits, settings.model_limits))
    }

    /// Changes the limits of the organization and returns them all.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `model_limits`: there is no such model. [`Error::Invalid`] on a limit that the calling key may
    /// not widen.
    pub async fn limits_change(&self, to: &LimitsChange) -> Result<(Limits, ModelLimits), Error> {
        let change = self.change().await?;
        self.check_limited_models(&change, to.model_limits.as_ref()).await?;
        let grant = self.pending_grant(&change, None).await?;
        let (row, before) = self.settings_row(&change).await?;
        let mut after = before.clone();
        after.limits.change(to);
        after.model_limits = to.model_limits.clone().unwrap_or(after.model_limits);
        grant.map_or(Ok(()), |grant| grant.check_limits(&before, &after))?;
        if before != after {
            self.settings_write(&change, row, &before, &after).await?;
            change.commit().await?;
        }
        Ok((after.limits, after.model_limits))
    }

    /// Moves the limits of a renamed model of the organization, or removes those of a deleted one.
    pub(in crate::store) async fn limits_rename_model(
        &self,
        change: &Change,
        old: &str,
        new: Option<&str>,
    ) -> Result<(), Error> {
        let (row, before) = self.settings_row(change).await?;
        let mut after = before.clone();
        if after.model_limits.rename(old, new) {
            self.settings_write(change, row, &before, &after).await?;
        }
        Ok(())
    }

    async fn settings_row(
        &self,
        change: &Change,
    ) -> Result<(organizations::Model, OrganizationSettings), Error> {
        let row = organizations::Entity::find_by_id(self.organization_id).one(change.on()).await?;
        let row = row.ok_or_else(|| Error::absent("organization", self.organization_id))?;
        let settings = read(&row)?;
        Ok((row, settings))
    }

    async fn settings_write(
        &self,
        change: &Change,
        row: organizations::Model,
        before: &OrganizationSettings,
        to: &OrganizationSettings,
    ) -> Result<(), Error> {
        let name = row.name.clone();
        let mut row = row.into_active_model();
        row.settings = Set(serde_json::to_value(to).map_err(Error::internal)?);
        row.update(change.on()).await?;
        let id = self.organization_id.0;
        let entry =
            AuditEntry::new("organization.settings", "organization", id, &name, Some(before), Some(to))?;
        change.audit(entry).await
    }
}

fn read(row: &organizations::Model) -> Result<OrganizationSettings, Error> {
    serde_json::from_value(row.settings.clone()).map_err(Error::internal)
}
