//! Reads the keys of organizations: those that changed since an earlier snapshot, or all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use entity::ids::OrganizationId;
use entity::{api_keys, organizations};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _};

use super::counter::Counter;
use super::keys::{KeyHash, Keys};
use super::load::{belongs, grouped};
use super::snapshot_store::KeyChanges;
use super::{ApiKeyEntry, OrganizationSnapshot};
use crate::domain::error::Error;
use crate::store::Limits;
use crate::store::database::connections::Connections;
use crate::store::tenant::api_keys::read_limits;

type Known = HashMap<OrganizationId, Arc<OrganizationSnapshot>>;

/// The rows of keys, grouped by organization.
pub(super) struct KeyRows {
    rows: HashMap<OrganizationId, Vec<api_keys::Model>>,
    /// The snapshots of the organizations of which only the changed keys were read.
    known: Known,
    unnumbered: i64,
}

impl KeyRows {
    /// Reads the keys of the organizations `found`, which are all (`None`) or some of the installation. Of an organization
    /// with a known snapshot, only the keys are read that have a later version. A change of the release before does not
    /// set the version, so after one all keys are read.
    pub(super) async fn read(
        reader: &Connections,
        found: &[organizations::Model],
        only: Option<&[OrganizationId]>,
        known: Vec<Arc<OrganizationSnapshot>>,
    ) -> Result<Self, Error> {
        let versions: HashMap<OrganizationId, i64> = found.iter().map(|row| (row.id, row.version)).collect();
        // A snapshot with a later version than the database has is from before a restore.
        let is_current = |known: &Arc<OrganizationSnapshot>| {
            versions.get(&known.id).is_some_and(|version| *version >= known.version)
        };
        let mut known: Known = known.into_iter().filter(is_current).map(|known| (known.id, known)).collect();
        let mut rows = changed(reader, &known).await?;
        // Counted after the changed keys were read, so it includes whatever changed them before without a version.
        let unnumbered = Counter::read(reader).await?.unnumbered();
        known.retain(|_, known| known.keys.unnumbered() == unnumbered);
        rows.retain(|row| known.contains_key(&row.organization_id));
        let whole: Vec<OrganizationId> =
            found.iter().map(|row| row.id).filter(|id| !known.contains_key(id)).collect();
        if !whole.is_empty() {
            let whole = only.map(|_| whole.as_slice());
            let all = api_keys::Entity::find()
                .filter(belongs(api_keys::Column::OrganizationId, whole))
                .filter(api_keys::Column::RevokedAt.is_null());
            rows.extend(all.all(reader).await?);
        }
        Ok(Self { rows: grouped(rows, |row| row.organization_id), known, unnumbered })
    }

    /// The snapshot of the organization of which only the changed keys were read.
    pub(super) fn known(&self, id: OrganizationId) -> Option<&OrganizationSnapshot> {
        self.known.get(&id).map(AsRef::as_ref)
    }

    /// Takes the keys of an organization, and what differs from a known snapshot if only that was read.
    pub(super) fn take(&mut self, id: OrganizationId) -> Result<(Keys, Option<KeyChanges>), Error> {
        let rows = self.rows.remove(&id).unwrap_or_default();
        let read: Vec<_> = rows.into_iter().map(key).collect::<Result<_, _>>()?;
        let Some(base) = self.known.remove(&id) else {
            let keys = read.into_iter().filter_map(|(hash, entry)| Some((hash, entry?)));
            return Ok((Keys::new(keys.collect(), self.unnumbered), None));
        };
        let hashes = read.iter().map(|(hash, _)| *hash).collect();
        Ok((base.keys.with(read), Some(KeyChanges { base, hashes })))
    }
}

/// The keys that changed since the known snapshots, including those that were revoked.
async fn changed(reader: &Connections, known: &Known) -> Result<Vec<api_keys::Model>, Error> {
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let changed = known.values().fold(Condition::any(), |any, known| {
        let later = Condition::all()
            .add(api_keys::Column::OrganizationId.eq(known.id))
            .add(api_keys::Column::Version.gt(known.version));
        any.add(later)
    });
    Ok(api_keys::Entity::find().filter(changed).all(reader).await?)
}

/// The entry of a key; `None` if it is revoked.
fn key(row: api_keys::Model) -> Result<(KeyHash, Option<Arc<ApiKeyEntry>>), Error> {
    let hash: KeyHash = row.key_hash.as_slice().try_into().map_err(Error::internal)?;
    if row.revoked_at.is_some() {
        return Ok((hash, None));
    }
    let entry = ApiKeyEntry {
        id: row.id,
        name: row.name.into(),
        scopes: serde_json::from_value(row.scopes).map_err(Error::internal)?,
        models: row.models.map(serde_json::from_value).transpose().map_err(Error::internal)?,
        limits: Limits {
            requests_per_minute: row.requests_per_minute,
            requests_per_day: row.requests_per_day,
            tokens_per_minute: row.tokens_per_minute,
            tokens_per_day: row.tokens_per_day,
            concurrent_requests: row.concurrent_requests,
        },
        model_limits: read_limits(row.model_limits)?,
        expires_at: row.expires_at,
        last_used: Arc::new(AtomicI64::new(0)),
    };
    Ok((hash, Some(Arc::new(entry))))
}
