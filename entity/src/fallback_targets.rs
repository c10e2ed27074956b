//! Table `fallback_targets`: the fallbacks of a revision, in order. The database itself refuses a model as its own
//! fallback and the same fallback twice.

use sea_orm::entity::prelude::*;

use crate::ids::{FallbackRevisionId, ModelId, OrganizationId};

/// One fallback in a revision's list.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_targets")]
pub struct Model {
    /// The revision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision_id: FallbackRevisionId,
    /// The place in the list, 0 first.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// Whose configuration it is.
    pub organization_id: OrganizationId,
    /// The model that has the fallbacks: that of the configuration, here so that the two can be compared.
    pub source_model_id: ModelId,
    /// The model that stands in.
    pub target_model_id: ModelId,
}

impl ActiveModelBehavior for ActiveModel {}
