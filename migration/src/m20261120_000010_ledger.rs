//! Running streams, the processes that serve them, and latencies in a separate table.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, json_binary, pk_uuid, text, uuid_null};
use sea_orm_migration::sea_orm::DbBackend;

use crate::table::{drop_tables, moment, organization_id, organization_reference, primary_key};

/// Bucket starts must be multiples of five minutes, so that no bucket is split.
const WHOLE_BUCKETS: &str = "bucket_at % 300 = 0";

/// Running requests are queried often and are a small part of the table.
const RUNNING_INDEX: &str =
    "CREATE INDEX requests_by_running ON requests (instance_id) WHERE outcome = 'running'";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        running_requests(manager).await?;
        latency_rollups(manager).await?;
        for (column, measure) in [("first_frame_counts", "first_frame"), ("total_counts", "total")] {
            let connection = manager.get_connection();
            connection
                .execute_unprepared(&move_counts(manager.get_database_backend(), column, measure))
                .await?;
            manager
                .alter_table(Table::alter().table("request_rollups").drop_column(column).to_owned())
                .await?;
        }
        Ok(())
    }

    /// Reverting does not restore the latencies. They can be computed from the requests.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["first_frame_counts", "total_counts"] {
            let column = json_binary(column).default("[]").take();
            manager
                .alter_table(Table::alter().table("request_rollups").add_column(column).to_owned())
                .await?;
        }
        manager.drop_index(Index::drop().name("requests_by_running").table("requests").to_owned()).await?;
        manager.alter_table(Table::alter().table("requests").drop_column("instance_id").to_owned()).await?;
        drop_tables(manager, &["latency_rollups", "instances"]).await
    }
}

async fn running_requests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create().table("instances").col(pk_uuid("id")).col(moment("seen_at")).to_owned();
    manager.create_table(table).await?;
    let column = uuid_null("instance_id");
    manager.alter_table(Table::alter().table("requests").add_column(column).to_owned()).await?;
    manager.get_connection().execute_unprepared(RUNNING_INDEX).await?;
    Ok(())
}

async fn latency_rollups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("latency_rollups")
        .col(organization_id())
        .col(big_integer("bucket_at"))
        .col(text("origin"))
        .col(text("measure"))
        .col(integer("step"))
        .col(big_integer("requests"))
        .primary_key(&mut primary_key(&["organization_id", "bucket_at", "origin", "measure", "step"]))
        .foreign_key(&mut organization_reference("latency_rollups"))
        .check(Expr::cust(WHOLE_BUCKETS))
        .to_owned();
    manager.create_table(table).await
}

/// Converts arrays of counts to rows. A step without requests has no row.
fn move_counts(backend: DbBackend, column: &str, measure: &str) -> String {
    let (count, step, elements) = match backend {
        DbBackend::Postgres => (
            "counted.value::bigint",
            "(counted.place - 1)::integer",
            format!("jsonb_array_elements_text({column}) WITH ORDINALITY AS counted(value, place)"),
        ),
        _ => ("counted.value", "counted.key", format!("json_each({column}) AS counted")),
    };
    format!(
        "INSERT INTO latency_rollups (organization_id, bucket_at, origin, measure, step, requests) \
         SELECT organization_id, bucket_at, origin, '{measure}', {step}, sum({count}) \
         FROM request_rollups, {elements} WHERE {count} <> 0 \
         GROUP BY organization_id, bucket_at, origin, {step}"
    )
}
