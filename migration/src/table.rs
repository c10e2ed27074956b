//! Functions for migrations, so that tenant references and indexes are the same in all tables.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{timestamp_with_time_zone, timestamp_with_time_zone_null};

/// A timestamp column: `timestamptz` in PostgreSQL, and RFC 3339 text in UTC in SQLite, which sorts correctly.
pub(crate) fn moment(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone(name)
}

/// A nullable timestamp column.
pub(crate) fn moment_null(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone_null(name)
}

/// The column `organization_id` of a tenant table.
pub(crate) fn organization_id() -> ColumnDef {
    sea_orm_migration::schema::uuid("organization_id")
}

/// A foreign key of one or more columns. A row cannot be deleted while another row refers to it.
pub(crate) fn reference(
    table: &'static str,
    columns: &[&'static str],
    parent: &'static str,
    parent_columns: &[&'static str],
) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.name(format!("{table}_{}_reference", columns.join("_"))).from_tbl(table).to_tbl(parent);
    for column in columns {
        key.from_col(*column);
    }
    for column in parent_columns {
        key.to_col(*column);
    }
    key
}

/// The foreign key of a tenant row to its organization.
pub(crate) fn organization_reference(table: &'static str) -> ForeignKeyCreateStatement {
    reference(table, &["organization_id"], "organizations", &["id"])
}

/// The foreign key of a tenant row to another tenant row of the same organization.
pub(crate) fn tenant_reference(
    table: &'static str,
    column: &'static str,
    parent: &'static str,
) -> ForeignKeyCreateStatement {
    reference(table, &["organization_id", column], parent, &["organization_id", "id"])
}

/// A primary key with several columns.
pub(crate) fn primary_key(columns: &[&'static str]) -> IndexCreateStatement {
    let mut key = Index::create();
    for column in columns {
        key.col(*column);
    }
    key
}

/// The condition that a text column contains one of these words.
pub(crate) fn one_of(column: &'static str, words: &[&'static str]) -> Expr {
    Expr::col(column).is_in(words.iter().copied())
}

/// An index named `<table>_by_<name>`. The caller can make it unique or partial.
pub(crate) fn index(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_by_{name}")).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// The unique index that a target of [`tenant_reference`] needs.
pub(crate) fn tenant_index(table: &'static str) -> IndexCreateStatement {
    index(table, "organization_and_id", &["organization_id", "id"]).unique().to_owned()
}

/// The index for the pages of a list, newest first, by `(created_at, id)`.
pub(crate) fn page_index(table: &'static str) -> IndexCreateStatement {
    index(table, "time", &["organization_id", "created_at", "id"])
}

/// The index for the pages of a list with a filter on one column.
pub(crate) fn filter_index(table: &'static str, column: &'static str) -> IndexCreateStatement {
    index(table, column, &["organization_id", column, "created_at", "id"])
}

/// The index that makes a name unique among the rows of an organization that are not deleted.
pub(crate) fn living_name_index(table: &'static str) -> IndexCreateStatement {
    index(table, "living_name", &["organization_id", "name"])
        .unique()
        .and_where(Expr::col("deleted_at").is_null())
        .to_owned()
}

/// Drops tables in the given order, children first, with their indexes.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
