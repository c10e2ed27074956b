//! Table `fallback_targets`: the fallbacks of a revision, in order. Constraints reject a model as its own fallback and
//! duplicate fallbacks.

use sea_orm::entity::prelude::*;

use crate::ids::{FallbackRevisionId, ModelId, OrganizationId};

/// One fallback of a revision.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_targets")]
pub struct Model {
    /// The revision that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision_id: FallbackRevisionId,
    /// The position in the list, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The organization that owns the configuration.
    pub organization_id: OrganizationId,
    /// The model that the fallbacks are for. It repeats the model of the configuration for the constraint.
    pub source_model_id: ModelId,
    /// The model that is the fallback.
    pub target_model_id: ModelId,
}

impl ActiveModelBehavior for ActiveModel {}
