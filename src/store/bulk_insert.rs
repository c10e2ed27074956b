//! Inserts many rows with one statement, for the recorder.
//!
//! Every request writes about three rows, and a general query builder would take more time than the database. The text
//! of a statement depends only on the table and the number of rows, so the database can keep it prepared.

use std::borrow::Borrow;
use std::fmt::Write as _;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, Iden, Iterable, ModelTrait, PrimaryKeyToColumn,
    Statement, Value,
};

/// The most rows in one statement. It bounds the number of prepared statements per table and the number of parameters.
const CHUNK: usize = 64;

/// Inserts rows. `conflict` is the `ON CONFLICT` clause for existing keys.
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

/// Inserts into several tables. For SQLite, small inserts are sent together, because most of their cost is the handover
/// to the thread that runs them.
pub(super) struct Batch {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
    large: Vec<Statement>,
}

/// The most rows of a small insert. Each combination of sizes is a separate prepared statement, so it is low.
const SMALL: usize = 4;

impl Batch {
    pub(super) fn new(backend: DbBackend) -> Self {
        Self { backend, text: String::new(), values: Vec::new(), large: Vec::new() }
    }

    /// Like [`insert`], but runs when the batch is sent.
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

/// Inserts rows and returns the ids of the rows that were inserted or that the clause changed.
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
                // Writing to a `String` cannot fail.
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

/// The clause that updates an existing row to the new values, except for the columns in `keep`.
pub(super) fn replacing<E: EntityTrait>(keep: &[&str]) -> String {
    let columns = E::Column::iter().map(|column| column.to_string());
    let set: Vec<String> = columns
        .filter(|column| !keep.contains(&column.as_str()))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    format!("ON CONFLICT ({}) DO UPDATE SET {}", key::<E>().join(", "), set.join(", "))
}

fn key<E: EntityTrait>() -> Vec<String> {
    E::PrimaryKey::iter().map(|key| key.into_column().to_string()).collect()
}

/// The clause that adds the new values to those of an existing row, for every column outside of the key.
pub(super) fn adding<E: EntityTrait>() -> String {
    let table = E::default().table_name().to_owned();
    let key = key::<E>();
    let sums: Vec<String> = E::Column::iter()
        .map(|column| column.to_string())
        .filter(|column| !key.contains(column))
        .map(|column| format!("{column} = {table}.{column} + excluded.{column}"))
        .collect();
    format!("ON CONFLICT ({}) DO UPDATE SET {}", key.join(", "), sums.join(", "))
}
