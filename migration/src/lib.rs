//! The schema of Failsoft: one migration per file, the same for SQLite and PostgreSQL.
//!
//! Conventions:
//! - A migration is named `m<date>_<number>_<what>` and never edited after its release. Tables are created complete,
//!   because SQLite cannot add a foreign key or change a column later.
//! - A tenant row refers to another tenant row by `(organization_id, x_id)`, never by `x_id` alone, so that the database
//!   rejects a reference into another organization. The target has a unique index on `(organization_id, id)`.
//! - A new table has no defaults: a value that was not written is a bug, and the clock of the database is not the clock
//!   of the application. A new column of an existing table is nullable or has a default, because processes of the
//!   previous release write rows without it during an upgrade.
//! - A migration that the previous release cannot run with raises `schema_compatible_from` in `instance_state`; see
//!   `compatible`.
//! - A closed set of words is a CHECK constraint in small tables. The large append-only tables (requests, events,
//!   roll-ups) have none, because SQLite must copy the whole table to change a CHECK constraint.
//! - Every migration runs in a transaction, so that an interrupted start leaves no partial change. PostgreSQL does not
//!   prevent two processes from migrating at once, so callers of [`Migrator`] take an advisory lock.
//!
//! Migrations do not use the crate `entity`, because they describe the tables at the time of their release.

#![allow(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` hides the lifetime of its manager, and what async_trait makes of it must match"
)]

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::{IntoSchemaManagerConnection, SchemaManager};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr, EntityTrait as _};
use sea_orm_migration::seaql_migrations;

mod compatible;
mod m20261120_000001_organizations;
mod m20261120_000002_api_keys;
mod m20261120_000003_catalogue;
mod m20261120_000004_fallbacks;
mod m20261120_000005_events_and_requests;
mod m20261120_000006_rollups;
mod m20261120_000007_governance;
mod m20261120_000008_instance;
mod m20261120_000009_one_time_links;
mod m20261120_000010_ledger;
mod m20261120_000011_money;
mod m20261120_000012_usage;
mod m20261129_000013_failures;
mod m20261129_000015_prices;
mod m20261129_000016_stream_options;
mod m20261129_000019_identity;
mod m20261129_000021_scale;
mod m20261129_000023_error_mappings;
mod m20261129_000031_rollup_deltas;
mod m20261129_000032_record_keys;
mod m20261129_000033_partitions;
mod m20261129_000035_delta_order;
mod m20261129_000037_rollup_widths;
mod m20261129_000041_budget_only;
mod m20261130_000043_hour_cache_price;
mod m20261201_000045_model_kind;
mod m20261201_000065_change_numbers;
mod m20261201_000067_endpoint_filter;
mod m20261201_000068_reasoning_price;
mod m20261201_000071_leases;
mod m20261201_000072_limits;
mod m20261201_000091_drill_filters;
mod m20261201_000101_provider_credentials;
mod table;

/// Applies the migrations of this release (`Migrator::up`) or reverts them (`Migrator::down`).
///
/// Errors are those of the database (`DbErr`). A failed migration is rolled back; earlier ones stay applied.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[sea_orm_migration::async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261120_000001_organizations::Migration),
            Box::new(m20261120_000002_api_keys::Migration),
            Box::new(m20261120_000003_catalogue::Migration),
            Box::new(m20261120_000004_fallbacks::Migration),
            Box::new(m20261120_000005_events_and_requests::Migration),
            Box::new(m20261120_000006_rollups::Migration),
            Box::new(m20261120_000007_governance::Migration),
            Box::new(m20261120_000008_instance::Migration),
            Box::new(m20261120_000009_one_time_links::Migration),
            Box::new(m20261120_000010_ledger::Migration),
            Box::new(m20261120_000011_money::Migration),
            Box::new(m20261120_000012_usage::Migration),
            Box::new(m20261129_000013_failures::Migration),
            Box::new(m20261129_000015_prices::Migration),
            Box::new(m20261129_000016_stream_options::Migration),
            Box::new(m20261129_000019_identity::Migration),
            Box::new(m20261129_000021_scale::Migration),
            Box::new(m20261129_000023_error_mappings::Migration),
            Box::new(m20261129_000031_rollup_deltas::Migration),
            Box::new(m20261129_000032_record_keys::Migration),
            Box::new(m20261129_000033_partitions::Migration),
            Box::new(m20261129_000035_delta_order::Migration),
            Box::new(m20261129_000037_rollup_widths::Migration),
            Box::new(m20261129_000041_budget_only::Migration),
            Box::new(m20261130_000043_hour_cache_price::Migration),
            Box::new(m20261201_000045_model_kind::Migration),
            Box::new(m20261201_000065_change_numbers::Migration),
            Box::new(m20261201_000067_endpoint_filter::Migration),
            Box::new(m20261201_000068_reasoning_price::Migration),
            Box::new(m20261201_000071_leases::Migration),
            Box::new(m20261201_000072_limits::Migration),
            Box::new(m20261201_000091_drill_filters::Migration),
            Box::new(m20261201_000101_provider_credentials::Migration),
        ]
    }

    /// The applied migrations that this release knows.
    async fn get_migration_models<C: ConnectionTrait>(on: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        Self::install(on).await?;
        compatible::known(on, seaql_migrations::Entity::find().all(on).await?).await
    }
}

impl Migrator {
    /// The names of the pending migrations, in order. Nothing is written.
    ///
    /// # Errors
    /// A newer release has made changes that this one cannot run with, or the database cannot be read.
    pub async fn pending<'c, C>(connection: &'c C) -> Result<Vec<String>, DbErr>
    where
        C: ConnectionTrait,
        &'c C: IntoSchemaManagerConnection<'c>,
    {
        let applied = match SchemaManager::new(connection).has_table("seaql_migrations").await? {
            true => seaql_migrations::Entity::find().all(connection).await?,
            false => Vec::new(),
        };
        let known = compatible::known(connection, applied).await?;
        let names = Self::migrations().into_iter().map(|change| change.name().to_owned());
        Ok(names.filter(|name| !known.iter().any(|change| change.version == *name)).collect())
    }
}
