//! Opening the database and bringing its schema up to date.
//!
//! The database library is given an address without a password, and the driver its options: what either says of a
//! failure cannot hold the password, and what is shown of it is looked through once more.

use std::str::FromStr;
use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{Connection, PgConnection};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr};

use super::pooler;
use crate::config::database::Database as Section;
use crate::config::recording::Durability;
use crate::domain::error::Error;
use crate::store::database::private_files;
use crate::store::vault::VaultError;

/// Why the store could not be opened: one line that names cause and remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The database cannot be reached.
    #[error(
        "cannot open the database: {0}. Check DATABASE_URL, that the server runs, and that the folder of a SQLite file can be written; special characters of a password are percent-encoded"
    )]
    Unreachable(String),
    /// What is between us and PostgreSQL loses prepared statements.
    #[error("{}", pooler::REMEDY)]
    Pooler,
    /// The schema cannot be brought up to date.
    #[error("cannot bring the database's schema up to date: {0}")]
    Migration(#[source] DbErr),
    /// The secrets cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The organizations cannot be read.
    #[error("cannot read the organizations: {0}")]
    Load(#[source] Error),
}

/// How often a process looks again whether another one that starts too has got out of its way: 5 s in all.
const TURNS: u32 = 50;
const TURN: Duration = Duration::from_millis(100);

/// Any number will do, as long as every process of every version uses the same one.
const MIGRATION_LOCK: i64 = 0x6661_696c_736f_6674;

/// Connections for writing and for reading.
pub(in crate::store) async fn connect(
    section: &Section,
    durability: Durability,
) -> Result<(DatabaseConnection, DatabaseConnection), ConnectError> {
    if section.is_sqlite() {
        make_private(section).map_err(ConnectError::Unreachable)?;
        let writer = open_sqlite_in_turn(section, 1, Some(durability)).await?;
        let reader = open_sqlite_in_turn(section, section.connections, None).await?;
        return Ok((writer, reader));
    }
    // A pool of its own for writing: however many lists and exports are read, answers find their way to the record.
    let reader = open_postgres(section, section.connections).await?;
    let writer = open_postgres(section, POSTGRES_WRITERS).await?;
    pooler::probe(&writer, section).await?;
    Ok((writer, reader))
}

/// One connection that is used for looks alone: however busy the others are, it tells whether the database answers.
pub(in crate::store) async fn watcher(section: &Section) -> Result<DatabaseConnection, ConnectError> {
    if section.is_sqlite() {
        return open_sqlite_in_turn(section, 1, None).await;
    }
    open_postgres(section, 1).await
}

async fn open_postgres(section: &Section, connections: u32) -> Result<DatabaseConnection, ConnectError> {
    let options = postgres_options(connections, Duration::from_secs(10), driver_options(section)?);
    let opened = Database::connect(options).await;
    opened.map_err(|error| ConnectError::Unreachable(section.url.hide_in(&error.to_string())))
}

/// Sealed credentials and what people did are for the owner of the file. Databases in memory have none.
fn make_private(section: &Section) -> Result<(), String> {
    let url = section.url.expose();
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(());
    }
    let options = sqlite_options(section)?;
    private_files::make_private(options.get_filename()).map_err(|error| error.to_string())
}

/// Connections for the recorder and for changes, which take turns anyway.
const POSTGRES_WRITERS: u32 = 4;

/// What the library is given for an address. It repeats it where it fails and where it traces.
const NO_ADDRESS: &str = "postgres://database/";

fn driver_options(section: &Section) -> Result<PgConnectOptions, ConnectError> {
    let url = section.url.postgres().map_err(ConnectError::Unreachable)?;
    let options = PgConnectOptions::from_url(&url);
    let options = options.map_err(|_| {
        ConnectError::Unreachable(
            "a parameter behind the '?' of DATABASE_URL has a value that cannot be used".to_owned(),
        )
    })?;
    // Poolers refuse a start-up parameter that they do not know, and floats travel in binary anyway.
    Ok(options.extra_float_digits(None).application_name("failsoft").disable_statement_logging())
}

fn postgres_options(connections: u32, patience: Duration, driver: PgConnectOptions) -> ConnectOptions {
    let mut options = ConnectOptions::new(NO_ADDRESS);
    options
        .max_connections(connections)
        .connect_timeout(patience)
        .acquire_timeout(patience)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |_| driver.clone());
    options
}

/// Statements that a connection keeps prepared. The recorder has one for each table and number of rows.
const STATEMENTS: usize = 512;

/// Connections to PostgreSQL for the recorder alone. A commit is not preceded by a ping: one that fails is tried again.
///
/// # Errors
/// The address cannot be read.
pub(in crate::store) fn recorder_options(
    section: &Section,
    connections: u32,
) -> Result<ConnectOptions, ConnectError> {
    let driver = driver_options(section)?.statement_cache_capacity(STATEMENTS);
    let mut options = postgres_options(connections, Duration::from_secs(2), driver);
    options.test_before_acquire(false);
    Ok(options)
}

/// Of processes that open a new file at once, each wants to switch it to WAL, and for that lock SQLite does not
/// wait of itself.
async fn open_sqlite_in_turn(
    section: &Section,
    connections: u32,
    writes: Option<Durability>,
) -> Result<DatabaseConnection, ConnectError> {
    for _ in 1..TURNS {
        match open_sqlite(section, connections, writes).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(TURN).await,
            result => return result.map_err(|error| ConnectError::Unreachable(error.to_string())),
        }
    }
    let opened = open_sqlite(section, connections, writes).await;
    opened.map_err(|error| ConnectError::Unreachable(error.to_string()))
}

/// SQLITE_BUSY or one of its kinds, which differ above the lowest eight bits.
fn is_busy(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(error)) = error else { return false };
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// WAL, so that readers never wait for the writer; by default `synchronous = NORMAL`, which survives the death of the
/// process (the power cord is another matter); one writing connection, because SQLite has one writer anyway
/// and waiting in our queue is fairer than waiting in its.
async fn open_sqlite(
    section: &Section,
    connections: u32,
    writes: Option<Durability>,
) -> Result<DatabaseConnection, DbErr> {
    // Parsed here already, so that a bad URL is an error of ours, and not a panic in the closure below.
    sqlite_options(section).map_err(|message| DbErr::Conn(RuntimeErr::Internal(message)))?;
    let mut options = ConnectOptions::new(section.url.expose());
    options
        .max_connections(connections)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        // When the disk fails or is full, SQLite ends a transaction by itself and the driver does not learn of it: whatever
        // it commits on that connection from then on lasts nowhere. Such a one is never used again.
        .map_sqlx_sqlite_before_acquire(|connection, _| {
            let free = !connection.is_in_transaction();
            Box::pin(async move { Ok(free) })
        })
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .statement_cache_capacity(STATEMENTS);
            let Some(durability) = writes else { return sqlite.read_only(true) };
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous(durability))
                .pragma("wal_autocheckpoint", "4000")
        });
    Database::connect(options).await
}

/// # Errors
/// The address cannot be read: in words of ours, for the driver repeats a part of it.
pub(in crate::store) fn sqlite_options(section: &Section) -> Result<SqliteConnectOptions, String> {
    SqliteConnectOptions::from_str(section.url.expose())
        .map_err(|_| "DATABASE_URL cannot be read; write it as sqlite://PATH".to_owned())
}

/// Runs what the schema lacks. On PostgreSQL two processes that start at once take turns by an advisory lock,
/// held on a connection of its own.
pub(in crate::store) async fn migrate(writer: &DatabaseConnection) -> Result<(), ConnectError> {
    match writer.get_database_backend() {
        DbBackend::Postgres => migrate_in_turn(writer).await,
        DbBackend::Sqlite => migrate_sqlite(writer).await,
        backend => Err(ConnectError::Migration(DbErr::Custom(format!("{backend:?} is not supported")))),
    }
}

/// The lock belongs to a transaction, not to the session: a pooler gives each transaction a session of its own choice.
async fn migrate_in_turn(writer: &DatabaseConnection) -> Result<(), ConnectError> {
    let migration = |error: sea_orm::sqlx::Error| ConnectError::Migration(DbErr::Custom(error.to_string()));
    let options = writer.get_postgres_connection_pool().connect_options();
    let mut connection = PgConnection::connect_with(&options).await.map_err(migration)?;
    let mut lock = connection.begin().await.map_err(migration)?;
    sea_orm::sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(MIGRATION_LOCK)
        .execute(&mut *lock)
        .await
        .map_err(migration)?;
    let result = Migrator::up(writer, None).await.map_err(|error| match pooler::loses_statements(&error) {
        true => ConnectError::Pooler,
        false => ConnectError::Migration(error),
    });
    // Its end gives the lock back, whatever the migration said.
    lock.rollback().await.map_err(migration)?;
    connection.close().await.map_err(migration)?;
    result
}

/// SQLite has no advisory lock: the loser of a race finds the winner's tables, and tries again.
async fn migrate_sqlite(writer: &DatabaseConnection) -> Result<(), ConnectError> {
    // A schema that is too new stays so: trying again would only take longer.
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

/// What the embedded database waits for at a commit.
pub(in crate::store) fn synchronous(durability: Durability) -> SqliteSynchronous {
    match durability {
        Durability::Process => SqliteSynchronous::Normal,
        Durability::Full => SqliteSynchronous::Full,
    }
}
