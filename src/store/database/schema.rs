//! Migrations: as commands of the operator, and at the start of a server.
//!
//! The library of migrations prepares its statements. Behind a pooler that loses them, each migration runs in one
//! transaction, in which nothing is lost, and which first drops what others have prepared in its session.

use migration::{Migrator, MigratorTrait as _};
use sea_orm::sqlx::{Connection as _, PgConnection};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, TransactionTrait as _};

use super::connect::{self, ConnectError, TURN, TURNS};
use super::connections::Connections;
use super::pooler;
use crate::config::database::Database as Section;
use crate::config::recording::Durability;

/// An arbitrary number that is the same in all releases.
const LOCK: i64 = 0x6661_696c_736f_6674;
/// Drops all prepared statements of the session.
const FORGET: &str = "DEALLOCATE ALL";

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
    pending.map_err(ConnectError::Migration)
}

/// Applies the pending migrations and returns their names, in order.
///
/// # Errors
/// The database cannot be reached or changed. A failed migration is rolled back; earlier ones stay applied.
pub async fn migrate(section: &Section) -> Result<Vec<String>, ConnectError> {
    let (writer, reader) = connect::connect(section, Durability::Process).await?;
    let migrated = async {
        let pending = pending_of(&reader).await.map_err(ConnectError::Migration)?;
        apply(&writer).await?;
        Ok(pending)
    };
    let migrated = migrated.await;
    close([writer, reader]).await;
    migrated
}

async fn pending_of(on: &Connections) -> Result<Vec<String>, DbErr> {
    if on.is_prepared() {
        return Migrator::pending(on.library()).await;
    }
    let transaction = begin(on).await?;
    let pending = Migrator::pending(&transaction).await?;
    end(transaction).await?;
    Ok(pending)
}

fn file_exists(section: &Section) -> Result<bool, ConnectError> {
    let options = connect::sqlite_options(section).map_err(ConnectError::Unreachable)?;
    Ok(options.get_filename().exists())
}

async fn close(all: [Connections; 2]) {
    for connections in all {
        connections.close().await;
    }
}

/// Applies pending migrations. On PostgreSQL, an advisory lock serializes processes that start at the same time. The lock
/// belongs to a transaction and not to a session, because a pooler can assign another session to each transaction.
pub(in crate::store) async fn apply(writer: &Connections) -> Result<(), ConnectError> {
    match writer.get_database_backend() {
        DbBackend::Postgres if writer.is_prepared() => apply_in_turn(writer).await,
        DbBackend::Postgres => apply_one_by_one(writer).await.map_err(ConnectError::Migration),
        DbBackend::Sqlite => apply_on_sqlite(writer).await,
        backend => Err(ConnectError::Migration(DbErr::Custom(format!("{backend:?} is not supported")))),
    }
}

/// Holds the lock on a separate connection, which is closed before others are opened.
async fn apply_in_turn(writer: &Connections) -> Result<(), ConnectError> {
    let migration = |error: sea_orm::sqlx::Error| ConnectError::Migration(DbErr::Custom(error.to_string()));
    let options = writer.postgres().connect_options();
    let mut connection = PgConnection::connect_with(&options).await.map_err(migration)?;
    let mut lock = connection.begin().await.map_err(migration)?;
    sea_orm::sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *lock)
        .await
        .map_err(migration)?;
    let result = Migrator::up(writer.library(), None).await.map_err(|error| {
        if pooler::loses_statements(&error) { ConnectError::Pooler } else { ConnectError::Migration(error) }
    });
    // The rollback releases the lock, also after a failed migration.
    lock.rollback().await.map_err(migration)?;
    connection.close().await.map_err(migration)?;
    result
}

/// Applies each migration in a transaction that takes the lock.
async fn apply_one_by_one(writer: &Connections) -> Result<(), DbErr> {
    loop {
        let transaction = begin(writer).await?;
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
        let pending = Migrator::pending(&transaction).await?;
        if pending.is_empty() {
            return end(transaction).await;
        }
        Migrator::up(&transaction, Some(1)).await?;
        end(transaction).await?;
    }
}

/// Begins a transaction in which statements may be prepared.
async fn begin(on: &Connections) -> Result<DatabaseTransaction, DbErr> {
    let transaction = on.library().begin().await?;
    transaction.execute_unprepared(FORGET).await?;
    Ok(transaction)
}

async fn end(transaction: DatabaseTransaction) -> Result<(), DbErr> {
    transaction.execute_unprepared(FORGET).await?;
    transaction.commit().await
}

/// SQLite has no advisory lock. A process that loses the race finds existing tables and retries.
async fn apply_on_sqlite(writer: &Connections) -> Result<(), ConnectError> {
    let writer = writer.library();
    // A retry does not help if the schema is too new.
    Migrator::pending(writer).await.map_err(ConnectError::Migration)?;
    let mut last = None;
    for _ in 0..TURNS {
        match Migrator::up(writer, None).await {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(TURN).await;
    }
    Err(ConnectError::Migration(last.unwrap_or_else(|| DbErr::Custom("no attempt was made".to_owned()))))
}
