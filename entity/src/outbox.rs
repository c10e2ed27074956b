//! Table `outbox`: what is to be told to the outside, written in the transaction of what it tells about, so that
//! neither can exist without the other.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, OutboxId};

/// One message to deliver.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// Primary key; also the order of delivery.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OutboxId,
    /// Whose message it is.
    pub organization_id: OrganizationId,
    /// What it tells, such as `fallback.event`.
    pub kind: String,
    /// The message, a JSON object.
    pub payload: Json,
    /// When it was written.
    pub created_at: DateTimeUtc,
    /// When it was delivered. None: not yet.
    pub delivered_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
