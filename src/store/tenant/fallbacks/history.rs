//! The history of a model's fallback lists: every revision with its author and time.

use chrono::{DateTime, Utc};
use entity::ids::FallbackRevisionId;
use entity::{fallback_configs, fallback_revisions, fallback_targets, models};
use sea_orm::prelude::Json;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::OrgStore;
use crate::domain::error::Error;
use crate::domain::fallback_type::FallbackType;

/// One revision of a fallback list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackRevision {
    /// The type of the list.
    pub fallback_type: FallbackType,
    /// The number of the revision in the configuration, from 1.
    pub number: i64,
    /// Catalog names of the fallbacks in order, including deleted models; `None` if the revision deleted the list.
    pub fallback_models: Vec<String>,
    /// The error classes that trigger it; `None` for every class.
    pub triggers: Option<Vec<String>>,
    /// The name of the actor.
    pub actor: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// One row of the query: one target of a revision, or a revision without targets.
#[derive(FromQueryResult)]
struct Line {
    id: FallbackRevisionId,
    fallback_type: String,
    number: i64,
    triggers: Option<Json>,
    actor_label: String,
    created_at: DateTime<Utc>,
    fallback_model: Option<String>,
}

impl OrgStore {
    /// The newest revisions of all lists of a model, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn fallback_history(&self, model: &str, limit: u64) -> Result<Vec<FallbackRevision>, Error> {
        use fallback_revisions::Column as Revision;
        let Some(model_id) = self.model_names(self.reader()).await?.get(model).copied() else {
            return Ok(Vec::new());
        };
        let newest: Vec<FallbackRevisionId> = fallback_revisions::Entity::find()
            .join(JoinType::InnerJoin, config())
            .filter(fallback_configs::Column::OrganizationId.eq(self.organization_id))
            .filter(fallback_configs::Column::ModelId.eq(model_id))
            .order_by_desc(Revision::CreatedAt)
            .order_by_desc(Revision::Id)
            .limit(limit)
            .select_only()
            .column(Revision::Id)
            .into_tuple()
            .all(self.reader())
            .await?;
        let targets = fallback_revisions::Entity::belongs_to(fallback_targets::Entity)
            .from(Revision::Id)
            .to(fallback_targets::Column::RevisionId);
        let names = fallback_targets::Entity::belongs_to(models::Entity)
            .from(fallback_targets::Column::TargetModelId)
            .to(models::Column::Id);
        let lines = fallback_revisions::Entity::find()
            .join(JoinType::InnerJoin, config())
            .join(JoinType::LeftJoin, targets.into())
            .join(JoinType::LeftJoin, names.into())
            .filter(Revision::OrganizationId.eq(self.organization_id))
            .filter(Revision::Id.is_in(newest))
            .order_by_desc(Revision::CreatedAt)
            .order_by_desc(Revision::Id)
            .order_by_asc(fallback_targets::Column::Position)
            .select_only()
            .columns([Revision::Id, Revision::Number, Revision::Triggers])
            .columns([Revision::ActorLabel, Revision::CreatedAt])
            .column(fallback_configs::Column::FallbackType)
            .column_as(models::Column::Name, "fallback_model")
            .into_model::<Line>()
            .all(self.reader())
            .await?;
        gather(lines)
    }
}

fn config() -> sea_orm::RelationDef {
    fallback_revisions::Entity::belongs_to(fallback_configs::Entity)
        .from(fallback_revisions::Column::ConfigId)
        .to(fallback_configs::Column::Id)
        .into()
}

/// Merges consecutive rows of a revision.
fn gather(lines: Vec<Line>) -> Result<Vec<FallbackRevision>, Error> {
    let mut revisions: Vec<FallbackRevision> = Vec::new();
    let mut last = None;
    for line in lines {
        if last == Some(line.id) {
            if let Some(revision) = revisions.last_mut() {
                revision.fallback_models.extend(line.fallback_model);
            }
            continue;
        }
        last = Some(line.id);
        let Some(fallback_type) = FallbackType::parse(&line.fallback_type) else { continue };
        revisions.push(FallbackRevision {
            fallback_type,
            number: line.number,
            fallback_models: line.fallback_model.into_iter().collect(),
            triggers: line.triggers.map(serde_json::from_value).transpose().map_err(Error::internal)?,
            actor: line.actor_label,
            created_at: line.created_at,
        });
    }
    Ok(revisions)
}
