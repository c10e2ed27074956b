//! Reads current fallback configurations. One statement reads a configuration with its revision, targets and names,
//! because several statements could see different states of a concurrent change.

use chrono::{DateTime, Utc};
use entity::ids::FallbackConfigId;
use entity::{fallback_configs, fallback_revisions, fallback_targets, models};
use sea_orm::prelude::Json;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};

use super::{FallbackRow, OrgStore};
use crate::domain::error::Error;
use crate::domain::fallback_type::FallbackType;
use crate::store::pagination::equals;

/// A filter for configurations. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FallbackFilter {
    /// The type of fallbacks.
    pub fallback_type: Option<FallbackType>,
    /// Catalog name of the model.
    pub model: Option<String>,
}

/// One row of the query: one target of one configuration.
#[derive(FromQueryResult)]
struct Line {
    config_id: FallbackConfigId,
    model: String,
    fallback_type: String,
    revision: i64,
    triggers: Option<Json>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    fallback_model: Option<String>,
}

const SOURCE: &str = "source";
const TARGET: &str = "target";

impl OrgStore {
    /// The matching configurations, ordered by model name and type.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn fallback_list(&self, filter: &FallbackFilter) -> Result<Vec<FallbackRow>, Error> {
        self.fallbacks(self.reader(), filter).await
    }

    /// The configuration for a model and type.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn fallback_find(
        &self,
        model: &str,
        fallback_type: FallbackType,
    ) -> Result<Option<FallbackRow>, Error> {
        self.fallback(self.reader(), model, fallback_type).await
    }

    pub(super) async fn fallback(
        &self,
        on: &impl ConnectionTrait,
        model: &str,
        fallback_type: FallbackType,
    ) -> Result<Option<FallbackRow>, Error> {
        let filter = FallbackFilter { fallback_type: Some(fallback_type), model: Some(model.to_owned()) };
        Ok(self.fallbacks(on, &filter).await?.pop())
    }

    /// The models with configurations that contain the model, as their source or as a fallback; sorted.
    pub(in crate::store) async fn fallbacks_using(
        &self,
        on: &impl ConnectionTrait,
        name: &str,
    ) -> Result<Vec<String>, Error> {
        let rows = self.fallbacks(on, &FallbackFilter::default()).await?;
        let uses =
            |row: &FallbackRow| row.model == name || row.fallback_models.iter().any(|other| other == name);
        let mut users: Vec<String> = rows.into_iter().filter(uses).map(|row| row.model).collect();
        users.dedup();
        Ok(users)
    }

    async fn fallbacks(
        &self,
        on: &impl ConnectionTrait,
        filter: &FallbackFilter,
    ) -> Result<Vec<FallbackRow>, Error> {
        let lines = in_force()
            .filter(fallback_configs::Column::OrganizationId.eq(self.organization_id))
            .apply_if(filter.fallback_type, |rows, wanted| {
                rows.filter(fallback_configs::Column::FallbackType.eq(wanted.as_str()))
            })
            .apply_if(filter.model.as_deref(), |rows, name| {
                rows.filter(equals((SOURCE, models::Column::Name), name))
            })
            .into_model::<Line>()
            .all(on)
            .await?;
        gather(lines)
    }
}

/// Every current configuration with one row per target, grouped by configuration, in order.
fn in_force() -> Select<fallback_configs::Entity> {
    use fallback_configs::Column as Config;
    use fallback_revisions::Column as Revision;
    use fallback_targets::Column as Target;
    let revision = fallback_configs::Entity::belongs_to(fallback_revisions::Entity)
        .from((Config::Id, Config::CurrentRevision))
        .to((Revision::ConfigId, Revision::Number));
    let source =
        fallback_configs::Entity::belongs_to(models::Entity).from(Config::ModelId).to(models::Column::Id);
    let targets = fallback_revisions::Entity::belongs_to(fallback_targets::Entity)
        .from(Revision::Id)
        .to(Target::RevisionId);
    let target = fallback_targets::Entity::belongs_to(models::Entity)
        .from(Target::TargetModelId)
        .to(models::Column::Id);
    fallback_configs::Entity::find()
        .join(JoinType::InnerJoin, revision.into())
        .join_as(JoinType::InnerJoin, source.into(), SOURCE)
        .join(JoinType::LeftJoin, targets.into())
        .join_as(JoinType::LeftJoin, target.into(), TARGET)
        .filter(Config::DeletedAt.is_null())
        .select_only()
        .column_as(Config::Id, "config_id")
        .column_as(Expr::col((SOURCE, models::Column::Name)), "model")
        .column(Config::FallbackType)
        .column_as(Config::CurrentRevision, "revision")
        .column(Revision::Triggers)
        .column(Config::CreatedAt)
        .column(Config::UpdatedAt)
        .column_as(Expr::col((TARGET, models::Column::Name)), "fallback_model")
        .order_by_asc(Config::Id)
        .order_by_asc(Target::Position)
}

/// Merges consecutive rows of a configuration. Names are sorted here, because PostgreSQL sorts them by its locale.
fn gather(lines: Vec<Line>) -> Result<Vec<FallbackRow>, Error> {
    let mut rows: Vec<FallbackRow> = Vec::new();
    for line in lines {
        if let Some(row) = rows.last_mut().filter(|row| row.config_id == line.config_id) {
            row.fallback_models.extend(line.fallback_model);
            continue;
        }
        // A type of a newer release is left out.
        let Some(fallback_type) = FallbackType::parse(&line.fallback_type) else { continue };
        rows.push(FallbackRow {
            config_id: line.config_id,
            model: line.model,
            fallback_type,
            fallback_models: line.fallback_model.into_iter().collect(),
            triggers: line.triggers.map(serde_json::from_value).transpose().map_err(Error::internal)?,
            revision: line.revision,
            created_at: line.created_at,
            updated_at: line.updated_at,
        });
    }
    rows.sort_by(|one, other| (&one.model, one.fallback_type).cmp(&(&other.model, other.fallback_type)));
    Ok(rows)
}
