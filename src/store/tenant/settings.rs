//! An organization's own settings, kept as one JSON value in its row.

use std::time::Duration;

use entity::organizations;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, IntoActiveModel as _};
use serde::{Deserialize, Serialize};

use super::audit::AuditEntry;
use crate::store::{Error, OrgStore};

/// What follows a typed list of fallbacks that is missing or used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypedFallbacks {
    /// The general list.
    #[default]
    Cascade,
    /// Nothing, once any list of that type exists in the organization.
    Strict,
}

/// The settings of one organization. A missing member has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationSettings {
    /// How many candidates may be called after the primary in a stored chain. Default 5.
    pub max_fallbacks: u32,
    /// Milliseconds until content must have been sent. Default 600,000.
    pub deadline_ms: u64,
    /// Milliseconds from its request after which a stream without a first frame gets its headers and comments; 0 is
    /// never. Default 45,000.
    pub keepalive_after_ms: u64,
    /// Default cascade.
    pub typed_fallbacks: TypedFallbacks,
    /// Days after which fallback events and requests are deleted; 0 keeps them for ever. Default 0.
    pub retention_days: u32,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            max_fallbacks: 5,
            deadline_ms: 600_000,
            keepalive_after_ms: 45_000,
            typed_fallbacks: TypedFallbacks::Cascade,
            retention_days: 0,
        }
    }
}

impl OrganizationSettings {
    /// The deadline over one request.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// How long a stream may wait for its headers; none is for ever.
    #[must_use]
    pub fn keepalive_after(&self) -> Option<Duration> {
        (self.keepalive_after_ms > 0).then(|| Duration::from_millis(self.keepalive_after_ms))
    }
}

impl OrgStore {
    /// Replaces the organization's settings; false if they are so already. Requests of this process follow them when
    /// this returns. `seen` is what they are to replace; none: whatever it is.
    ///
    /// # Errors
    /// [`Error::RevisionChanged`]: they are not as they were seen.
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
