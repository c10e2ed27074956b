//! Error mappings: an organization's rules that map error messages of its providers to error classes.
//!
//! They are stored here and applied in `providers`, from the snapshot. Mappings are created and deleted but not changed.

use chrono::{DateTime, Utc};
use entity::error_mappings;
use entity::ids::{ErrorMappingId, ProviderId, UserId};
use sea_orm::prelude::Json;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, ModelTrait as _,
    QueryFilter as _, QueryOrder as _, Select,
};
use serde::Serialize;

use crate::domain::error::Error;
use crate::providers::{Mapping, MappingMeaning, SentenceClass};
use crate::store::OrgStore;
use crate::store::pagination::{Page, PageRequest, Position, newest_first};
use crate::store::tenant::audit::AuditEntry;
use crate::store::tenant::providers::unknown_provider;
use crate::store::transaction::Change;

/// The most mappings of one organization. Each of them is compared with error messages.
pub const MOST_MAPPINGS: u64 = 200;
/// The longest name in the audit log, in characters.
const LONGEST_NAME: usize = 100;
/// The word of a mapping without an error class.
const REQUEST: &str = "request";

/// An error mapping of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorMappingRow {
    /// The id of the mapping.
    pub id: ErrorMappingId,
    /// The provider; `None` for every provider of the organization.
    pub provider_id: Option<ProviderId>,
    /// The HTTP status; `None` for every status with a message.
    pub status: Option<i32>,
    /// The normalized texts that a message must contain, in this order.
    pub contains: Vec<String>,
    /// The word of the error class.
    pub class: Option<String>,
    /// `request` if there is no error class.
    pub scope: Option<String>,
    /// The user who created it; `None` for an API key or the command line.
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl ErrorMappingRow {
    /// The meaning, as one word.
    #[must_use]
    pub fn word(&self) -> &str {
        self.class.as_deref().unwrap_or("of the request")
    }
}

/// A new error mapping.
#[derive(Debug, Clone)]
pub struct NewErrorMapping {
    /// The provider; `None` for every provider.
    pub provider_id: Option<ProviderId>,
    /// The messages and their meaning.
    pub mapping: Mapping,
}

impl OrgStore {
    /// Creates a mapping. It applies in this process when this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `provider_id`: there is no such provider. [`Error::Conflict`]: the same messages are mapped
    /// already, or there are too many mappings.
    pub async fn error_mapping_create(&self, new: NewErrorMapping) -> Result<ErrorMappingRow, Error> {
        let change = self.change().await?;
        if let Some(id) = new.provider_id
            && self.provider(change.on(), id).await?.is_none()
        {
            return Err(Error::Invalid(vec![unknown_provider(id)]));
        }
        self.check_room(&change, &new).await?;
        let meaning = match new.mapping.means() {
            MappingMeaning::Class(class) => class.as_str(),
            MappingMeaning::Request => REQUEST,
        };
        let row = error_mappings::ActiveModel {
            id: Set(ErrorMappingId(self.clock().new_id())),
            organization_id: Set(self.organization_id),
            provider_id: Set(new.provider_id),
            status: Set(new.mapping.status().map(i32::from)),
            contains: Set(Json::from(new.mapping.parts())),
            meaning: Set(meaning.to_owned()),
            created_by: Set(change.actor().user_id()),
            created_at: Set(self.clock().now()),
        };
        let row = ErrorMappingRow::try_from(row.insert(change.on()).await?)?;
        change.audit(entry("error_mapping.create", None, Some(&row), &row)?).await?;
        change.commit().await?;
        Ok(row)
    }

    async fn check_room(&self, change: &Change, new: &NewErrorMapping) -> Result<(), Error> {
        let all = self.error_mappings().all(change.on()).await?;
        let parts = Json::from(new.mapping.parts());
        let status = new.mapping.status().map(i32::from);
        let same = |row: &&error_mappings::Model| {
            (row.provider_id, row.status, &row.contains) == (new.provider_id, status, &parts)
        };
        if let Some(row) = all.iter().find(same) {
            let message = format!(
                "these sentences are mapped already, as {}: delete that mapping first ({})",
                row.meaning, row.id
            );
            return Err(Error::Conflict { message });
        }
        if u64::try_from(all.len()).unwrap_or(u64::MAX) >= MOST_MAPPINGS {
            let message = format!(
                "the organization has {MOST_MAPPINGS} error mappings, and more are not kept: delete those that the installation knows by now"
            );
            return Err(Error::Conflict { message });
        }
        Ok(())
    }

    /// A page of mappings, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn error_mapping_list(&self, page: &PageRequest) -> Result<Page<ErrorMappingRow>, Error> {
        let keyset = (error_mappings::Column::CreatedAt, error_mappings::Column::Id);
        let rows = newest_first(self.error_mappings(), keyset, page.cursor, page.limit.saturating_add(1))
            .all(self.reader())
            .await?;
        let rows: Vec<ErrorMappingRow> =
            rows.into_iter().map(ErrorMappingRow::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, page.limit, |row| Position { created_at: row.created_at, id: row.id.0 }))
    }

    /// The mapping of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn error_mapping_find(&self, id: ErrorMappingId) -> Result<Option<ErrorMappingRow>, Error> {
        let found = self.error_mappings().filter(error_mappings::Column::Id.eq(id));
        found.one(self.reader()).await?.map(ErrorMappingRow::try_from).transpose()
    }

    /// Deletes a mapping and returns it. `None` if no mapping has that id. It no longer applies in this process when this
    /// returns.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn error_mapping_delete(&self, id: ErrorMappingId) -> Result<Option<ErrorMappingRow>, Error> {
        let change = self.change().await?;
        let found = self.error_mappings().filter(error_mappings::Column::Id.eq(id));
        let Some(row) = found.one(change.on()).await? else { return Ok(None) };
        let before = self.remove(&change, row).await?;
        change.commit().await?;
        Ok(Some(before))
    }

    /// Deletes the mappings of a deleted provider.
    pub(in crate::store) async fn error_mappings_end(
        &self,
        change: &Change,
        provider: ProviderId,
    ) -> Result<(), Error> {
        let own = self.error_mappings().filter(error_mappings::Column::ProviderId.eq(provider));
        for row in own.order_by_asc(error_mappings::Column::Id).all(change.on()).await? {
            self.remove(change, row).await?;
        }
        Ok(())
    }

    async fn remove(&self, change: &Change, row: error_mappings::Model) -> Result<ErrorMappingRow, Error> {
        let before = ErrorMappingRow::try_from(row.clone())?;
        row.delete(change.on()).await?;
        change.audit(entry("error_mapping.delete", Some(&before), None, &before)?).await?;
        Ok(before)
    }

    fn error_mappings(&self) -> Select<error_mappings::Entity> {
        error_mappings::Entity::find().filter(error_mappings::Column::OrganizationId.eq(self.organization_id))
    }
}

/// Reads a row; `None` for a mapping of a newer release.
pub(in crate::store) fn mapping(row: &error_mappings::Model) -> Option<Mapping> {
    let means = match row.meaning.as_str() {
        REQUEST => MappingMeaning::Request,
        class => MappingMeaning::Class(SentenceClass::parse(class)?),
    };
    let status = row.status.map(u16::try_from).transpose().ok()?;
    let contains: Vec<String> = serde_json::from_value(row.contains.clone()).ok()?;
    Mapping::new(means, status, &contains).ok()
}

/// The audit entry of a mapping. Its texts are its name.
fn entry(
    action: &'static str,
    before: Option<&ErrorMappingRow>,
    after: Option<&ErrorMappingRow>,
    named: &ErrorMappingRow,
) -> Result<AuditEntry, Error> {
    let name: String = named.contains.join(" \u{2026} ").chars().take(LONGEST_NAME).collect();
    AuditEntry::new(action, "error_mapping", named.id.0, &name, before, after)
}

impl TryFrom<error_mappings::Model> for ErrorMappingRow {
    type Error = Error;

    fn try_from(row: error_mappings::Model) -> Result<Self, Error> {
        let names_a_class = row.meaning != REQUEST;
        Ok(Self {
            id: row.id,
            provider_id: row.provider_id,
            status: row.status,
            contains: serde_json::from_value(row.contains).map_err(Error::internal)?,
            class: names_a_class.then(|| row.meaning.clone()),
            scope: (!names_a_class).then_some(row.meaning),
            created_by: row.created_by,
            created_at: row.created_at,
        })
    }
}
