//! The schema of Failsoft, one change a file, the same on SQLite and PostgreSQL.
//!
//! How the tables are made, and why:
//! - A change is named `m<date>_<number>_<what>` and never edited once it has shipped. Tables are created complete:
//!   SQLite cannot add a foreign key or change a column afterwards.
//! - A tenant row points at another tenant row by `(organization_id, x_id)`, never by `x_id` alone: the database itself
//!   refuses a reference into another organization. What is pointed at has a unique index over `(organization_id, id)`.
//! - No defaults: a value that nobody wrote is a mistake, and a database's own clock is not the clock of the rest.
//! - A closed set of words is a CHECK where rows are few and edited. The big append-only tables (requests, events,
//!   roll-ups) have none: widening a CHECK means writing the whole table anew on SQLite.
//! - Every change runs in a transaction, so that a start that was cut off leaves nothing half made. PostgreSQL has no
//!   lock against two processes that start at once: whoever calls [`Migrator`] takes an advisory lock first.
//!
//! May import: `sea_orm_migration`. Not `entity`: a change describes the tables of its day, the entities those of today.

#![allow(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` hides the lifetime of its manager, and what async_trait makes of it must match"
)]

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::MigratorTrait;

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
mod table;

/// Brings a database to this version's schema (`Migrator::up`), or back (`Migrator::down`).
///
/// Errors are the database's own (`DbErr`); the change that failed is rolled back, those before it stay.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

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
        ]
    }
}
