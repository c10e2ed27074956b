//! Classifies database errors: the pool is exhausted, the database cannot be reached, or the statement failed.

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

/// Whether the statement timed out because all connections were in use. The database itself may be fine.
fn is_crowded(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(error) => matches!(error, ConnAcquireErr::Timeout),
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => matches!(**error, sqlx::Error::PoolTimedOut),
        _ => false,
    }
}

/// Whether the statement lost against another one that ran at the same time, and may be repeated.
pub(in crate::store) fn is_serialization_failure(error: &DbErr) -> bool {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            let code = error.as_database_error().and_then(|error| error.code());
            // A serialization failure, and a deadlock.
            code.is_some_and(|code| code == "40001" || code == "40P01")
        }
        _ => false,
    }
}

/// Whether the database could not be reached.
fn is_unreachable(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            let code = error.as_database_error().and_then(|error| error.code());
            // PostgreSQL error codes: broken connections, and a server that is shutting down or starting.
            matches!(**error, sqlx::Error::Io(_) | sqlx::Error::PoolClosed)
                || code.is_some_and(|code| {
                    code.len() == 5 && (code.starts_with("08") || code.starts_with("57P"))
                })
        }
        _ => false,
    }
}
