//! Detects poolers in front of PostgreSQL that lose prepared statements.
//!
//! A pooler in transaction mode can run each transaction in another session. It either tracks named prepared statements
//! (PgBouncer 1.21 or newer with `max_prepared_statements`), or statements fail sooner or later. The probe runs before
//! anything else, unless statements are not prepared.

use std::time::Duration;

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{Error, Postgres, query};
use sea_orm::{DbErr, RuntimeErr};

use super::connections::Connections;
use crate::config::database::Database as Section;
use crate::store::ConnectError;

/// The error message, with the cause and the remedy.
pub(in crate::store) const REMEDY: &str = "the pooler in front of PostgreSQL pools by transaction (pool_mode = transaction) and loses prepared statements: set max_prepared_statements = 200 in pgbouncer.ini (PgBouncer 1.21 or newer), or FAILSOFT_DATABASE_PREPARED_STATEMENTS=off here, or pool_mode = session for this database, or let DATABASE_URL name PostgreSQL itself";

/// `invalid_sql_statement_name`: the statement was prepared in another session.
const LOST: &str = "26000";
/// `duplicate_prepared_statement`: another client prepared a statement of that name in the session.
const TAKEN: &str = "42P05";

/// The number of rounds in which two connections try to exchange their sessions.
const ROUNDS: i32 = 3;
/// The timeout for the second connection, which waits if the pooler has a single session.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks with a few small queries whether two connections lose prepared statements because they share sessions.
///
/// # Errors
/// Statements are lost, or the database cannot be queried.
pub(in crate::store) async fn probe(
    writer: &Connections,
    reader: &Connections,
    section: &Section,
) -> Result<(), ConnectError> {
    let asked = async {
        let mut both = [writer.postgres().acquire().await?, reader.postgres().acquire().await?];
        for round in 0..ROUNDS {
            for connection in &mut both {
                ask(connection, round).await?;
            }
            // The first connection keeps its session during a transaction, so that the second must use another one.
            let [one, other] = &mut both;
            let mut held = sea_orm::sqlx::Connection::begin(&mut **one).await?;
            query("SELECT $1::int4 + 1").bind(round).execute(&mut *held).await?;
            let asked = tokio::time::timeout(PATIENCE, ask(other, round)).await;
            held.rollback().await?;
            // With a single session, no statement can be lost.
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

/// Whether a statement failed because it was prepared in another session.
pub(in crate::store) fn loses_statements(error: &DbErr) -> bool {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => is_lost(error),
        _ => false,
    }
}
