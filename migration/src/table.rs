//! The parts from which every change builds its tables, so that a tenant reference or an index looks the same in all.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{timestamp_with_time_zone, timestamp_with_time_zone_null};

/// A column of a moment: `timestamptz` in PostgreSQL, RFC 3339 text in UTC in SQLite, where it sorts as text.
pub(crate) fn moment(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone(name)
}

/// A column of a moment that may not have come.
pub(crate) fn moment_null(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone_null(name)
}

/// The column that says whose row it is.
pub(crate) fn organization_id() -> ColumnDef {
    sea_orm_migration::schema::uuid("organization_id")
}

/// A reference by one or more columns. Deleting the row pointed at is refused while the reference stands.
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

/// The reference of a tenant row to its organization.
pub(crate) fn organization_reference(table: &'static str) -> ForeignKeyCreateStatement {
    reference(table, &["organization_id"], "organizations", &["id"])
}

/// The reference of a tenant row to another tenant row, which must be of the same organization.
pub(crate) fn tenant_reference(
    table: &'static str,
    column: &'static str,
    parent: &'static str,
) -> ForeignKeyCreateStatement {
    reference(table, &["organization_id", column], parent, &["organization_id", "id"])
}

/// A primary key of several columns.
pub(crate) fn primary_key(columns: &[&'static str]) -> IndexCreateStatement {
    let mut key = Index::create();
    for column in columns {
        key.col(*column);
    }
    key
}

/// The condition that a text column holds one of these words.
pub(crate) fn one_of(column: &'static str, words: &[&'static str]) -> Expr {
    Expr::col(column).is_in(words.iter().copied())
}

/// An index named `<table>_by_<name>`, still to be made unique or partial by the caller.
pub(crate) fn index(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_by_{name}")).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// What makes a table fit to be pointed at by [`tenant_reference`].
pub(crate) fn tenant_index(table: &'static str) -> IndexCreateStatement {
    index(table, "organization_and_id", &["organization_id", "id"]).unique().to_owned()
}

/// The index for the pages of a list, newest first: the keyset is `(created_at, id)`.
pub(crate) fn page_index(table: &'static str) -> IndexCreateStatement {
    index(table, "time", &["organization_id", "created_at", "id"])
}

/// The index for the pages of a list that is filtered by one column.
pub(crate) fn filter_index(table: &'static str, column: &'static str) -> IndexCreateStatement {
    index(table, column, &["organization_id", column, "created_at", "id"])
}

/// The index by which a name is unique among an organization's living rows; a deleted row gives its name free.
pub(crate) fn living_name_index(table: &'static str) -> IndexCreateStatement {
    index(table, "living_name", &["organization_id", "name"])
        .unique()
        .and_where(Expr::col("deleted_at").is_null())
        .to_owned()
}

/// Drops tables in the order given (children first), their indexes with them.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
