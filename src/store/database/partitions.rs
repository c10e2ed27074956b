//! The partitions of requests and events on PostgreSQL: ranges of ids, which contain the time.
//!
//! The first partition, the floor, has no lower end. It takes records that arrive from a spool after the partition of
//! their time is gone. Behind it the partitions follow each other without gaps. They are made ahead of time and dropped
//! as a whole once all their rows are beyond the longest retention period, which then becomes the end of the floor. A
//! partition without an upper end would be read by every list that starts with the newest rows, so there is none.
//!
//! Statements have no names and run in transactions, so that any pooler may be in between.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sqlx::postgres::{PgConnection, PgPool};
use sea_orm::sqlx::{self, AssertSqlSafe, Row as _};
use sea_orm::{ConnectionTrait as _, DbErr, RuntimeErr};
use uuid::Uuid;

use super::connections::Connections;
use crate::store::pagination::time_range::lowest_id;

/// The partitioned tables, in the order in which the recorder writes them.
pub(super) const TABLES: [&str; 2] = ["fallback_events", "requests"];
/// How far ahead there are partitions.
pub(in crate::store) const AHEAD: TimeDelta = TimeDelta::days(7);
/// How far after the newest row a partition ends that is ended earlier. Until its rows are checked, rows beyond its new
/// end cannot be written.
const MARGIN: TimeDelta = TimeDelta::days(3);
/// How far in the future a record may be. Beyond it, the clock that made its id is wrong.
const FUTURE: TimeDelta = TimeDelta::days(30);

/// An arbitrary number that is the same in all releases.
const LOCK: i64 = 0x7061_7274_6974_696f;
/// While a lock on a table is awaited, every statement that comes later waits behind it. So the wait is shorter than
/// the time after which records go to the spool.
pub(super) const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'";
/// Dropping a table with a reference locks the table that it refers to. In the order of the recorder's own locks.
pub(super) const LOCK_TABLES: &str =
    "LOCK TABLE ONLY fallback_events, ONLY requests, ONLY organizations IN ACCESS EXCLUSIVE MODE";

/// The attempts of a start.
const TURNS: u32 = 20;
const TURN: Duration = Duration::from_millis(100);

/// The bounds of the partitions of a table, in order: name, start, end. Without an end it is the last one.
const BOUNDS: &str = "SELECT name, CAST(substring(bounds FROM 'FROM \\(''([^'']+)') AS uuid), \
     CAST(substring(bounds FROM 'TO \\(''([^'']+)') AS uuid) \
     FROM (SELECT CAST(child.relname AS text) AS name, pg_get_expr(child.relpartbound, child.oid) AS bounds \
     FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = to_regclass($1)) AS partitions \
     ORDER BY 3 NULLS LAST";
/// The longest retention period in days; null if an organization keeps its records forever, or if there is none.
pub(super) const LONGEST: &str = "SELECT CASE WHEN min(days) > 0 THEN max(days) END FROM \
     (SELECT coalesce(CAST(settings ->> 'retention_days' AS bigint), 0) AS days FROM organizations) AS periods";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    pub(super) name: String,
    pub(super) start: Option<Uuid>,
    pub(super) end: Option<Uuid>,
}

/// The days of a new partition. The fewer days of records are kept, the more precisely whole partitions are dropped;
/// and there are at most about a hundred partitions in the first years.
pub(in crate::store) fn width(longest_days: Option<i64>) -> TimeDelta {
    match longest_days {
        Some(..=92) => TimeDelta::days(1),
        Some(93..=730) => TimeDelta::days(7),
        Some(_) | None => TimeDelta::days(30),
    }
}

/// Makes the partitions until [`AHEAD`] of `now`, or, so that a record waits no longer than necessary, until the time at
/// which it was made. Several processes may do this at once. Nothing happens on SQLite.
///
/// # Errors
/// The database cannot be changed, or a lock was not granted in time.
pub(in crate::store) async fn make_ahead(
    on: &Connections,
    now: DateTime<Utc>,
    written: Option<DateTime<Utc>>,
) -> Result<(), DbErr> {
    if on.get_database_backend() != sea_orm::DbBackend::Postgres {
        return Ok(());
    }
    let pool = on.postgres();
    let until = match written {
        Some(written) => written.clamp(now, now + FUTURE) + TimeDelta::milliseconds(1),
        None => now + AHEAD,
    };
    make_until(pool, now, until).await.map_err(database_error)
}

/// Like [`make_ahead`], with several tries, because other processes may be starting or writing.
pub(in crate::store) async fn make_at_start(on: &Connections, now: DateTime<Utc>) {
    for _ in 1..TURNS {
        if make_ahead(on, now, None).await.is_ok() {
            return;
        }
        tokio::time::sleep(TURN).await;
    }
    if let Err(error) = make_ahead(on, now, None).await {
        tracing::warn!(%error, "cannot make partitions; the next attempt follows in a minute");
    }
}

async fn make_until(pool: &PgPool, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
    for table in TABLES {
        shorten_last(pool, table, now).await?;
    }
    let mut connection = pool.begin().await?;
    let mut covered = true;
    for table in TABLES {
        covered &= !missing(&partitions(&mut connection, table).await?, until);
    }
    connection.rollback().await?;
    if covered {
        return Ok(());
    }
    let mut transaction = locked(pool).await?;
    let longest: Option<i64> =
        sqlx::query_scalar(LONGEST).persistent(false).fetch_one(&mut *transaction).await?;
    for table in TABLES {
        let existing = partitions(&mut transaction, table).await?;
        let Some(last) = existing.last().and_then(|last| last.end) else { continue };
        for (start, end) in ranges(time_of(last), now, until, width(longest)) {
            add(&mut transaction, table, start, end).await?;
        }
    }
    transaction.commit().await
}

/// Whether rows until that time would find no partition. Without partitions, a table is not partitioned.
fn missing(partitions: &[Partition], until: DateTime<Utc>) -> bool {
    partitions.last().and_then(|last| last.end).is_some_and(|end| time_of(end) < until)
}

/// The ranges from the end of the last partition. The days for which no process made partitions share one.
fn ranges(
    last: DateTime<Utc>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    width: TimeDelta,
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut ranges = Vec::new();
    let mut start = last;
    let today = day(now);
    if start < today {
        ranges.push((start, today));
        start = today;
    }
    while start < until {
        ranges.push((start, start + width));
        start += width;
    }
    ranges
}

/// Creates a table and attaches it, because creating a partition directly would lock out everyone from its parent.
async fn add(
    on: &mut PgConnection,
    table: &str,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let name = format!("{table}_{}", start.format("%Y%m%d"));
    let (first, next) = (lowest_id(start), lowest_id(end));
    run(on, format!("CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)")).await?;
    run(on, format!("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{next}')"))
        .await
}

/// Ends the last partition earlier if it is too long: the floor as the migration left it, without an end, or one that was
/// made for a longer retention period. Its rows are checked before the table is locked, and while others write.
async fn shorten_last(pool: &PgPool, table: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut connection = pool.begin().await?;
    let Some(last) = too_long(&mut connection, table, now).await? else { return Ok(()) };
    let newest = format!("SELECT id FROM {} ORDER BY id DESC LIMIT 1", last.name);
    let newest: Option<Uuid> =
        sqlx::query_scalar(AssertSqlSafe(newest)).persistent(false).fetch_optional(&mut *connection).await?;
    connection.rollback().await?;
    let end = match newest {
        Some(newest) => day(time_of(newest).max(now) + MARGIN),
        None if last.start.is_none() => day(now),
        None => day(now + MARGIN),
    };
    if last.end.is_some_and(|before| time_of(before) <= end) {
        return Ok(());
    }
    let (name, end) = (&last.name, lowest_id(end));

    let mut transaction = locked(pool).await?;
    if too_long(&mut transaction, table, now).await?.as_ref() != Some(&last) {
        return Ok(());
    }
    // Whatever a process left that was interrupted is replaced.
    run(&mut transaction, format!("ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {table}_end")).await?;
    let check = format!("ADD CONSTRAINT {table}_end CHECK (id < '{end}') NOT VALID");
    run(&mut transaction, format!("ALTER TABLE {name} {check}")).await?;
    transaction.commit().await?;
    run(&mut *pool.acquire().await?, format!("ALTER TABLE {name} VALIDATE CONSTRAINT {table}_end")).await?;

    let mut transaction = locked(pool).await?;
    run(&mut transaction, LOCK_TABLES.to_owned()).await?;
    if too_long(&mut transaction, table, now).await?.as_ref() != Some(&last) {
        return Ok(());
    }
    let start = last.start.map_or_else(|| "MINVALUE".to_owned(), |start| format!("'{start}'"));
    run(&mut transaction, format!("ALTER TABLE {table} DETACH PARTITION {name}")).await?;
    attach(&mut transaction, table, name, &start, end).await?;
    run(&mut transaction, format!("ALTER TABLE {name} DROP CONSTRAINT {table}_end")).await?;
    transaction.commit().await
}

/// The last partition if it should end earlier. One that has not begun is left until it has.
async fn too_long(
    on: &mut PgConnection,
    table: &str,
    now: DateTime<Utc>,
) -> Result<Option<Partition>, sqlx::Error> {
    let Some(last) = partitions(on, table).await?.pop() else { return Ok(None) };
    let (Some(start), Some(end)) = (last.start, last.end) else {
        return Ok((last.end.is_none()).then_some(last));
    };
    let longest: Option<i64> = sqlx::query_scalar(LONGEST).persistent(false).fetch_one(on).await?;
    let (start, end) = (time_of(start), time_of(end));
    let is_long = end - start > width(longest) && start <= now && end > day(now + MARGIN);
    Ok(is_long.then_some(last))
}

pub(super) async fn attach(
    on: &mut PgConnection,
    table: &str,
    name: &str,
    start: &str,
    end: Uuid,
) -> Result<(), sqlx::Error> {
    let range = format!("FOR VALUES FROM ({start}) TO ('{end}')");
    run(on, format!("ALTER TABLE {table} ATTACH PARTITION {name} {range}")).await
}

/// Begins a transaction that no other process runs at the same time.
pub(super) async fn locked(pool: &PgPool) -> Result<sqlx::PgTransaction<'static>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    run(&mut transaction, LOCK_TIMEOUT.to_owned()).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .persistent(false)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

pub(super) async fn partitions(on: &mut PgConnection, table: &str) -> Result<Vec<Partition>, sqlx::Error> {
    let rows = sqlx::query(BOUNDS).bind(table).persistent(false).fetch_all(on).await?;
    let partition = |row: &sqlx::postgres::PgRow| {
        Ok(Partition { name: row.try_get(0)?, start: row.try_get(1)?, end: row.try_get(2)? })
    };
    rows.iter().map(partition).collect()
}

/// Runs a statement that is built of names and ids.
pub(super) async fn run(on: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(on).await.map(drop)
}

/// Whether a row found no partition, or is beyond the end that a partition is being given.
pub(in crate::store) fn is_missing(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    error.as_database_error().is_some_and(|error| {
        let is_end =
            error.constraint().is_none_or(|name| TABLES.iter().any(|table| name == format!("{table}_end")));
        error.code().is_some_and(|code| code == "23514") && is_end
    })
}

/// The time of an id that is made of the time.
pub(in crate::store) fn time_of(id: Uuid) -> DateTime<Utc> {
    let milliseconds = i64::try_from(id.as_u64_pair().0 >> 16).ok();
    milliseconds.and_then(DateTime::from_timestamp_millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The start of the UTC day.
fn day(time: DateTime<Utc>) -> DateTime<Utc> {
    time.date_naive().and_hms_opt(0, 0, 0).map_or(time, |start| start.and_utc())
}

pub(super) fn database_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_at_its_time_and_a_range_begins_where_the_last_one_ends() {
        let noon = DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(12);
        assert_eq!(time_of(lowest_id(noon)), noon);
        let today = day(noon);
        let ranges = |last, width| ranges(last, noon, noon + TimeDelta::days(2), TimeDelta::days(width));
        let after = |days| today + TimeDelta::days(days);
        assert_eq!(ranges(today, 1), [(today, after(1)), (after(1), after(2)), (after(2), after(3))]);
        assert_eq!(ranges(after(-9), 7), [(after(-9), today), (today, after(7))]);
        assert_eq!(ranges(after(3), 1), []);
    }

    #[test]
    fn long_retention_has_wide_partitions() {
        let days = |longest| width(longest).num_days();
        assert_eq!([days(Some(1)), days(Some(92)), days(Some(93)), days(Some(730))], [1, 1, 7, 7]);
        assert_eq!([days(Some(731)), days(None)], [30, 30]);
    }
}
