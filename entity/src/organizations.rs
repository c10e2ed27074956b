//! Table `organizations`: the tenants. Every other tenant row points here.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// One organization.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    /// What people call it. Not unique: it names nobody in any address or path.
    pub name: String,
    /// The organization's own settings, a JSON object. A key that is absent has its default.
    pub settings: Json,
    /// Goes up by one with every change that the gateway must see (keys, catalogue, fallbacks, settings).
    pub version: i64,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When its name or settings last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
