//! Writing many rows with one statement, for the writer that does nothing else.
//!
//! A general query builder costs more than the database itself where every request writes three rows. The text of a
//! statement follows from its table and its number of rows alone, so the database keeps it prepared.

use std::borrow::Borrow;
use std::fmt::Write as _;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, Iden, Iterable, ModelTrait, PrimaryKeyToColumn,
    Statement, Value,
};

/// Rows of one statement. Databases keep so many texts of each table prepared, and bound a statement's parameters.
const CHUNK: usize = 64;

/// Inserts rows; `conflict` is the clause that says what happens with one whose key is there already.
pub(super) async fn insert<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    rows: &[impl Borrow<E::Model>],
    conflict: &str,
) -> Result<(), DbErr>
where
    E::Model: ModelTrait<Entity = E>,
{
    for chunk in rows.chunks(CHUNK) {
        let text = text::<E>(connection.get_database_backend(), chunk.len(), conflict);
        connection.execute_raw(statement::<E>(connection, text, chunk)).await?;
    }
    Ok(())
}

/// Inserts of several tables. SQLite takes small ones together: what a statement costs there is mostly the way to the
/// thread that runs it.
pub(super) struct Batch {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
    large: Vec<Statement>,
}

/// Rows up to which an insert is small. Each combination of sizes is a text that is kept prepared, so they are few.
const SMALL: usize = 4;

impl Batch {
    pub(super) fn new(backend: DbBackend) -> Self {
        Self { backend, text: String::new(), values: Vec::new(), large: Vec::new() }
    }

    /// As [`insert`], when the batch is sent.
    pub(super) fn insert<E: EntityTrait>(&mut self, rows: &[E::Model], conflict: &str)
    where
        E::Model: ModelTrait<Entity = E>,
    {
        for chunk in rows.chunks(CHUNK) {
            let text = text::<E>(self.backend, chunk.len(), conflict);
            if self.backend == DbBackend::Sqlite && chunk.len() <= SMALL {
                self.text.push_str(&text);
                self.text.push_str("; ");
                self.values.extend(values::<E>(chunk));
            } else {
                self.large.push(Statement::from_sql_and_values(self.backend, text, values::<E>(chunk)));
            }
        }
    }

    pub(super) async fn send(self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        for statement in self.large {
            connection.execute_raw(statement).await?;
        }
        if !self.text.is_empty() {
            let together = Statement::from_sql_and_values(self.backend, self.text, self.values);
            connection.execute_raw(together).await?;
        }
        Ok(())
    }
}

/// Inserts rows, and tells the ids of the rows that were inserted, or changed by the clause.
pub(super) async fn insert_new<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    rows: &[impl Borrow<E::Model>],
    conflict: &str,
) -> Result<Vec<uuid::Uuid>, DbErr>
where
    E::Model: ModelTrait<Entity = E>,
{
    let mut ids = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(CHUNK) {
        let mut text = text::<E>(connection.get_database_backend(), chunk.len(), conflict);
        text.push_str(" RETURNING id");
        for row in connection.query_all_raw(statement::<E>(connection, text, chunk)).await? {
            ids.push(row.try_get_by_index(0)?);
        }
    }
    Ok(ids)
}

fn statement<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    text: String,
    rows: &[impl Borrow<E::Model>],
) -> Statement
where
    E::Model: ModelTrait<Entity = E>,
{
    Statement::from_sql_and_values(connection.get_database_backend(), text, values::<E>(rows))
}

fn values<E: EntityTrait>(rows: &[impl Borrow<E::Model>]) -> Vec<Value>
where
    E::Model: ModelTrait<Entity = E>,
{
    rows.iter().flat_map(|row| E::Column::iter().map(|column| row.borrow().get(column))).collect()
}

fn text<E: EntityTrait>(backend: DbBackend, rows: usize, conflict: &str) -> String {
    let columns: Vec<String> = E::Column::iter().map(|column| column.to_string()).collect();
    let mut text = format!("INSERT INTO {} ({}) VALUES ", E::default().table_name(), columns.join(", "));
    let mut number = 0;
    for row in 0..rows {
        for column in 0..columns.len() {
            text.push_str(match (row, column) {
                (0, 0) => "(",
                (_, 0) => "), (",
                _ => ", ",
            });
            number += 1;
            if backend == DbBackend::Postgres {
                // Writing to a text cannot fail.
                let _ = write!(text, "${number}");
            } else {
                text.push('?');
            }
        }
    }
    text.push_str(") ");
    text.push_str(conflict);
    text
}

/// The clause by which a row that is there already takes these columns of the new one.
pub(super) fn replacing<E: EntityTrait>(keep: &[&str]) -> String {
    let columns = E::Column::iter().map(|column| column.to_string());
    let set: Vec<String> = columns
        .filter(|column| !keep.contains(&column.as_str()))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    format!("ON CONFLICT (id) DO UPDATE SET {}", set.join(", "))
}

/// The clause by which a row that is there already takes the new one's sums to its own: every column outside of the key.
pub(super) fn adding<E: EntityTrait>() -> String {
    let table = E::default().table_name().to_owned();
    let key: Vec<String> = E::PrimaryKey::iter().map(|key| key.into_column().to_string()).collect();
    let sums: Vec<String> = E::Column::iter()
        .map(|column| column.to_string())
        .filter(|column| !key.contains(column))
        .map(|column| format!("{column} = {table}.{column} + excluded.{column}"))
        .collect();
    format!("ON CONFLICT ({}) DO UPDATE SET {}", key.join(", "), sums.join(", "))
}
