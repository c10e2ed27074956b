//! Who used something lately: what a page says before it takes it away.

use chrono::{DateTime, Utc};
use entity::ids::ApiKeyId;
use entity::request_rollups;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use super::{bucket, total};
use crate::domain::error::Error;
use crate::domain::origin::Origin;
use crate::store::OrgStore;
use crate::store::pagination::equals;

/// How much something was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecentUse {
    /// Requests.
    pub requests: i64,
    /// By how many different keys.
    pub keys: i64,
}

#[derive(FromQueryResult)]
struct KeySum {
    api_key_id: Uuid,
    requests: i64,
}

impl OrgStore {
    /// How many live requests asked for a model, or were answered by it, since a moment (of five minutes).
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn model_use(&self, name: &str, since: DateTime<Utc>) -> Result<RecentUse, Error> {
        use request_rollups::Column;
        let named = equals(Column::RequestedModel, name).or(equals(Column::ServedModel, name));
        self.recent_use(named, since).await
    }

    /// How many live requests were made with a key since a moment (of five minutes).
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_key_use(&self, id: ApiKeyId, since: DateTime<Utc>) -> Result<RecentUse, Error> {
        self.recent_use(request_rollups::Column::ApiKeyId.eq(id.0), since).await
    }

    async fn recent_use(
        &self,
        which: sea_orm::sea_query::SimpleExpr,
        since: DateTime<Utc>,
    ) -> Result<RecentUse, Error> {
        use request_rollups::Column;
        let sums = request_rollups::Entity::find()
            .filter(Column::OrganizationId.eq(self.organization_id))
            .filter(Column::BucketAt.gte(bucket(since)))
            .filter(Column::Origin.eq(Origin::Live.as_str()))
            .filter(which)
            .select_only()
            .column(Column::ApiKeyId)
            .column_as(total(Column::Requests), "requests")
            .group_by(Column::ApiKeyId)
            .into_model::<KeySum>()
            .all(self.reader())
            .await?;
        let keys = sums.iter().filter(|sum| !sum.api_key_id.is_nil()).count();
        Ok(RecentUse {
            requests: sums.iter().map(|sum| sum.requests).sum(),
            keys: i64::try_from(keys).unwrap_or(i64::MAX),
        })
    }
}
