//! The schema as the operator handles it: what it lacks, and bringing it up to date. A start does the same by
//! itself.

use migration::{Migrator, MigratorTrait as _};
use sea_orm::DatabaseConnection;

use super::connect::{self, ConnectError};
use crate::config::database::Database as Section;
use crate::config::recording::Durability;

/// The names of the changes that the schema lacks, in their order. Nothing is written: of a SQLite file that does
/// not exist yet, it is all of them.
///
/// # Errors
/// The database cannot be reached, or is of a newer version than this program.
pub async fn pending(section: &Section) -> Result<Vec<String>, ConnectError> {
    if section.is_sqlite() && !file_exists(section)? {
        return Ok(Migrator::get_migration_files().iter().map(|change| change.name().to_owned()).collect());
    }
    let (writer, reader) = connect::connect(section, Durability::Process).await?;
    let pending = pending_of(&reader).await;
    close([writer, reader]).await;
    pending
}

/// Makes the changes that the schema lacks, and returns their names in their order.
///
/// # Errors
/// The database cannot be reached or changed; the change that failed is undone, those before it stay.
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
