//! The first try of a commit, which assumes that every record is new: plain inserts, in as few trips to the database as
//! possible, without asking which rows were taken.
//!
//! Almost every record is new. Where one is not, the number of taken rows shows it, nothing is committed, and the
//! caller commits the group in the thorough way, which asks for each row.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, OnceLock};

use entity::ids::RequestId;
use sea_orm::sqlx::Arguments as _;
use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::postgres::{PgArguments, PgConnection, PgPool, Postgres};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::sqlite::{SqliteArguments, SqlitePool};
use sea_orm::sqlx::{self, AssertSqlSafe};
use sea_orm::{DbErr, RuntimeErr};
use uuid::Uuid;

use super::Record;
use super::arguments::{Bind as _, EVENT_COLUMNS};
use super::commit::ONCE;
use super::pool::Driver;
use crate::domain::outcome::Outcome;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::{REQUEST_COLUMNS, RequestRow};
use crate::store::rollups::delta::{APPEND, Delta};

/// The most rows of one statement. Each number of rows is a separate prepared statement.
const MOST_ROWS: usize = 64;

/// The numbers of rows in inserts into SQLite, where fewer rows are filled up. A connection prepares the text of a commit as
/// a whole and keeps several hundred, fewer than there are pairs of a number of requests and one of events. Most groups
/// are small, and are not filled up.
const SIZES: [usize; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, MOST_ROWS];

/// The columns that identify a row, and that the end of a stream does not change.
const KEPT: [&str; 3] = ["id", "organization_id", "created_at"];

/// Writes the end of a stream over its running row. A row that is final, or that another process has closed, stays as it
/// is and is not among the taken rows.
static AT_THE_END: LazyLock<String> = LazyLock::new(|| {
    let set: Vec<String> = REQUEST_COLUMNS
        .iter()
        .filter(|column| !KEPT.contains(column))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    format!(
        "ON CONFLICT (organization_id, id) DO UPDATE SET {} WHERE requests.instance_id IS NOT NULL AND requests.outcome = 'running'",
        set.join(", ")
    )
});

/// The row of `rollup_deltas`, sent together with the rows that it counts. If fewer rows were taken than given, its
/// text is null, which the table rejects, so that nothing is committed.
const APPEND_IF_ALL: &str =
    "INSERT INTO rollup_deltas (id, counted) VALUES (?, CASE WHEN changes() = ? THEN ? END); ";
const APPEND_ALWAYS: &str = "INSERT INTO rollup_deltas (id, counted) VALUES (?, ?); ";

/// What is written at once.
struct Group<'a> {
    events: Vec<&'a FallbackEventRow>,
    requests: Vec<&'a RequestRow>,
    delta: Option<(Uuid, String)>,
}

/// Commits records if all of them are new. Returns whether it did; if not, nothing is written of the records that are
/// left.
pub(super) async fn commit(
    driver: &Driver,
    records: &[Record],
    new_id: impl Fn() -> Uuid,
) -> Result<bool, DbErr> {
    if records.iter().any(|record| record.withheld.is_some()) {
        return Ok(false);
    }
    for records in records.chunks(MOST_ROWS) {
        let group = Group::of(records, &new_id);
        let taken = match driver {
            Driver::Sqlite(pool) => send_together(pool, &group).await,
            Driver::Postgres { pool, before, prepared } => {
                send_in_turn(pool, *before, *prepared, &group).await
            }
        };
        if !taken.map_err(database_error)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn database_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

impl<'a> Group<'a> {
    fn of(records: &'a [Record], new_id: &impl Fn() -> Uuid) -> Self {
        let mut delta = Delta::default();
        let events: Vec<_> = records.iter().flat_map(|record| &record.events).collect();
        events.iter().for_each(|event| delta.event(event));
        let mut requests: Vec<_> = records.iter().filter_map(|record| record.request.as_ref()).collect();
        let is_running = |row: &&RequestRow| row.outcome == Outcome::Running;
        if requests.iter().any(is_running) {
            // A stream that began and ended in this group has one row, that of its end.
            let ended: HashSet<RequestId> =
                requests.iter().filter(|row| !is_running(row)).map(|row| row.id).collect();
            requests.retain(|row| !is_running(row) || !ended.contains(&row.id));
        }
        requests.iter().filter(|row| !is_running(row)).for_each(|row| delta.request(row, 1));
        let delta = delta.text().map(|text| (new_id(), text));
        Self { events, requests, delta }
    }
}

/// Sends everything in one trip to the thread of the SQLite connection.
async fn send_together(pool: &SqlitePool, group: &Group<'_>) -> Result<bool, sqlx::Error> {
    let (text, arguments) = together(group).map_err(sqlx::Error::Encode)?;
    let mut connection = pool.acquire().await?;
    let sent = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut *connection).await;
    if sent.is_err()
        && let Err(error) = sqlx::query("ROLLBACK").execute(&mut *connection).await
        && !error.to_string().contains("no transaction is active")
    {
        // A connection in an unknown state is not used again.
        connection.close_on_drop();
    }
    sent.map(|_| true)
}

fn together(group: &Group<'_>) -> Result<(String, SqliteArguments), BoxDynError> {
    let mut text = "BEGIN IMMEDIATE; ".to_owned();
    let mut arguments = SqliteArguments::default();
    let values = group.events.len() * EVENT_COLUMNS.len() + group.requests.len() * REQUEST_COLUMNS.len();
    arguments.reserve(values + 3, 0);
    for events in group.events.chunks(MOST_ROWS) {
        let size = size_for(events.len());
        text.push_str(&EVENTS.sqlite(size));
        events.iter().try_for_each(|event| arguments.event(event))?;
        // Rows without an id are left out.
        let left_out = (size - events.len()) * EVENT_COLUMNS.len();
        (0..left_out).try_for_each(|_| arguments.put(None::<i64>))?;
    }
    let mut changes = number_of(&group.requests);
    if let Some(last) = group.requests.last() {
        let size = size_for(group.requests.len());
        text.push_str(&REQUESTS.sqlite(size));
        group.requests.iter().try_for_each(|row| arguments.request(row))?;
        // A final row that comes again stays as it is. A running one is written over itself, which counts.
        let again = group.requests.iter().find(|row| row.outcome != Outcome::Running).unwrap_or(last);
        for _ in group.requests.len()..size {
            arguments.request(again)?;
            changes += i64::from(again.outcome == Outcome::Running && again.instance_id.is_some());
        }
    }
    if let Some((id, counted)) = &group.delta {
        arguments.put(*id)?;
        if group.requests.is_empty() {
            text.push_str(APPEND_ALWAYS);
        } else {
            text.push_str(APPEND_IF_ALL);
            arguments.put(changes)?;
        }
        arguments.text(counted)?;
    }
    text.push_str("COMMIT");
    Ok((text, arguments))
}

/// The number of rows of the insert that takes this many.
fn size_for(rows: usize) -> usize {
    SIZES.into_iter().find(|size| *size >= rows).unwrap_or(MOST_ROWS)
}

fn number_of<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

/// Sends one statement after the other to PostgreSQL, which says for each how many rows it took.
async fn send_in_turn(
    pool: &PgPool,
    before: Option<&'static str>,
    prepared: bool,
    group: &Group<'_>,
) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    if let Some(before) = before {
        sqlx::raw_sql(before).execute(&mut *transaction).await?;
    }
    for events in group.events.chunks(MOST_ROWS) {
        let mut arguments = PgArguments::default();
        events.iter().try_for_each(|event| arguments.event(event)).map_err(sqlx::Error::Encode)?;
        let text = EVENTS.postgres(events.len(), ONCE);
        let insert = sqlx::query_with(AssertSqlSafe(text), arguments).persistent(prepared);
        if !takes_all(&mut transaction, insert, events.len()).await? {
            return Ok(false);
        }
    }
    if !group.requests.is_empty() {
        let mut arguments = PgArguments::default();
        group.requests.iter().try_for_each(|row| arguments.request(row)).map_err(sqlx::Error::Encode)?;
        let text = REQUESTS.postgres(group.requests.len(), &AT_THE_END);
        let insert = sqlx::query_with(AssertSqlSafe(text), arguments).persistent(prepared);
        if !takes_all(&mut transaction, insert, group.requests.len()).await? {
            return Ok(false);
        }
    }
    if let Some((id, counted)) = &group.delta {
        sqlx::query(APPEND).bind(id).bind(counted).persistent(prepared).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

async fn takes_all(
    connection: &mut PgConnection,
    insert: Query<'_, Postgres, PgArguments>,
    rows: usize,
) -> Result<bool, sqlx::Error> {
    let done = insert.execute(connection).await?;
    Ok(usize::try_from(done.rows_affected()) == Ok(rows))
}

/// The texts of the inserts into one table, by the number of rows.
struct Inserts {
    table: &'static str,
    columns: &'static [&'static str],
    /// What the insert into SQLite takes, from the `VALUES` of its rows.
    source: fn(&str) -> String,
    sqlite: [OnceLock<Arc<str>>; MOST_ROWS],
    postgres: [OnceLock<Arc<str>>; MOST_ROWS],
}

static EVENTS: Inserts = Inserts::new("fallback_events", &EVENT_COLUMNS, with_an_id);
static REQUESTS: Inserts = Inserts::new("requests", &REQUEST_COLUMNS, or_at_the_end);

/// Without the rows that have no id.
fn with_an_id(rows: &str) -> String {
    format!("SELECT * FROM ({rows}) WHERE column1 IS NOT NULL")
}

fn or_at_the_end(rows: &str) -> String {
    format!("{rows} {}", *AT_THE_END)
}

impl Inserts {
    const fn new(table: &'static str, columns: &'static [&'static str], source: fn(&str) -> String) -> Self {
        Self {
            table,
            columns,
            source,
            sqlite: [const { OnceLock::new() }; MOST_ROWS],
            postgres: [const { OnceLock::new() }; MOST_ROWS],
        }
    }

    /// The insert of 1 to [`MOST_ROWS`] rows, with a semicolon, because others follow.
    fn sqlite(&self, rows: usize) -> Arc<str> {
        let text = || {
            // Each commit hashes the text, so it has no blanks.
            let row = format!("({})", vec!["?"; self.columns.len()].join(","));
            let values = format!("VALUES {}", vec![&*row; rows].join(","));
            format!("{} {}; ", self.start(), (self.source)(&values)).into()
        };
        self.sqlite[rows.clamp(1, MOST_ROWS) - 1].get_or_init(text).clone()
    }

    /// The insert of 1 to [`MOST_ROWS`] rows. `conflict` is always the same.
    fn postgres(&self, rows: usize, conflict: &str) -> Arc<str> {
        let text = || {
            let mut text = self.start();
            for number in 0..rows * self.columns.len() {
                let before = match (number, number % self.columns.len()) {
                    (0, _) => " VALUES (",
                    (_, 0) => "), (",
                    _ => ", ",
                };
                // Writing to a `String` cannot fail.
                let _ = write!(text, "{before}${}", number + 1);
            }
            format!("{text}) {conflict}").into()
        };
        self.postgres[rows.clamp(1, MOST_ROWS) - 1].get_or_init(text).clone()
    }

    fn start(&self) -> String {
        format!("INSERT INTO {} ({})", self.table, self.columns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::statements;

    /// They go past the connections that check statements.
    #[test]
    fn the_texts_name_the_organization() {
        statements::check(&EVENTS.sqlite(2));
        statements::check(&EVENTS.postgres(2, ONCE));
        statements::check(&REQUESTS.sqlite(2));
        let text = REQUESTS.postgres(2, &AT_THE_END);
        statements::check(&text);
        assert!(text.contains(&format!("${}) ON CONFLICT", 2 * REQUEST_COLUMNS.len())), "{text}");
    }

    #[test]
    fn every_number_of_rows_has_a_size() {
        for rows in 1..=MOST_ROWS {
            let size = size_for(rows);
            assert!(size >= rows && size <= rows + rows / 2 && SIZES.contains(&size), "{rows} {size}");
        }
    }
}
