//! Reads the audit log.

use chrono::{DateTime, Utc};
use entity::audit_entries;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryTrait as _};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::pagination::listing::read_page;
use crate::store::pagination::{BidirectionalPage, Direction, Position, equals, newest_first};

/// One audit entry, with the state before and after, without secrets.
pub type AuditRow = audit_entries::Model;

/// A filter for audit entries. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The actor: the email address of a user, the name of a key, or the label of the system.
    pub actor: Option<String>,
    /// The kind of resource, such as `model`, `provider`, `api_key` or `fallback`.
    pub resource_kind: Option<String>,
    /// The name of the resource.
    pub resource_name: Option<String>,
}

/// The most entries of one resource that are read at once.
const OF_ONE: u64 = 20;

impl OrgStore {
    /// The newest entries of one resource since a time, newest first; at most 20.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit_of(&self, resource_id: Uuid, since: DateTime<Utc>) -> Result<Vec<AuditRow>, Error> {
        use audit_entries::Column;
        let rows = audit_entries::Entity::find()
            .filter(Column::OrganizationId.eq(self.organization_id))
            .filter(Column::CreatedAt.gte(since))
            .filter(Column::ResourceId.eq(resource_id));
        Ok(newest_first(rows, (Column::CreatedAt, Column::Id), None, OF_ONE).all(self.reader()).await?)
    }

    /// A page of matching entries, newest first, in either direction.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit_page(
        &self,
        filter: &AuditFilter,
        direction: Direction,
        limit: u64,
    ) -> Result<BidirectionalPage<AuditRow>, Error> {
        use audit_entries::Column;
        let rows = audit_entries::Entity::find().filter(Column::OrganizationId.eq(self.organization_id));
        let texts = [
            (Column::ActorLabel, &filter.actor),
            (Column::ResourceKind, &filter.resource_kind),
            (Column::ResourceName, &filter.resource_name),
        ];
        let rows = texts.into_iter().fold(rows, |rows, (column, text)| {
            rows.apply_if(text.as_deref(), |rows, text| rows.filter(equals(column, text)))
        });
        let position = |row: &AuditRow| Position { created_at: row.created_at, id: row.id.0 };
        read_page(self.reader(), rows, (Column::CreatedAt, Column::Id), direction, limit, position).await
    }
}
