//! What a failed statement means: the database is busy, cannot be reached, or rejected the statement.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

use crate::domain::error::Error;

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_crowded(&error) {
            return Self::Busy;
        }
        if is_unreachable(&error) { Self::DatabaseAway } else { Self::internal(error) }
    }
}

/// Was every connection in use for so long that the statement gave up? That is no word about the database.
fn is_crowded(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(error) => matches!(error, ConnAcquireErr::Timeout),
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => matches!(**error, sqlx::Error::PoolTimedOut),
        _ => false,
    }
}

/// Did the statement fail for want of a database, rather than for what it said?
fn is_unreachable(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            let code = error.as_database_error().and_then(|error| error.code());
            // PostgreSQL's codes: the connection broke, and the server is going down or coming up.
            matches!(**error, sqlx::Error::Io(_) | sqlx::Error::PoolClosed)
                || code.is_some_and(|code| {
                    code.len() == 5 && (code.starts_with("08") || code.starts_with("57P"))
                })
        }
        _ => false,
    }
}
