//! Error mappings in a snapshot: each provider has the mappings that apply to it.

use std::collections::HashMap;

use entity::error_mappings;
use entity::ids::{OrganizationId, ProviderId};
use sea_orm::{ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::load::{belongs, grouped};
use crate::domain::error::Error;
use crate::providers::{Mapping, Mappings};
use crate::store::tenant::error_mappings::mapping;

/// A mapping with its organization and provider.
pub(super) struct Owned {
    organization_id: OrganizationId,
    /// `None`: every provider of the organization.
    provider_id: Option<ProviderId>,
    mapping: Mapping,
}

/// Reads the mappings of these organizations, newest first. The first that matches a message applies.
pub(super) async fn read(
    on: &impl ConnectionTrait,
    only: Option<&[OrganizationId]>,
) -> Result<HashMap<OrganizationId, Vec<Owned>>, Error> {
    let rows = error_mappings::Entity::find()
        .filter(belongs(error_mappings::Column::OrganizationId, only))
        .order_by_desc(error_mappings::Column::CreatedAt)
        .order_by_desc(error_mappings::Column::Id)
        .all(on)
        .await?;
    let owned: Vec<Owned> = rows.iter().filter_map(owned).collect();
    Ok(grouped(owned, |owned| owned.organization_id))
}

/// `None` for a mapping of a newer release.
fn owned(row: &error_mappings::Model) -> Option<Owned> {
    let Some(mapping) = mapping(row) else {
        tracing::warn!(mapping = %row.id, "an error mapping cannot be read; it is left out");
        return None;
    };
    Some(Owned { organization_id: row.organization_id, provider_id: row.provider_id, mapping })
}

/// The mappings of a provider, followed by those for every provider.
pub(super) fn of_provider(all: &[Owned], provider: ProviderId) -> Mappings {
    let of = |provider| all.iter().filter(move |owned| owned.provider_id == provider);
    of(Some(provider)).chain(of(None)).map(|owned| owned.mapping.clone()).collect()
}
