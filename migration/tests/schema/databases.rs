//! A separate database for each test: a temporary SQLite file, or a database on a PostgreSQL server.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, FromQueryResult, Statement,
};
use tempfile::TempDir;

/// The state in which a test starts.
pub(crate) enum Given {
    /// An empty database.
    Empty,
    /// The whole schema.
    Tables,
}

/// A database, and what keeps it alive.
pub(crate) struct TestDatabase {
    pub(crate) connection: DatabaseConnection,
    keeper: Keeper,
}

enum Keeper {
    Folder(TempDir),
    Server { address: String, name: String },
}

impl TestDatabase {
    pub(crate) async fn sqlite(given: Given) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        Self::open(address, given, Keeper::Folder(folder)).await
    }

    pub(crate) async fn postgres(given: Given) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let address = server_address();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("failsoft_schema_{}_{number}", std::process::id());
        // A killed test process may have left a database with this name on a server that is still running.
        on_server(&address, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        on_server(&address, &format!("CREATE DATABASE {name}")).await;
        let (server, _) = address.rsplit_once('/').expect("an address that ends in /postgres");
        Self::open(format!("{server}/{name}"), given, Keeper::Server { address, name }).await
    }

    async fn open(address: String, given: Given, keeper: Keeper) -> Self {
        let connection = connect(address).await;
        match given {
            Given::Empty => {}
            Given::Tables => Migrator::up(&connection, None).await.expect("the schema"),
        }
        Self { connection, keeper }
    }

    pub(crate) async fn close(self) {
        self.connection.close().await.expect("closed");
        match self.keeper {
            Keeper::Folder(folder) => folder.close().expect("the temporary folder is removed"),
            Keeper::Server { address, name } => {
                on_server(&address, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
            }
        }
    }
}

/// A missing server fails the test, because a skipped half would look like a passed one.
fn server_address() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test's surroundings, not a setting of the product")]
    let address = std::env::var("FAILSOFT_TEST_POSTGRES_URL");
    address.expect(
        "FAILSOFT_TEST_POSTGRES_URL is not set: these tests need a PostgreSQL server. `make test` starts a \
         throw-away one and sets it; for a single test, `.ci/with-postgres cargo test -p migration`. The value is \
         postgres://superuser@host:port/postgres",
    )
}

async fn on_server(address: &str, statement: &str) {
    let server = connect(address.to_owned()).await;
    server.execute_unprepared(statement).await.expect(statement);
    server.close().await.expect("closed");
}

async fn connect(address: String) -> DatabaseConnection {
    let mut options = ConnectOptions::new(address);
    options.max_connections(2).sqlx_logging(false);
    Database::connect(options).await.expect("a connection")
}

#[derive(FromQueryResult)]
struct Name {
    name: String,
}

/// The values of the column `name` of a query on the database's own catalog.
async fn names(db: &DatabaseConnection, sqlite: String, postgres: String) -> BTreeSet<String> {
    let query = match db.get_database_backend() {
        DbBackend::Sqlite => sqlite,
        _ => postgres,
    };
    let statement = Statement::from_string(db.get_database_backend(), query);
    let found = Name::find_by_statement(statement).all(db).await.expect("the catalog");
    found.into_iter().map(|row| row.name).collect()
}

/// All tables except partitions and the one that lists the applied migrations.
pub(crate) async fn tables(db: &DatabaseConnection) -> BTreeSet<String> {
    let sqlite = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let postgres = "SELECT relname::text AS name FROM pg_class \
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition";
    let mut tables = names(db, sqlite.to_owned(), postgres.to_owned()).await;
    tables.remove("seaql_migrations");
    tables
}

/// The columns of a table.
pub(crate) async fn columns(db: &DatabaseConnection, table: &str) -> BTreeSet<String> {
    let sqlite = format!("SELECT name FROM pragma_table_info('{table}')");
    let postgres = format!(
        "SELECT column_name::text AS name FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name = '{table}'"
    );
    names(db, sqlite, postgres).await
}

/// The columns that every INSERT must name.
pub(crate) async fn required_columns(db: &DatabaseConnection, table: &str) -> BTreeSet<String> {
    let sqlite =
        format!("SELECT name FROM pragma_table_info('{table}') WHERE \"notnull\" = 1 AND dflt_value IS NULL");
    let postgres = format!(
        "SELECT column_name::text AS name FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name = '{table}' AND is_nullable = 'NO' AND column_default IS NULL"
    );
    names(db, sqlite, postgres).await
}

/// The columns that may be NULL.
pub(crate) async fn nullable_columns(db: &DatabaseConnection, table: &str) -> BTreeSet<String> {
    let sqlite = format!("SELECT name FROM pragma_table_info('{table}') WHERE \"notnull\" = 0");
    let postgres = format!(
        "SELECT column_name::text AS name FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name = '{table}' AND is_nullable = 'YES'"
    );
    names(db, sqlite, postgres).await
}

/// The columns of each index, joined by commas, in index order.
pub(crate) async fn indexes(db: &DatabaseConnection, table: &str) -> BTreeSet<String> {
    let sqlite = format!(
        "SELECT (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(list.name) ORDER BY seqno)) \
         AS name FROM pragma_index_list('{table}') AS list"
    );
    let postgres = format!(
        "SELECT (SELECT string_agg(a.attname, ',' ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY \
         AS k(number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) AS name \
         FROM pg_index i WHERE i.indrelid = '{table}'::regclass"
    );
    names(db, sqlite, postgres).await
}
