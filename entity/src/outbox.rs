//! Table `outbox`: messages to external systems. A message is written in the transaction of the change that it reports,
//! so that neither can exist without the other.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, OutboxId};

/// One message to external systems.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// Primary key; also the order of delivery.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OutboxId,
    /// The organization of the message.
    pub organization_id: OrganizationId,
    /// The type of message, such as `fallback.event`.
    pub kind: String,
    /// The payload: a JSON object.
    pub payload: Json,
    /// When it was written.
    pub created_at: DateTimeUtc,
    /// When it was delivered; `None` before that.
    pub delivered_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
