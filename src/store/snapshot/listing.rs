//! Lists organizations with their versions: those that changed, by the numbers of their changes, or all, by their ids.

use entity::ids::OrganizationId;
use entity::organizations;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::progress::Place;
use crate::domain::error::Error;
use crate::store::Store;

/// The next organizations by the number of their last change: id, version and number.
pub(super) async fn by_number(
    store: &Store,
    after: Place,
    most: usize,
) -> Result<Vec<(OrganizationId, i64, i64)>, Error> {
    let (id, number) = (organizations::Column::Id, organizations::Column::ChangeSeq);
    Ok(organizations::Entity::find()
        .select_only()
        .column(id)
        .column(organizations::Column::Version)
        .column(number)
        .filter(number.gte(after.number))
        .filter(Condition::any().add(number.gt(after.number)).add(id.gt(after.organization)))
        .order_by_asc(number)
        .order_by_asc(id)
        .limit(u64::try_from(most).unwrap_or(u64::MAX))
        .into_tuple()
        .all(&store.inner.reader)
        .await?)
}

/// The next organizations by id, and their versions.
pub(super) async fn by_id(
    store: &Store,
    after: Option<OrganizationId>,
    most: usize,
) -> Result<Vec<(OrganizationId, i64)>, Error> {
    let id = organizations::Column::Id;
    Ok(organizations::Entity::find()
        .select_only()
        .column(id)
        .column(organizations::Column::Version)
        .filter(after.map_or_else(Condition::all, |after| Condition::all().add(id.gt(after))))
        .order_by_asc(id)
        .limit(u64::try_from(most).unwrap_or(u64::MAX))
        .into_tuple()
        .all(&store.inner.reader)
        .await?)
}
