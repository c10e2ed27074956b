//! Table `organizations`: the tenants. Every other tenant table refers to it.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// One organization with its settings.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    /// The display name. Not unique: no URL contains it.
    pub name: String,
    /// The settings: a JSON object. An absent key has its default.
    pub settings: Json,
    /// Incremented with every change that the gateway must see: keys, catalog, fallbacks, settings.
    pub version: i64,
    /// The number of its last change, from the change counter. `None` until a process of this release changes it. Processes
    /// of the release before leave it as it is.
    pub change_seq: Option<i64>,
    /// The version with its last change of anything but keys. `None` and left as it is in the same cases.
    pub catalog_version: Option<i64>,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When its name or settings were last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
