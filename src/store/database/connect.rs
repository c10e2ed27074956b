//! Opens the database.
//!
//! The database library gets a URL without a password, and the driver gets the options directly, so that error messages
//! cannot contain the password. Messages are redacted as well before they are shown.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use super::connections::Connections;
use super::hard_links::{self, HardLinked};
use super::pooler;
use crate::config::database::{Database as Section, DatabaseUrl};
use crate::config::recording::Durability;
use crate::domain::error::Error;
use crate::store::database::private_files;
use crate::store::vault::VaultError;

/// Why the store cannot be opened, with the cause and the remedy in one line.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The database cannot be reached.
    #[error(
        "cannot open the database: {0}. Check DATABASE_URL, that the server runs, and that the folder of a SQLite file can be written; special characters of a password are percent-encoded"
    )]
    Unreachable(String),
    /// The SQLite file has several names.
    #[error("cannot open the database: {0}")]
    HardLinked(#[from] HardLinked),
    /// The pooler in front of PostgreSQL loses prepared statements.
    #[error("{}", pooler::REMEDY)]
    Pooler,
    /// The migrations cannot be applied.
    #[error("cannot bring the database's schema up to date: {0}")]
    Migration(#[source] DbErr),
    /// The secrets cannot be decrypted.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The organizations cannot be read.
    #[error("cannot read the organizations: {0}")]
    Load(#[source] Error),
}

/// The number of attempts while another process starts at the same time: 5 seconds in total.
pub(super) const TURNS: u32 = 50;
pub(super) const TURN: Duration = Duration::from_millis(100);

/// Opens the connections for writing and for reading.
pub(in crate::store) async fn connect(
    section: &Section,
    durability: Durability,
) -> Result<(Connections, Connections), ConnectError> {
    let shares = section.shares();
    if section.is_sqlite() {
        prepare_file(section)?;
        let writer = open_sqlite_in_turn(section, shares.writers, Some(durability)).await?;
        let reader = open_sqlite_in_turn(section, shares.readers, None).await?;
        return Ok((writer, reader));
    }
    reach_postgres(section).await?;
    // A separate pool for writing, so that lists and exports do not delay the records of answers.
    let reader = open_postgres(section, shares.readers).await?;
    let writer = open_postgres(section, shares.writers).await?;
    if section.prepares() {
        pooler::probe(&writer, &reader, section).await?;
    }
    Ok((writer, reader))
}

/// Opens the connection for health checks, which works even if all others are busy.
pub(in crate::store) async fn watcher(section: &Section) -> Result<Connections, ConnectError> {
    let connections = section.shares().watchers;
    if section.is_sqlite() {
        return open_sqlite_in_turn(section, connections, None).await;
    }
    open_postgres(section, connections).await
}

/// The longest wait for a connection to PostgreSQL at start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects once. A pool would wait for its whole timeout if the server refuses connections, and then not say why.
/// Only a server that is starting up is waited for, which the pool does.
async fn reach_postgres(section: &Section) -> Result<(), ConnectError> {
    let unreachable = |message: String| ConnectError::Unreachable(section.url.hide_in(&message));
    let options = driver_options(section)?;
    let connected = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await;
    match connected {
        Ok(Ok(connection)) => {
            // It was only asked whether there is one.
            let _ = connection.close().await;
            Ok(())
        }
        Ok(Err(sea_orm::sqlx::Error::Database(error))) if error.is_transient_in_connect_phase() => {
            tracing::warn!("the database is starting up: waiting up to {} s for it", PATIENCE.as_secs());
            Ok(())
        }
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("it does not answer within {} s", PATIENCE.as_secs()))),
    }
}

async fn open_postgres(section: &Section, connections: u32) -> Result<Connections, ConnectError> {
    let options = postgres_options(connections, PATIENCE, driver_options(section)?);
    let opened = Database::connect(options).await;
    let opened =
        opened.map_err(|error| ConnectError::Unreachable(section.url.hide_in(&error.to_string())))?;
    Ok(Connections::new(opened, section.prepares()))
}

/// Checks that the database file has one name, and restricts it to its owner. Databases in memory have no file.
fn prepare_file(section: &Section) -> Result<(), ConnectError> {
    let url = section.url.expose();
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(());
    }
    let options = sqlite_options(section).map_err(ConnectError::Unreachable)?;
    hard_links::check(options.get_filename())?;
    private_files::make_private(options.get_filename())
        .map_err(|error| ConnectError::Unreachable(error.to_string()))
}

/// The URL for the library, which appears in its errors and traces.
const NO_ADDRESS: &str = "postgres://database/";

fn driver_options(section: &Section) -> Result<PgConnectOptions, ConnectError> {
    let url = section.url.postgres().map_err(ConnectError::Unreachable)?;
    let options = PgConnectOptions::from_url(&url);
    let options = options.map_err(|_| {
        ConnectError::Unreachable("a parameter after the '?' of DATABASE_URL has an invalid value".to_owned())
    })?;
    // Poolers reject unknown start-up parameters, and floats are transferred in binary form.
    let options = options.extra_float_digits(None).application_name("failsoft").disable_statement_logging();
    // A statement that the driver keeps could not be deallocated by a migration.
    Ok(if section.prepares() { options } else { options.statement_cache_capacity(0) })
}

fn postgres_options(connections: u32, timeout: Duration, driver: PgConnectOptions) -> ConnectOptions {
    let mut options = ConnectOptions::new(NO_ADDRESS);
    options
        .max_connections(connections)
        .connect_timeout(timeout)
        .acquire_timeout(timeout)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |_| driver.clone());
    options
}

/// The number of prepared statements per connection. The recorder has one per table and number of rows.
const STATEMENTS: usize = 512;

/// Options of the connections to a replica. They are opened when they are needed, and a read does not wait long for one.
///
/// # Errors
/// The URL is invalid.
pub(in crate::store) fn replica_options(
    section: &Section,
    url: &DatabaseUrl,
) -> Result<ConnectOptions, ConnectError> {
    let replica = Section { url: url.clone(), ..section.clone() };
    let driver = driver_options(&replica)?;
    let mut options = postgres_options(section.shares().readers, Duration::from_secs(2), driver);
    options.connect_lazy(true);
    Ok(options)
}

/// Options of the recorder's connections to PostgreSQL. They are not tested before a commit, because a failed commit is
/// retried.
///
/// # Errors
/// The URL is invalid.
pub(in crate::store) fn recorder_options(section: &Section) -> Result<ConnectOptions, ConnectError> {
    let mut driver = driver_options(section)?;
    if section.prepares() {
        driver = driver.statement_cache_capacity(STATEMENTS);
    }
    let mut options = postgres_options(section.shares().recorder, Duration::from_secs(2), driver);
    options.test_before_acquire(false);
    Ok(options)
}

/// Opens a SQLite file with retries. Processes that open a new file at the same time all switch it to WAL, and SQLite
/// does not wait for that lock.
async fn open_sqlite_in_turn(
    section: &Section,
    connections: u32,
    writes: Option<Durability>,
) -> Result<Connections, ConnectError> {
    let mut opened = open_sqlite(section, connections, writes).await;
    for _ in 1..TURNS {
        if !opened.as_ref().is_err_and(is_busy) {
            break;
        }
        tokio::time::sleep(TURN).await;
        opened = open_sqlite(section, connections, writes).await;
    }
    let opened = opened.map_err(|error| ConnectError::Unreachable(error.to_string()))?;
    Ok(Connections::new(opened, true))
}

/// Whether the error is SQLITE_BUSY or one of its extended codes, which share the lowest eight bits.
fn is_busy(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(error)) = error else { return false };
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// Opens a SQLite file. WAL mode, so that readers do not wait for the writer. By default `synchronous = NORMAL`, which
/// survives a crash of the process but not a power failure. One writing connection, because SQLite allows one writer,
/// and the queue of the pool is fairer than that of SQLite.
async fn open_sqlite(
    section: &Section,
    connections: u32,
    writes: Option<Durability>,
) -> Result<DatabaseConnection, DbErr> {
    // Parsed here, so that an invalid URL is an error and not a panic in the closure below.
    sqlite_options(section).map_err(|message| DbErr::Conn(RuntimeErr::Internal(message)))?;
    let mut options = ConnectOptions::new(section.url.expose());
    options
        .max_connections(connections)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        // When the disk fails or is full, SQLite ends a transaction by itself and the driver does not notice. Later commits
        // on that connection are not durable, so it is not used again.
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
/// The URL is invalid. The message of the driver is not used, because it contains part of the URL.
pub(in crate::store) fn sqlite_options(section: &Section) -> Result<SqliteConnectOptions, String> {
    SqliteConnectOptions::from_str(section.url.expose())
        .map_err(|_| "DATABASE_URL cannot be read; write it as sqlite://PATH".to_owned())
}

/// The `synchronous` mode of SQLite for a durability.
pub(in crate::store) fn synchronous(durability: Durability) -> SqliteSynchronous {
    match durability {
        Durability::Process => SqliteSynchronous::Normal,
        Durability::Full => SqliteSynchronous::Full,
    }
}
