//! Queries of the operator's check, across all organizations.

use std::collections::HashMap;

use entity::ids::OrganizationId;
use entity::{organizations, providers};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::System;
use crate::domain::error::Error;
use crate::providers::preset;

/// The base URL of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderAddress {
    /// The name of the organization.
    pub organization: String,
    /// The name of the provider.
    pub provider: String,
    /// The base URL of the provider or its preset.
    pub address: String,
}

impl System<'_> {
    /// The base URLs of all providers, oldest first. Simulated providers have none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn provider_addresses(&self) -> Result<Vec<ProviderAddress>, Error> {
        let reader = &self.store.inner.reader;
        let names: Vec<(OrganizationId, String)> = organizations::Entity::find()
            .select_only()
            .column(organizations::Column::Id)
            .column(organizations::Column::Name)
            .into_tuple()
            .all(reader)
            .await?;
        let names: HashMap<_, _> = names.into_iter().collect();
        let rows = providers::Entity::find()
            .filter(providers::Column::DeletedAt.is_null())
            .order_by_asc(providers::Column::CreatedAt)
            .order_by_asc(providers::Column::Id)
            .all(reader)
            .await?;
        let addresses = rows.into_iter().filter_map(|row| {
            let of_preset = || preset(&row.preset).and_then(|preset| preset.base_url).map(str::to_owned);
            Some(ProviderAddress {
                organization: names.get(&row.organization_id).cloned().unwrap_or_default(),
                provider: row.name,
                address: row.base_url.or_else(of_preset)?,
            })
        });
        Ok(addresses.collect())
    }
}
