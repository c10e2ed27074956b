//! Connections to the database and transactions on them, which every statement of the store goes through.
//!
//! Usually the driver prepares each statement once per connection. Behind a pooler that runs each transaction in another
//! session, prepared statements are lost. Without them (`prepared_statements = "off"`), a statement has no name, and every
//! statement runs in a transaction: the driver parses it in one round trip and runs it in the next one, and only a
//! transaction keeps the session in between.

use std::sync::Arc;

use sea_orm::prelude::async_trait;
use sea_orm::sea_query::Values;
use sea_orm::sqlx::postgres::PgPool;
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::sqlite::SqlitePool;
use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _, PgTransaction, Postgres};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Mutex;

/// A pool of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::store) struct Connections {
    pool: DatabaseConnection,
    prepared: bool,
    observe: fn(&str),
}

impl Connections {
    /// Without `prepared`, statements are not prepared. SQLite always prepares them.
    pub(in crate::store) fn new(pool: DatabaseConnection, prepared: bool) -> Self {
        Self { pool, prepared, observe: |_| {} }
    }

    /// The same connections, which call `observe` with the text of each statement.
    pub(in crate::store) fn observed(mut self, observe: fn(&str)) -> Self {
        self.pool.set_metric_callback(move |info| observe(&info.statement.sql));
        self.observe = observe;
        self
    }

    /// Begins a transaction. On SQLite it takes the write lock immediately, because a transaction that reads first would
    /// fail if another process wrote in the meantime.
    pub(in crate::store) async fn begin(&self) -> Result<Transaction, DbErr> {
        if !self.prepared {
            let transaction = self.postgres().begin().await.map_err(connection_error)?;
            let transaction = Mutex::new(transaction);
            return Ok(Transaction::Unprepared(Unprepared { transaction, observe: self.observe }));
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.pool.begin_with_options(options).await.map(Transaction::Prepared)
    }

    /// Whether statements are prepared.
    pub(in crate::store) fn is_prepared(&self) -> bool {
        self.prepared
    }

    /// The connections of the library, for migrations. Their statements are prepared.
    pub(in crate::store) fn library(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// The connections of PostgreSQL's driver.
    pub(in crate::store) fn postgres(&self) -> &PgPool {
        self.pool.get_postgres_connection_pool()
    }

    /// The connections of SQLite's driver.
    pub(in crate::store) fn sqlite(&self) -> &SqlitePool {
        self.pool.get_sqlite_connection_pool()
    }

    /// Closes the connections after the queued statements.
    pub(in crate::store) async fn close(&self) {
        if let Err(error) = self.pool.close_by_ref().await {
            tracing::warn!(%error, "a database connection did not close cleanly");
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Connections {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        if self.prepared {
            return self.pool.execute_raw(statement).await;
        }
        let transaction = self.begin().await?;
        let result = transaction.execute_raw(statement).await;
        transaction.end(result).await
    }

    /// One message of the simple protocol, which needs no transaction.
    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if self.prepared {
            return self.pool.query_one_raw(statement).await;
        }
        let transaction = self.begin().await?;
        let result = transaction.query_one_raw(statement).await;
        transaction.end(result).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if self.prepared {
            return self.pool.query_all_raw(statement).await;
        }
        let transaction = self.begin().await?;
        let result = transaction.query_all_raw(statement).await;
        transaction.end(result).await
    }
}

/// A transaction. It is rolled back if it is dropped without [`Transaction::commit`].
pub(in crate::store) enum Transaction {
    /// Its statements are prepared.
    Prepared(DatabaseTransaction),
    /// Its statements are not.
    Unprepared(Unprepared),
}

/// A transaction of PostgreSQL, for statements without names.
pub(in crate::store) struct Unprepared {
    transaction: Mutex<PgTransaction<'static>>,
    observe: fn(&str),
}

impl Transaction {
    /// # Errors
    /// The database cannot be reached, or refuses the transaction.
    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Prepared(transaction) => transaction.commit().await,
            Self::Unprepared(one) => one.transaction.into_inner().commit().await.map_err(query_error),
        }
    }

    /// # Errors
    /// The database cannot be reached.
    pub(in crate::store) async fn rollback(self) -> Result<(), DbErr> {
        match self {
            Self::Prepared(transaction) => transaction.rollback().await,
            Self::Unprepared(one) => one.transaction.into_inner().rollback().await.map_err(query_error),
        }
    }

    /// Ends the transaction of a single statement. An error of the statement is the one that is returned.
    async fn end<T>(self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if result.is_ok() {
            self.commit().await?;
        } else if let Err(error) = self.rollback().await {
            tracing::debug!(%error, "a statement that failed could not be rolled back");
        }
        result
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Prepared(transaction) => transaction.get_database_backend(),
            Self::Unprepared(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Prepared(transaction) => transaction.execute_raw(statement).await,
            Self::Unprepared(one) => {
                let query = one.query(statement);
                let mut transaction = one.transaction.lock().await;
                query.execute(&mut **transaction).await.map(Into::into).map_err(exec_error)
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Prepared(transaction) => transaction.execute_unprepared(sql).await,
            Self::Unprepared(one) => {
                let mut transaction = one.transaction.lock().await;
                let done = transaction.execute(AssertSqlSafe(sql.to_owned())).await;
                done.map(Into::into).map_err(exec_error)
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Prepared(transaction) => transaction.query_one_raw(statement).await,
            Self::Unprepared(one) => {
                let query = one.query(statement);
                let mut transaction = one.transaction.lock().await;
                let row = query.fetch_optional(&mut **transaction).await;
                row.map(|row| row.map(Into::into)).map_err(query_error)
            }
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Prepared(transaction) => transaction.query_all_raw(statement).await,
            Self::Unprepared(one) => {
                let query = one.query(statement);
                let mut transaction = one.transaction.lock().await;
                let rows = query.fetch_all(&mut **transaction).await;
                rows.map(|rows| rows.into_iter().map(Into::into).collect()).map_err(query_error)
            }
        }
    }
}

impl Unprepared {
    fn query(&self, statement: Statement) -> Query<'static, Postgres, SqlxValues> {
        (self.observe)(&statement.sql);
        let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
        sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values)).persistent(false)
    }
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}
