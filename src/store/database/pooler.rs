//! What may be between us and PostgreSQL: a pooler that gives each transaction another session.
//!
//! Our statements are prepared by name. A pooler either knows such names and takes them along (PgBouncer from 1.21 on,
//! with `max_prepared_statements`), or it loses them, and then statements fail one day or another. That is found out
//! before anything else is done.

use std::time::Duration;

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{Error, Postgres, query};
use sea_orm::{DatabaseConnection, DbErr, RuntimeErr};

use crate::config::database::Database as Section;
use crate::store::ConnectError;

/// Cause and remedy.
pub(in crate::store) const REMEDY: &str = "the pooler in front of PostgreSQL pools by transaction (pool_mode = transaction) and loses prepared statements: set max_prepared_statements = 200 in pgbouncer.ini (PgBouncer 1.21 or newer), or pool_mode = session for this database, or let DATABASE_URL name PostgreSQL itself";

/// `invalid_sql_statement_name`: prepared in a session that is now another's.
const LOST: &str = "26000";
/// `duplicate_prepared_statement`: the session of another client has one of that name.
const TAKEN: &str = "42P05";

/// How often two connections try to get into each other's way.
const ROUNDS: i32 = 3;
/// A pooler with a single session lets one of them wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// Finds out whether two connections share sessions and lose their statements by it. Of a server without a pooler, and
/// of one that keeps track, it makes a few small queries.
///
/// # Errors
/// They do, or the database cannot be asked.
pub(in crate::store) async fn probe(
    connection: &DatabaseConnection,
    section: &Section,
) -> Result<(), ConnectError> {
    let pool = connection.get_postgres_connection_pool();
    let asked = async {
        let mut both = [pool.acquire().await?, pool.acquire().await?];
        for round in 0..ROUNDS {
            for connection in &mut both {
                ask(connection, round).await?;
            }
            // In a transaction the one keeps its session, so that the other has to take another one.
            let [one, other] = &mut both;
            let mut held = sea_orm::sqlx::Connection::begin(&mut **one).await?;
            query("SELECT $1::int4 + 1").bind(round).execute(&mut *held).await?;
            let asked = tokio::time::timeout(PATIENCE, ask(other, round)).await;
            held.rollback().await?;
            // Without a second session there is nothing to get lost, and nothing to find out.
            asked.unwrap_or(Ok(()))?;
        }
        Ok::<(), Error>(())
    };
    asked.await.map_err(|error| match is_lost(&error) {
        true => ConnectError::Pooler,
        false => ConnectError::Unreachable(section.url.hide_in(&error.to_string())),
    })
}

async fn ask(connection: &mut PoolConnection<Postgres>, round: i32) -> Result<(), Error> {
    query("SELECT $1::int4").bind(round).execute(&mut **connection).await.map(|_| ())
}

fn is_lost(error: &Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == LOST || code == TAKEN)
}

/// Did a statement fail because the session of its preparation was another one?
pub(in crate::store) fn loses_statements(error: &DbErr) -> bool {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => is_lost(error),
        _ => false,
    }
}
