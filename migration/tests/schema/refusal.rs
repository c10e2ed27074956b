//! Checks that the database refuses a row, and the reason. Every refusal in the tests has an accepted counterpart,
//! so that no test passes because something else was wrong with the row.

use sea_orm::{DatabaseConnection, DbErr, EntityTrait, IntoActiveModel, SqlErr};

use crate::rows::insert_all;
use crate::sample::Sample;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unique,
    Reference,
    Check,
}

async fn write<E>(db: &DatabaseConnection, row: E::Model) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    E::insert(row.into_active_model()).exec_without_returning(db).await.map(drop)
}

pub(crate) async fn accepted<E>(db: &DatabaseConnection, row: E::Model)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    write::<E>(db, row).await.expect("a row like any other");
}

pub(crate) async fn refused<E>(db: &DatabaseConnection, row: E::Model, refusal: Refusal)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let described = format!("{row:?}");
    match write::<E>(db, row).await {
        Ok(()) => panic!("accepted: {described}"),
        Err(error) => assert_eq!(why(&error), refusal, "{error} for {described}"),
    }
}

pub(crate) fn why(error: &DbErr) -> Refusal {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Refusal::Unique,
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Refusal::Reference,
        _ if error.to_string().to_lowercase().contains("check constraint") => Refusal::Check,
        _ => panic!("refused for another reason: {error}"),
    }
}

/// Two complete organizations.
pub(crate) async fn two(db: &DatabaseConnection) -> (Sample, Sample) {
    let samples = (Sample::new(1), Sample::new(2));
    insert_all(db, &samples.0).await;
    insert_all(db, &samples.1).await;
    samples
}
