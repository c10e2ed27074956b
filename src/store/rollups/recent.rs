//! Recent use of a model or a key, for the warning before a deletion.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::ApiKeyId;
use entity::request_rollups;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{ColumnTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use super::buckets::REQUESTS;
use super::{RollupSpan, total};
use crate::domain::error::Error;
use crate::domain::origin::Origin;
use crate::store::OrgStore;
use crate::store::pagination::equals;

/// Recent use of a model or a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecentUse {
    /// Number of requests in this group.
    pub requests: i64,
    /// Number of different keys.
    pub keys: i64,
}

#[derive(FromQueryResult)]
struct KeySum {
    api_key_id: Uuid,
    requests: i64,
}

impl OrgStore {
    /// Counts live requests that requested the model or were answered by it since the bucket of `since`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn model_use(&self, name: &str, since: DateTime<Utc>) -> Result<RecentUse, Error> {
        use request_rollups::Column;
        let named = equals(Column::RequestedModel, name).or(equals(Column::ServedModel, name));
        self.recent_use(named, since).await
    }

    /// Counts live requests with the key since the bucket of `since`.
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
        // Records from servers with a fast clock are also recent.
        let until = self.clock().now() + TimeDelta::days(1);
        let span = RollupSpan { since, until, origin: Some(Origin::Live) };
        let rows = self
            .request_rollups(&span)
            .filter(which)
            .select_only()
            .column(Column::ApiKeyId)
            .column_as(total(Column::Requests), "requests")
            .group_by(Column::ApiKeyId);
        let mut sums: BTreeMap<Uuid, i64> = BTreeMap::new();
        for KeySum { api_key_id, requests } in self.sums(&rows, &REQUESTS, &span, None).await? {
            *sums.entry(api_key_id).or_default() += requests;
        }
        let keys = sums.keys().filter(|id| !id.is_nil()).count();
        Ok(RecentUse { requests: sums.values().sum(), keys: i64::try_from(keys).unwrap_or(i64::MAX) })
    }
}
