//! On PostgreSQL, requests and events are partitioned by ranges of their ids, which contain the time. SQLite has no
//! partitions, so nothing changes there.
//!
//! No row is copied or read: the table of before becomes the one partition, with all ids, and the parent takes its name
//! and its definitions. The program then limits that partition and makes others ahead of time, which a release before
//! this one does not do.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, FromQueryResult, Statement};

/// The number of this migration, which a release must know to run on this schema.
const COMPATIBLE_FROM: &str = "UPDATE instance_state SET value = 33 WHERE name = 'schema_compatible_from'";
const COMPATIBLE_BEFORE: &str = "UPDATE instance_state SET value = 32 WHERE name = 'schema_compatible_from'";

/// In the order in which the recorder writes them, so that neither waits for the other.
const TABLES: [&str; 2] = ["fallback_events", "requests"];

/// A backup reads the tables for long. Without a limit, everything else would wait behind this migration until its end.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s'";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, COMPATIBLE_FROM).await?;
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        run(manager, LOCK_TIMEOUT).await?;
        for table in TABLES {
            partition(manager, table).await?;
        }
        Ok(())
    }

    /// Copies the rows of all partitions into one table.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, COMPATIBLE_BEFORE).await?;
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        run(manager, LOCK_TIMEOUT).await?;
        for table in TABLES {
            join(manager, table).await?;
        }
        Ok(())
    }
}

async fn partition(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let indexes = indexes(manager, table).await?;
    let floor = format!("{table}_floor");
    run(manager, &format!("ALTER TABLE {table} RENAME TO {floor}")).await?;
    for Index { name, .. } in &indexes {
        // The name of a primary key is that of its index.
        let renamed = name.replacen(table, &floor, 1);
        run(manager, &format!("ALTER INDEX {name} RENAME TO {renamed}")).await?;
    }
    let parent = format!(
        "CREATE TABLE {table} (LIKE {floor} INCLUDING DEFAULTS INCLUDING STORAGE) PARTITION BY RANGE (id)"
    );
    run(manager, &parent).await?;
    define(manager, table, &indexes).await?;
    // The range has every id, and the partition has every index and reference, so that none of them is checked or built.
    run(
        manager,
        &format!("ALTER TABLE {table} ATTACH PARTITION {floor} FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"),
    )
    .await
}

async fn join(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let indexes = indexes(manager, table).await?;
    let parts = format!("{table}_parts");
    run(manager, &format!("ALTER TABLE {table} RENAME TO {parts}")).await?;
    run(manager, &format!("CREATE TABLE {table} (LIKE {parts} INCLUDING DEFAULTS INCLUDING STORAGE)"))
        .await?;
    run(manager, &format!("INSERT INTO {table} SELECT * FROM {parts}")).await?;
    run(manager, &format!("DROP TABLE {parts}")).await?;
    define(manager, table, &indexes).await
}

/// Adds the primary key, the reference and the indexes.
async fn define(manager: &SchemaManager<'_>, table: &str, indexes: &[Index]) -> Result<(), DbErr> {
    let key = format!("ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (organization_id, id)");
    run(manager, &key).await?;
    let reference = format!(
        "ALTER TABLE {table} ADD CONSTRAINT {table}_organization_id_reference \
         FOREIGN KEY (organization_id) REFERENCES organizations (id)"
    );
    run(manager, &reference).await?;
    for index in indexes.iter().filter(|index| index.name != format!("{table}_pkey")) {
        run(manager, &index.definition).await?;
    }
    Ok(())
}

/// An index and the statement that creates it.
#[derive(FromQueryResult)]
struct Index {
    name: String,
    definition: String,
}

/// The indexes of a table. The definition of an index of a parent says `ONLY`, which would leave its partitions out.
async fn indexes(manager: &SchemaManager<'_>, table: &str) -> Result<Vec<Index>, DbErr> {
    let statement = format!(
        "SELECT indexname::text AS name, replace(indexdef, ' ON ONLY ', ' ON ') AS definition FROM pg_indexes \
         WHERE schemaname = current_schema() AND tablename = '{table}' ORDER BY indexname"
    );
    let statement = Statement::from_string(DbBackend::Postgres, statement);
    let rows = manager.get_connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Index::from_query_result(row, "")).collect()
}

async fn run(manager: &SchemaManager<'_>, statement: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(statement).await.map(drop)
}
