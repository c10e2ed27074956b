//! Roll-ups are counted in longer buckets as well: an hour and half a day, beside five minutes. A figure of a month reads
//! the long ones, so its cost does not depend on how long the span is.
//!
//! A release before this one cannot add to these tables, because it names the former keys where it expects a conflict. Its
//! processes leave the deltas to those of this release.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, integer, text, uuid};
use sea_orm_migration::sea_orm::DbBackend;

use crate::table::{organization_id, organization_reference, primary_key};

/// The number of this migration, which a release must know to run on this schema.
const COMPATIBLE_FROM: &str = "UPDATE instance_state SET value = 37 WHERE name = 'schema_compatible_from'";
const COMPATIBLE_BEFORE: &str = "UPDATE instance_state SET value = 33 WHERE name = 'schema_compatible_from'";

/// The lengths of buckets in seconds.
const WIDTHS: &str = "(SELECT 300 AS width UNION ALL SELECT 3600 UNION ALL SELECT 43200) widths";
/// A bucket starts at a multiple of its length, so that no bucket is split.
const WHOLE_BUCKETS: &str = "width IN (300, 3600, 43200) AND bucket_at % width = 0";
const FORMER_WHOLE_BUCKETS: &str = "bucket_at % 300 = 0";

/// A table of roll-ups: the columns of its key after organization and bucket, and its sums.
struct Rollups {
    name: &'static str,
    key: &'static [&'static str],
    sums: &'static [&'static str],
}

const ROLLUPS: [Rollups; 3] = [
    Rollups {
        name: "request_rollups",
        key: &["requested_model", "served_model", "outcome", "by_fallback", "api_key_id", "origin"],
        sums: &[
            "requests",
            "input_tokens",
            "output_tokens",
            "cached_tokens",
            "reasoning_tokens",
            "cost_nano_dollars",
            "unpriced",
        ],
    },
    Rollups {
        name: "fallback_rollups",
        key: &["failed_model", "next_model", "error_class", "origin"],
        sums: &["events"],
    },
    Rollups { name: "latency_rollups", key: &["origin", "measure", "step"], sums: &["requests"] },
];

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(COMPATIBLE_FROM).await?;
        for rollups in &ROLLUPS {
            let key = rollups.key.join(", ");
            let sums = rollups.sums.iter().map(|sum| format!("CAST(SUM({sum}) AS bigint)"));
            let sums = sums.collect::<Vec<_>>().join(", ");
            let name = rollups.name;
            let rows = format!(
                "SELECT organization_id, width, bucket_at - bucket_at % width, {key}, {sums} FROM {name} CROSS JOIN {WIDTHS} \
                 GROUP BY organization_id, width, bucket_at - bucket_at % width, {key}"
            );
            rebuild(manager, rollups, true, &rows).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(COMPATIBLE_BEFORE).await?;
        for rollups in &ROLLUPS {
            let columns = [rollups.key, rollups.sums].concat().join(", ");
            let name = rollups.name;
            let rows = format!("SELECT organization_id, bucket_at, {columns} FROM {name} WHERE width = 300");
            rebuild(manager, rollups, false, &rows).await?;
        }
        Ok(())
    }
}

/// Fills a new table with the rows and puts it in the place of the former one. SQLite cannot change a key.
async fn rebuild(
    manager: &SchemaManager<'_>,
    rollups: &Rollups,
    wide: bool,
    rows: &str,
) -> Result<(), DbErr> {
    let name = rollups.name;
    let start: &[&'static str] =
        if wide { &["organization_id", "width", "bucket_at"] } else { &["organization_id", "bucket_at"] };
    let key = [start, rollups.key].concat();
    let mut table = Table::create();
    table.table("copied").col(organization_id());
    if wide {
        // Has a default, because the release before knows one length only.
        table.col(big_integer("width").default(300).take());
    }
    table.col(big_integer("bucket_at"));
    for column in rollups.key {
        table.col(key_column(column));
    }
    for sum in rollups.sums {
        // Has a default, because it came later than the others.
        let column = if *sum == "unpriced" { big_integer(*sum).default(0).take() } else { big_integer(*sum) };
        table.col(column);
    }
    table
        .primary_key(&mut primary_key(&key))
        .foreign_key(organization_reference(name).from_tbl("copied"))
        .check(Expr::cust(if wide { WHOLE_BUCKETS } else { FORMER_WHOLE_BUCKETS }));
    manager.create_table(table).await?;
    let columns = [&key[..], rollups.sums].concat().join(", ");
    let mut statements = vec![
        format!("INSERT INTO copied ({columns}) {rows}"),
        format!("DROP TABLE {name}"),
        format!("ALTER TABLE copied RENAME TO {name}"),
    ];
    if manager.get_database_backend() == DbBackend::Postgres {
        statements.push(format!("ALTER INDEX copied_pkey RENAME TO {name}_pkey"));
        statements.push(format!("ALTER TABLE {name} SET (fillfactor = 80)"));
    }
    for statement in statements {
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

fn key_column(name: &'static str) -> ColumnDef {
    match name {
        "by_fallback" => boolean(name),
        "api_key_id" => uuid(name),
        "step" => integer(name),
        _ => text(name),
    }
}
