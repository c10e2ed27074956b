//! Checks whether this release may run on a schema that a newer release has changed. During a rolling upgrade, two
//! releases share one database, and processes of the older one must be able to restart.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::seaql_migrations;

use crate::{Migrator, MigratorTrait as _};

/// The applied migrations that this release knows. Migrations of a newer release are left out if the database says
/// that this release may run with them.
///
/// # Errors
/// A newer release has made changes that this one cannot run with, or the database cannot be read.
pub(crate) async fn known(
    on: &impl ConnectionTrait,
    applied: Vec<seaql_migrations::Model>,
) -> Result<Vec<seaql_migrations::Model>, DbErr> {
    let own: Vec<String> = Migrator::migrations().iter().map(|change| change.name().to_owned()).collect();
    let (known, newer): (Vec<_>, Vec<_>) =
        applied.into_iter().partition(|change| own.contains(&change.version));
    let Some(first) = newer.first() else { return Ok(known) };
    let mine = own.iter().filter_map(|name| number(name)).max().unwrap_or(0);
    let needed = compatible_from(on).await?;
    if needed.is_some_and(|needed| needed <= mine) {
        return Ok(known);
    }
    let needed = needed.map_or_else(|| "a newer one".to_owned(), |needed| needed.to_string());
    Err(DbErr::Custom(format!(
        "a newer version of Failsoft has changed the schema ({}), and this version cannot run on it: it knows the schema up \
         to change {mine}, and needed is {needed}. Start the newer version, or restore the backup from before the upgrade",
        first.version
    )))
}

/// The number in the name of a migration, `m<date>_<number>_<what>`.
fn number(name: &str) -> Option<i64> {
    name.split('_').nth(1)?.parse().ok()
}

async fn compatible_from(on: &impl ConnectionTrait) -> Result<Option<i64>, DbErr> {
    let statement = Statement::from_string(
        on.get_database_backend(),
        "SELECT value FROM instance_state WHERE name = 'schema_compatible_from'",
    );
    let row = on.query_one_raw(statement).await?;
    row.map(|row| row.try_get("", "value")).transpose()
}
