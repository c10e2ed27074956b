//! Migrations as commands of the operator. A server applies them at its start.

use migration::{Migrator, MigratorTrait as _};
use sea_orm::DatabaseConnection;

use super::connect::{self, ConnectError};
use crate::config::database::Database as Section;
use crate::config::recording::Durability;

/// The names of the pending migrations, in order. Nothing is written. For a SQLite file that does not exist, all
/// migrations are pending.
///
/// # Errors
/// The database cannot be reached, or a newer release has changed its schema.
pub async fn pending(section: &Section) -> Result<Vec<String>, ConnectError> {
    if section.is_sqlite() && !file_exists(section)? {
        return Ok(Migrator::get_migration_files().iter().map(|change| change.name().to_owned()).collect());
    }
    let (writer, reader) = connect::connect(section, Durability::Process).await?;
    let pending = pending_of(&reader).await;
    close([writer, reader]).await;
    pending
}

/// Applies the pending migrations and returns their names, in order.
///
/// # Errors
/// The database cannot be reached or changed. A failed migration is rolled back; earlier ones stay applied.
pub async fn migrate(section: &Section) -> Result<Vec<String>, ConnectError> {
    let (writer, reader) = connect::connect(section, Durability::Process).await?;
    let migrated = async {
        let pending = pending_of(&reader).await?;
        connect::migrate(&writer).await?;
        Ok(pending)
    };
    let migrated = migrated.await;
    close([writer, reader]).await;
    migrated
}

async fn pending_of(connection: &DatabaseConnection) -> Result<Vec<String>, ConnectError> {
    Migrator::pending(connection).await.map_err(ConnectError::Migration)
}

fn file_exists(section: &Section) -> Result<bool, ConnectError> {
    let options = connect::sqlite_options(section).map_err(ConnectError::Unreachable)?;
    Ok(options.get_filename().exists())
}

async fn close(connections: [DatabaseConnection; 2]) {
    for connection in connections {
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "a database connection did not close cleanly");
        }
    }
}
