//! Changes the settings of an organization, which are stored as JSON in its row.

use entity::organizations;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, IntoActiveModel as _};

use super::audit::AuditEntry;
use super::organization_settings::OrganizationSettings;
use crate::domain::error::Error;
use crate::store::OrgStore;

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
        let row = organizations::Entity::find_by_id(self.organization_id).one(change.on()).await?;
        let row = row.ok_or_else(|| Error::absent("organization", self.organization_id))?;
        let before: OrganizationSettings =
            serde_json::from_value(row.settings.clone()).map_err(Error::internal)?;
        if before == *to {
            return Ok(false);
        }
        if seen.is_some_and(|seen| *seen != before) {
            return Err(Error::RevisionChanged { current: row.version });
        }
        let name = row.name.clone();
        let mut row = row.into_active_model();
        row.settings = Set(serde_json::to_value(to).map_err(Error::internal)?);
        row.update(change.on()).await?;
        let id = self.organization_id.0;
        let entry =
            AuditEntry::new("organization.settings", "organization", id, &name, Some(&before), Some(to))?;
        change.audit(entry).await?;
        change.commit().await?;
        Ok(true)
    }
}
