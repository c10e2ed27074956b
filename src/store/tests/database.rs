//! A separate database for each test: a temporary SQLite file, or a database on a PostgreSQL server.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta};
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{Postgres, Sqlite};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};
use tempfile::TempDir;

use super::Store;
use crate::config::Settings;
use crate::domain::clock::{Clock, ManualClock};

/// The database of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// An empty database with the settings to open it, and a manual clock.
pub(crate) struct TestDatabase {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    _keeper: Keeper,
}

enum Keeper {
    Folder { _folder: TempDir },
    Server { address: String, name: String },
}

impl TestDatabase {
    pub(crate) async fn new(kind: Kind) -> Self {
        let (url, keeper) = match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let url = format!("sqlite://{}", folder.path().join("test.db").display());
                (url, Keeper::Folder { _folder: folder })
            }
            Kind::Postgres => on_server().await,
        };
        let mut settings = Settings::default();
        settings.database.url = url.into();
        settings.database.connections = Some(10);
        if kind == Kind::Postgres {
            settings.secrets.master_key = Some(master_key(7).into());
        }
        let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        Self { settings, clock, hand, _keeper: keeper }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.settings, self.clock.clone()).await.expect("a store")
    }
}

/// All connections of a store for reading.
pub(crate) struct HeldReaders {
    _sqlite: Vec<PoolConnection<Sqlite>>,
    _postgres: Vec<PoolConnection<Postgres>>,
}

/// Takes every reading connection, once its current statement ends. Nothing can be read until the result is dropped.
pub(crate) async fn hold_readers(store: &Store) -> HeldReaders {
    let mut held = HeldReaders { _sqlite: Vec::new(), _postgres: Vec::new() };
    for _ in 0..store.inner.section.shares().readers {
        if store.is_sqlite() {
            held._sqlite.push(store.inner.reader.sqlite().acquire().await.expect("a connection"));
        } else {
            held._postgres.push(store.inner.reader.postgres().acquire().await.expect("a connection"));
        }
    }
    held
}

/// A master key of 32 equal bytes.
pub(super) fn master_key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

async fn on_server() -> (String, Keeper) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let address = server_address();
    let name = format!("failsoft_store_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    // A killed test process may have left a database with this name on a server that is still running.
    run(&address, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    run(&address, &format!("CREATE DATABASE {name}")).await;
    let (server, _) = address.rsplit_once('/').expect("an address that ends in /postgres");
    (format!("{server}/{name}"), Keeper::Server { address, name })
}

/// A missing server fails the test, because a skipped half would look like a passed one.
fn server_address() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test's surroundings, not a setting of the product")]
    let address = std::env::var("FAILSOFT_TEST_POSTGRES_URL");
    address.expect(
        "FAILSOFT_TEST_POSTGRES_URL is not set: these tests need a PostgreSQL server. `make test` starts a \
         throw-away one and sets it; for a single test, `.ci/with-postgres cargo test --lib store::`. The value is \
         postgres://superuser@host:port/postgres",
    )
}

async fn run(address: &str, statement: &str) {
    let mut options = ConnectOptions::new(address);
    options.max_connections(1).sqlx_logging(false);
    let server = Database::connect(options).await.expect("the PostgreSQL server");
    server.execute_unprepared(statement).await.expect(statement);
    server.close().await.expect("closed");
}

impl Drop for Keeper {
    /// Runs after a failed test, too. The test's runtime cannot be awaited here, so another one is built.
    fn drop(&mut self) {
        let Self::Server { address, name } = self else { return };
        let (address, statement) = (std::mem::take(address), format!("DROP DATABASE {name} WITH (FORCE)"));
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(run(&address, &statement));
        })
        .join();
        assert!(dropped.is_ok() || std::thread::panicking(), "the database {name} could not be dropped");
    }
}
