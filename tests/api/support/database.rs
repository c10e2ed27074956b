//! A new database for each test: a temporary SQLite file, or a database in a PostgreSQL server.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use failsoft::config::Settings;
use failsoft::config::database::PreparedStatements;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database as Connect, DatabaseConnection};
use tempfile::TempDir;

/// The database that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// An empty database that is removed when it is dropped.
pub(crate) struct Database {
    /// Settings that use this database.
    pub(crate) settings: Settings,
    keeper: Keeper,
}

enum Keeper {
    Folder { _folder: TempDir },
    Server { address: String, name: String },
}

/// The pooler in front of the PostgreSQL server, if the tests run through one.
fn pooler() -> Option<String> {
    std::env::var("FAILSOFT_TEST_POOLER_URL").ok()
}

impl Database {
    pub(crate) async fn new(kind: Kind) -> Self {
        let mut settings = Settings::default();
        settings.database.connections = Some(10);
        settings.server.drain_notice_seconds = 0;
        let keeper = match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                settings.database.url =
                    format!("sqlite://{}", folder.path().join("test.db").display()).into();
                Keeper::Folder { _folder: folder }
            }
            Kind::Postgres => {
                let (address, name) = create().await;
                let (server, _) = address.rsplit_once('/').expect("an address that ends in /postgres");
                settings.database.url = format!("{server}/{name}").into();
                if let Some(pooler) = pooler() {
                    settings.database.url = format!("{pooler}/{name}").into();
                    settings.database.prepared_statements = PreparedStatements::Off;
                }
                settings.secrets.master_key = Some(STANDARD.encode([7_u8; 32]).into());
                Keeper::Server { address, name }
            }
        };
        Self { settings, keeper }
    }

    /// Refuses new connections and closes existing ones, until it is opened again. PostgreSQL only.
    pub(crate) async fn shut(&self) {
        let Keeper::Server { address, name } = &self.keeper else { panic!("SQLite has no door") };
        run(address, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        let everybody =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        run(address, &everybody).await;
    }

    /// Accepts connections again.
    pub(crate) async fn open(&self) {
        let Keeper::Server { address, name } = &self.keeper else { panic!("SQLite has no door") };
        run(address, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    }

    /// A separate connection for the test.
    pub(crate) async fn connect(&self) -> DatabaseConnection {
        // Past the pooler: a test may prepare its statements.
        let url = match &self.keeper {
            Keeper::Folder { .. } => self.settings.database.url.expose().to_owned(),
            Keeper::Server { address, name } => {
                let (server, _) = address.rsplit_once('/').expect("an address that ends in /postgres");
                format!("{server}/{name}")
            }
        };
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        Connect::connect(options).await.expect("the database")
    }
}

async fn create() -> (String, String) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    // A missing server fails the test: skipping it would look like success.
    let address = std::env::var("FAILSOFT_TEST_POSTGRES_URL").expect(
        "FAILSOFT_TEST_POSTGRES_URL is not set: these tests need a PostgreSQL server. `make test` starts a \
         throw-away one; for a single test use `.ci/with-postgres cargo test --test api NAME`",
    );
    let name = format!("failsoft_api_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    // A killed test process may have left a database of the same name.
    run(&address, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    run(&address, &format!("CREATE DATABASE {name}")).await;
    (address, name)
}

async fn run(address: &str, statement: &str) {
    let mut options = ConnectOptions::new(address);
    options.max_connections(1).sqlx_logging(false);
    let server = Connect::connect(options).await.expect("the PostgreSQL server");
    server.execute_unprepared(statement).await.expect(statement);
    server.close().await.expect("closed");
}

impl Drop for Database {
    /// Also after a failed test. The test's runtime cannot be awaited here, so another one is created.
    fn drop(&mut self) {
        let Keeper::Server { address, name } = &mut self.keeper else { return };
        let (address, statement) =
            (std::mem::take(address), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(run(&address, &statement));
        })
        .join();
        assert!(dropped.is_ok() || std::thread::panicking(), "the database could not be dropped");
    }
}
