//! Requests and events are identified by organization and id. An id is a UUIDv7, so the key is also the list of an
//! organization in the order of time. Each filter of a list has an index, which holds only the rows that the filter
//! selects among many others.
//!
//! A release before this one cannot write these tables, because it names `id` alone where it expects a conflict. On
//! PostgreSQL its processes store records in their spools meanwhile, and this release commits them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, integer_null, json_binary, text, text_null, uuid,
    uuid_null,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::table::{index, moment, organization_id, organization_reference, primary_key};

/// The number of this migration, which a release must know to run on this schema.
const COMPATIBLE_FROM: &str = "UPDATE instance_state SET value = 32 WHERE name = 'schema_compatible_from'";
const COMPATIBLE_BEFORE: &str = "UPDATE instance_state SET value = 12 WHERE name = 'schema_compatible_from'";

/// The filters of the requests, with the rows that are left out of the index, if any. The words are part of the texts of
/// queries, because a database cannot tell from a parameter that a partial index serves.
const REQUEST_FILTERS: [(&str, Option<&str>); 6] = [
    ("requested_model", None),
    ("served_model", Some("served_model IS NOT NULL")),
    ("outcome", Some("outcome <> 'answered'")),
    ("session_id", Some("session_id IS NOT NULL")),
    ("api_key_id", Some("api_key_id IS NOT NULL")),
    ("origin", Some("origin <> 'live'")),
];
const EVENT_FILTERS: [(&str, Option<&str>); 7] = [
    ("failed_model", None),
    ("next_model", Some("next_model IS NOT NULL")),
    ("error_class", None),
    ("session_id", Some("session_id IS NOT NULL")),
    ("request_id", None),
    ("router_config_id", Some("router_config_id IS NOT NULL")),
    ("origin", Some("origin <> 'live'")),
];
const FORMER_REQUEST_FILTERS: [&str; 5] =
    ["requested_model", "served_model", "outcome", "session_id", "api_key_id"];
const FORMER_EVENT_FILTERS: [&str; 7] =
    ["failed_model", "next_model", "error_class", "session_id", "request_id", "router_config_id", "origin"];

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
        manager.get_connection().execute_unprepared(COMPATIBLE_FROM).await?;
        rebuild(manager, &["organization_id", "id"]).await?;
        for (table, filters) in [("requests", &REQUEST_FILTERS[..]), ("fallback_events", &EVENT_FILTERS[..])]
        {
            for (column, rows) in filters {
                let mut filter = index(table, column, &["organization_id", column, "id"]);
                if let Some(rows) = rows {
                    filter.and_where(Expr::cust(*rows));
                }
                manager.create_index(filter).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(COMPATIBLE_BEFORE).await?;
        rebuild(manager, &["id"]).await?;
        for (table, filters) in
            [("requests", &FORMER_REQUEST_FILTERS[..]), ("fallback_events", &FORMER_EVENT_FILTERS[..])]
        {
            manager.create_index(crate::table::page_index(table)).await?;
            for column in filters {
                manager.create_index(crate::table::filter_index(table, column)).await?;
            }
        }
        Ok(())
    }
}

/// Changes the primary keys and drops the indexes of lists. PostgreSQL builds the new key beside the rows. SQLite cannot
/// change a key, so the rows are copied there, in the order of the new key.
async fn rebuild(manager: &SchemaManager<'_>, key: &[&'static str]) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if manager.get_database_backend() == DbBackend::Postgres {
        for table in ["requests", "fallback_events"] {
            let columns = key.join(", ");
            let change = format!(
                "ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, \
                 ADD CONSTRAINT {table}_pkey PRIMARY KEY ({columns})"
            );
            connection.execute_unprepared(&change).await?;
            for name in index_names(table) {
                connection.execute_unprepared(&format!("DROP INDEX IF EXISTS {name}")).await?;
            }
        }
        return Ok(());
    }
    for (name, create) in [
        ("requests", requests as fn(&'static str) -> TableCreateStatement),
        ("fallback_events", fallback_events),
    ] {
        let table = create("copied").primary_key(&mut primary_key(key)).to_owned();
        let columns: Vec<String> =
            table.get_columns().iter().map(|column| column.get_column_name().to_string()).collect();
        let (columns, key) = (columns.join(", "), key.join(", "));
        manager.create_table(table).await?;
        for statement in [
            format!("INSERT INTO copied ({columns}) SELECT {columns} FROM {name} ORDER BY {key}"),
            format!("DROP TABLE {name}"),
            format!("ALTER TABLE copied RENAME TO {name}"),
        ] {
            connection.execute_unprepared(&statement).await?;
        }
    }
    connection.execute_unprepared(RUNNING_INDEX).await?;
    Ok(())
}

/// Every index of a list, before or after this migration.
fn index_names(table: &str) -> Vec<String> {
    let former: &[&str] = if table == "requests" { &FORMER_REQUEST_FILTERS } else { &FORMER_EVENT_FILTERS };
    let columns = former.iter().copied().chain(["time", "origin"]);
    columns.map(|column| format!("{table}_by_{column}")).collect()
}

fn fallback_events(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("id"))
        .col(organization_id())
        .col(uuid("request_id"))
        .col(text("failed_model"))
        .col(text_null("next_model"))
        .col(text("error_class"))
        .col(text_null("error_message"))
        .col(text("invocation_type"))
        .col(uuid_null("router_config_id"))
        .col(big_integer_null("router_config_revision"))
        .col(uuid_null("session_id"))
        .col(text_null("session_ref"))
        .col(integer("hop"))
        .col(integer("attempts"))
        .col(integer_null("status_code"))
        .col(text_null("matched_rule"))
        .col(big_integer("duration_ms"))
        .col(text("origin"))
        .col(moment("created_at"))
        .col(moment("recorded_at"))
        .foreign_key(&mut organization_reference("fallback_events"))
        .to_owned()
}

fn requests(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("id"))
        .col(organization_id())
        .col(uuid_null("api_key_id"))
        .col(text_null("api_key_name"))
        .col(text("requested_model"))
        .col(text_null("served_model"))
        .col(text_null("served_provider"))
        .col(text("outcome"))
        .col(text_null("error_class"))
        .col(integer("status_code"))
        .col(text("endpoint"))
        .col(text("invocation_type"))
        .col(boolean("streamed"))
        .col(big_integer_null("input_tokens"))
        .col(big_integer_null("output_tokens"))
        .col(big_integer_null("cached_tokens"))
        .col(big_integer_null("reasoning_tokens"))
        .col(big_integer_null("cache_write_tokens"))
        .col(text_null("usage_flag"))
        .col(big_integer_null("cost_nano_dollars"))
        .col(text_null("cost_source"))
        .col(uuid_null("model_price_id"))
        .col(boolean("estimated"))
        .col(big_integer_null("first_frame_ms"))
        .col(big_integer("total_ms"))
        .col(integer("upstream_calls"))
        .col(integer("hops"))
        .col(json_binary("attempts"))
        .col(uuid_null("session_id"))
        .col(text_null("session_ref"))
        .col(integer_null("client_retry_count"))
        .col(text("origin"))
        .col(moment("created_at"))
        .col(moment("recorded_at"))
        .col(uuid_null("instance_id"))
        .foreign_key(&mut organization_reference("requests"))
        .to_owned()
}
