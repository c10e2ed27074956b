//! The counters of limits that processes share in PostgreSQL. `limits/leases` says what they are for.
//!
//! A row is one counter. Its entries are what counts: units by the time at which they stop counting and, for those that a
//! process holds, by the process. A process takes slices of many counters in one statement. The rows are locked in the
//! order of their key, so that processes do not wait for each other in a circle, and each row is computed after it was
//! locked. The time is that of the database.

use entity::ids::OrganizationId;
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult, Statement};

use crate::domain::error::Error;
use crate::store::database::error::is_serialization_failure;
use crate::store::maintenance::system::System;

/// How often a statement is tried that lost against another one.
const TRIES: usize = 4;

/// `$1` is a JSON array of orders. A new row has nothing in it and `held` -1: its order is repeated.
const TAKE: &str = r#"
INSERT INTO limit_counters AS kept (organization_id, counter, asked, entries, held, looked_at)
SELECT organization_id, counter, asked, '{}'::jsonb, -1, 0
FROM (
    SELECT (value ->> 'organization')::uuid AS organization_id, value ->> 'counter' AS counter, value AS asked
    FROM jsonb_array_elements($1::jsonb)
) AS orders
ORDER BY organization_id, counter
ON CONFLICT (organization_id, counter) DO UPDATE
SET (asked, entries, held, looked_at) = (
    SELECT excluded.asked,
           CASE WHEN lease.held > 0
                THEN rest.entries || jsonb_build_object(
                    ((now.ms + wanted.hold + wanted.span + wanted.grid - 1) / wanted.grid * wanted.grid)::text
                    || '/' || wanted.holder, lease.held)
                ELSE rest.entries END,
           lease.held,
           now.ms
    FROM jsonb_to_record(excluded.asked) AS wanted(
        holder text, most bigint, keep bigint, smallest bigint, need bigint, ahead bigint,
        span bigint, grid bigint, hold bigint, slack bigint, now bigint, spends jsonb)
    CROSS JOIN LATERAL (
        SELECT coalesce(wanted.now, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
    ) AS now
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(key, units), '{}'::jsonb) AS entries, coalesce(sum(units), 0)::bigint AS used
        FROM (
            SELECT key, sum(units)::bigint AS units
            FROM (
                SELECT key, value::text::bigint AS units FROM jsonb_each(kept.entries)
                WHERE split_part(key, '/', 2) <> wanted.holder
                UNION ALL
                SELECT ((now.ms - ago + wanted.span + wanted.grid - 1) / wanted.grid * wanted.grid
                        - CASE WHEN units < 0 THEN wanted.slack ELSE 0 END)::text, units
                FROM jsonb_to_recordset(wanted.spends) AS spend(units bigint, ago bigint)
            ) AS every
            WHERE split_part(key, '/', 1)::bigint > now.ms
            GROUP BY key
        ) AS live
    ) AS rest
    CROSS JOIN LATERAL (SELECT wanted.most - rest.used - wanted.keep AS units) AS room
    CROSS JOIN LATERAL (
        SELECT CASE WHEN room.units < 0 THEN greatest(wanted.keep + room.units, 0)
                    WHEN room.units < wanted.smallest THEN wanted.keep
                    ELSE wanted.keep + least(wanted.need, room.units)
                         + greatest(least(wanted.ahead, (room.units - wanted.need) / 4), 0)
               END AS held
    ) AS lease
)
RETURNING organization_id, counter, held, looked_at, entries::text AS entries
"#;

/// Rows of counters that were not used for two days, which is longer than any unit counts.
const FORGET: &str = "DELETE FROM limit_counters \
     WHERE looked_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 172800000";

/// What a counter has after an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterRow {
    /// The organization of the limit.
    pub organization_id: OrganizationId,
    /// The name of the counter.
    pub counter: String,
    /// What the process that asked holds; -1 if the counter is new and its order must be repeated.
    pub held: i64,
    /// The time of the database, in Unix milliseconds.
    pub looked_at: i64,
    /// What counts: a JSON object of numbers.
    pub entries: String,
}

impl System<'_> {
    /// Handles the orders of a process, a JSON array with at most one for each counter.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn take_slices(&self, orders: &str) -> Result<Vec<CounterRow>, Error> {
        let writer = &self.store().inner.writer;
        let backend = writer.get_database_backend();
        let mut tries = 0;
        loop {
            tries += 1;
            let statement = Statement::from_sql_and_values(backend, TAKE, [orders.to_owned().into()]);
            match writer.query_all_raw(statement).await {
                Ok(rows) => return Ok(rows.iter().map(row).collect::<Result<_, _>>()?),
                Err(error) if is_serialization_failure(&error) && tries < TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Deletes counters that were not used for long.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn forget_counters(&self) -> Result<(), Error> {
        self.store().inner.writer.execute_unprepared(FORGET).await?;
        Ok(())
    }
}

fn row(row: &QueryResult) -> Result<CounterRow, DbErr> {
    Ok(CounterRow {
        organization_id: row.try_get("", "organization_id")?,
        counter: row.try_get("", "counter")?,
        held: row.try_get("", "held")?,
        looked_at: row.try_get("", "looked_at")?,
        entries: row.try_get("", "entries")?,
    })
}
