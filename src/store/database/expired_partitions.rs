//! What becomes of the partitions of requests and events on PostgreSQL that are beyond the longest retention period.
//!
//! They are dropped as a whole. If there is an archive, they are closed first: detached from their table, so that no list
//! reads them and no record is added to them. The floor goes with them, and a new one takes its place.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sqlx::postgres::{PgConnection, PgPool};
use sea_orm::sqlx::{self, AssertSqlSafe};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::connections::{Connections, Transaction};
use super::partitions::{
    LOCK_TABLES, LOCK_TIMEOUT, LONGEST, Partition, TABLES, attach, database_error, locked, partitions, run,
    time_of,
};
use crate::store::pagination::time_range::{LATE, lowest_id};

/// The pauses between the attempts to drop partitions, because a transaction that reads or deletes rows ends soon. A
/// backup does not, so there are few.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(150), Duration::from_millis(400), Duration::from_millis(900)];

/// The tables that are closed partitions, oldest first.
const CLOSED: &str = "SELECT CAST(relname AS text) FROM pg_class WHERE relkind = 'r' AND NOT relispartition \
     AND pg_table_is_visible(oid) AND relname ~ '_[0-9]{8}_closed$' ORDER BY 1";

/// What happens to partitions beyond the longest retention period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Fate {
    /// They are dropped, and so are those that were closed for an archive.
    Drop,
    /// They are closed, and dropped once they are archived.
    Close,
}

/// A partition that no record is added to.
#[derive(Debug)]
pub(in crate::store) struct Closed {
    /// The name of its table.
    pub(in crate::store) name: String,
    /// The table that it was a partition of.
    pub(in crate::store) table: &'static str,
}

/// Ends the partitions of which all rows are beyond the retention period of every organization, and with them what
/// arrived late for earlier ones. Returns their number. Nothing happens on SQLite.
///
/// # Errors
/// The database cannot be changed, or a lock was not granted in time.
pub(in crate::store) async fn end_expired(
    on: &Connections,
    now: DateTime<Utc>,
    fate: Fate,
) -> Result<usize, DbErr> {
    if on.get_database_backend() != DbBackend::Postgres {
        return Ok(0);
    }
    let pool = on.postgres();
    let mut pauses = PAUSES.into_iter();
    let ended = loop {
        match (end_before(pool, now, fate).await, pauses.next()) {
            (Ok(ended), _) => break ended,
            (Err(error), None) => return Err(database_error(error)),
            (Err(error), Some(pause)) => {
                tracing::debug!(%error, "partitions cannot be dropped now");
                tokio::time::sleep(pause).await;
            }
        }
    };
    if fate == Fate::Drop {
        for partition in closed(on).await? {
            tracing::warn!(partition = %partition.name, "dropping a partition that was to be archived: the archive is off");
            let transaction = on.begin().await?;
            drop_closed(&transaction, &partition.name).await?;
            transaction.commit().await?;
        }
    }
    Ok(ended)
}

/// The closed partitions. SQLite has none.
///
/// # Errors
/// The database cannot be read.
pub(in crate::store) async fn closed(on: &Connections) -> Result<Vec<Closed>, DbErr> {
    if on.get_database_backend() != DbBackend::Postgres {
        return Ok(Vec::new());
    }
    let rows = on.query_all_raw(Statement::from_string(DbBackend::Postgres, CLOSED)).await?;
    let mut closed = Vec::new();
    for row in rows {
        let name: String = row.try_get_by_index(0)?;
        closed.extend(
            TABLES.into_iter().find(|table| name.starts_with(table)).map(|table| Closed { name, table }),
        );
    }
    Ok(closed)
}

/// Drops a closed partition at the end of a transaction.
///
/// # Errors
/// The database cannot be changed, or a lock was not granted in time.
pub(in crate::store) async fn drop_closed(on: &Transaction, name: &str) -> Result<(), DbErr> {
    on.execute_unprepared(LOCK_TIMEOUT).await?;
    // Dropping a table with a reference locks the table that it refers to.
    on.execute_unprepared("LOCK TABLE ONLY organizations IN ACCESS EXCLUSIVE MODE").await?;
    on.execute_unprepared(&format!("DROP TABLE {name}")).await.map(drop)
}

async fn end_before(pool: &PgPool, now: DateTime<Utc>, fate: Fate) -> Result<usize, sqlx::Error> {
    let mut connection = pool.begin().await?;
    let mut found = 0;
    for table in TABLES {
        found += expired(&mut connection, table, now).await?.len();
    }
    connection.rollback().await?;
    if found == 0 {
        return Ok(0);
    }
    let mut transaction = locked(pool).await?;
    run(&mut transaction, LOCK_TABLES.to_owned()).await?;
    let mut ended = 0;
    for table in TABLES {
        // Read again, because another process may have dropped them, or an organization may keep its records for longer.
        let expired = expired(&mut transaction, table, now).await?;
        let Some(end) = expired.last().and_then(|last| last.end) else { continue };
        let floor = format!("{table}_floor");
        run(&mut transaction, format!("ALTER TABLE {table} DETACH PARTITION {floor}")).await?;
        match fate {
            Fate::Drop => run(&mut transaction, format!("TRUNCATE {floor}")).await?,
            Fate::Close => {
                let closed = format!("{floor}_{}_closed", time_of(end).format("%Y%m%d"));
                run(&mut transaction, format!("ALTER TABLE {floor} RENAME TO {closed}")).await?;
                let like = format!("LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE");
                run(&mut transaction, format!("CREATE TABLE {floor} ({like})")).await?;
            }
        }
        for Partition { name, .. } in &expired {
            match fate {
                Fate::Drop => run(&mut transaction, format!("DROP TABLE {name}")).await?,
                Fate::Close => {
                    run(&mut transaction, format!("ALTER TABLE {table} DETACH PARTITION {name}")).await?;
                    run(&mut transaction, format!("ALTER TABLE {name} RENAME TO {name}_closed")).await?;
                }
            }
        }
        attach(&mut transaction, table, &floor, "MINVALUE", end).await?;
        ended += expired.len();
    }
    transaction.commit().await?;
    Ok(ended)
}

/// The partitions that can be dropped, oldest first. One with a running stream stays, and so do those after it.
async fn expired(
    on: &mut PgConnection,
    table: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Partition>, sqlx::Error> {
    let longest: Option<i64> = sqlx::query_scalar(LONGEST).persistent(false).fetch_one(&mut *on).await?;
    let Some(before) = longest.and_then(TimeDelta::try_days).map(|kept| lowest_id(now - kept - LATE)) else {
        return Ok(Vec::new());
    };
    let mut expired = Vec::new();
    for partition in partitions(on, table).await? {
        let over = partition.end.is_some_and(|end| end <= before);
        if !over || is_running(on, table, &partition.name).await? {
            break;
        }
        expired.push(partition);
    }
    expired.retain(|partition| partition.start.is_some());
    Ok(expired)
}

async fn is_running(on: &mut PgConnection, table: &str, partition: &str) -> Result<bool, sqlx::Error> {
    if table != "requests" {
        return Ok(false);
    }
    let running = format!("SELECT 1 FROM {partition} WHERE outcome = 'running' LIMIT 1");
    Ok(sqlx::query(AssertSqlSafe(running)).persistent(false).fetch_optional(on).await?.is_some())
}
