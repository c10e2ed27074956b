//! The schema on SQLite and PostgreSQL: migrations go up and down, entities match it, and the database itself refuses
//! invalid rows. Each test runs once on each database, in an empty one of its own.

#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is how a test fails")]
#![allow(clippy::large_futures, reason = "whole rows of every table are held; nothing here is in a hurry")]

mod checks;
mod databases;
mod references;
mod refusal;
mod releases;
mod rows;
mod sample;
mod uniqueness;

use databases::{Given, TestDatabase};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait};

/// Defines a test of this name for each database, which calls the function in the given state.
macro_rules! on_both_databases {
    ($($given:ident { $($test:path => $name:ident,)* })*) => {
        mod sqlite {
            use super::*;
            $($(on_both_databases! { @one sqlite $given $test => $name })*)*
        }
        mod postgres {
            use super::*;
            $($(on_both_databases! { @one postgres $given $test => $name })*)*
        }
    };
    (@one $kind:ident $given:ident $test:path => $name:ident) => {
        #[tokio::test]
        async fn $name() {
            let database = TestDatabase::$kind(Given::$given).await;
            $test(&database.connection).await;
            database.close().await;
        }
    };
}

on_both_databases! {
    Empty {
        releases::older_rows => rows_of_the_release_before_still_fit,
        releases::breaking_migrations => a_schema_that_breaks_the_release_before_is_listed,
        releases::records_carried_over => requests_and_events_keep_their_rows_under_new_keys,
        releases::records_partitioned => requests_and_events_keep_their_rows_in_partitions,
        releases::rollups_widened => rollups_are_counted_in_longer_buckets,
        up_down_up => goes_up_down_and_up_again,
        cut_off => a_change_that_fails_leaves_nothing_behind,
    }
    Tables {
        releases::older_program => a_release_starts_on_the_schema_of_the_next_one,
        rows::fit => the_entities_name_every_table_and_column,
        rows::full => a_full_row_of_every_table_comes_back_unchanged,
        rows::sparse => every_optional_column_may_be_null,
        rows::order => moments_and_ids_sort_in_time,
        rows::filters => every_filter_of_a_list_has_its_index,
        rows::change_counter => the_change_counter_is_there_from_the_start,
        references::foreign_organization => a_row_of_another_organization_cannot_be_referenced,
        checks::own_fallback => a_model_cannot_be_its_own_fallback,
        uniqueness::duplicate_target => a_fallback_cannot_stand_twice_in_a_list,
        uniqueness::living_names => a_deleted_name_can_be_used_again,
        uniqueness::credential_names => a_credential_name_is_used_once_for_a_provider,
        uniqueness::one_config => a_model_has_one_configuration_per_type,
        uniqueness::one_revision => a_revision_is_written_once,
        uniqueness::unique_secrets => keys_addresses_and_links_are_unique_everywhere,
        checks::closed_words => a_word_outside_a_closed_set_is_refused,
        checks::shapes => a_short_hash_and_a_split_bucket_are_refused,
        references::membership_ends => ending_a_membership_ends_its_sessions,
        references::in_use => what_is_referenced_cannot_be_deleted,
    }
}

async fn up_down_up(db: &DatabaseConnection) {
    Migrator::up(db, None).await.expect("up");
    let complete = databases::tables(db).await;
    assert!(complete.contains("organizations"), "{complete:?}");

    Migrator::down(db, None).await.expect("down");
    let left = databases::tables(db).await;
    assert!(left.is_empty(), "left behind: {left:?}");

    Migrator::up(db, None).await.expect("up again");
    assert_eq!(databases::tables(db).await, complete);
    Migrator::up(db, None).await.expect("nothing to do");
    let pending = Migrator::get_pending_migrations(db).await.expect("the state");
    assert!(pending.is_empty());
}

/// The first migration creates `invitations` last. If that fails, everything before it must be rolled back, or the
/// next start would fail forever.
async fn cut_off(db: &DatabaseConnection) {
    db.execute_unprepared("CREATE TABLE invitations (id integer)").await.expect("an obstacle");
    Migrator::up(db, None).await.expect_err("the obstacle stands in the way");
    let left: Vec<String> = databases::tables(db).await.into_iter().collect();
    assert_eq!(left, ["invitations"]);

    db.execute_unprepared("DROP TABLE invitations").await.expect("no obstacle");
    Migrator::up(db, None).await.expect("the second start");
    let none = entity::organizations::Entity::find().all(db).await.expect("the table");
    assert!(none.is_empty());
}
