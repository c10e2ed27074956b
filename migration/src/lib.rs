//! The schema of Failsoft, one change a file, the same on SQLite and PostgreSQL.
//!
//! How the tables are made, and why:
//! - A change is named `m<date>_<number>_<what>` and never edited once it has shipped. Tables are created complete:
//!   SQLite cannot add a foreign key or change a column afterwards.
//! - A tenant row points at another tenant row by `(organization_id, x_id)`, never by `x_id` alone: the database itself
//!   refuses a reference into another organization. What is pointed at has a unique index over `(organization_id, id)`.
//! - No defaults in a new table: a value that was never written is a mistake, and a database's own clock is not the clock
//!   of the rest. A new column of a table that is there already may be null or has a default: while an upgrade rolls out,
//!   processes of the release before write rows without it.
//! - A change that the release before cannot run with at all raises `schema_compatible_from` in `instance_state`; see
//!   `compatible`.
//! - A closed set of words is a CHECK where rows are few and edited. The big append-only tables (requests, events,
//!   roll-ups) have none: widening a CHECK means writing the whole table anew on SQLite.
//! - Every change runs in a transaction, so that a start that was cut off leaves nothing half made. PostgreSQL has no
//!   lock against two processes that start at once: whoever calls [`Migrator`] takes an advisory lock first.
//!
//! Not `entity`: a change describes the tables of its day, the entities those of today.

#![allow(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` hides the lifetime of its manager, and what async_trait makes of it must match"
)]

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::SchemaManager;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, EntityTrait as _};
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
mod table;

/// Brings a database to this version's schema (`Migrator::up`), or back (`Migrator::down`).
///
/// Errors are the database's own (`DbErr`); the change that failed is rolled back, those before it stay.
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
        ]
    }

    /// The changes that were made and that this program knows.
    async fn get_migration_models<C: ConnectionTrait>(on: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        Self::install(on).await?;
        compatible::known(on, seaql_migrations::Entity::find().all(on).await?).await
    }
}

impl Migrator {
    /// The names of the changes that the schema lacks, in their order. Nothing is written.
    ///
    /// # Errors
    /// A newer program has made changes that this one cannot live with, or the database cannot be read.
    pub async fn pending(connection: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
        let applied = match SchemaManager::new(connection).has_table("seaql_migrations").await? {
            true => seaql_migrations::Entity::find().all(connection).await?,
            false => Vec::new(),
        };
        let known = compatible::known(connection, applied).await?;
        let names = Self::migrations().into_iter().map(|change| change.name().to_owned());
        Ok(names.filter(|name| !known.iter().any(|change| change.version == *name)).collect())
    }
}
