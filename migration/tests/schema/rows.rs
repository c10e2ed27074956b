//! Rows are written and read through the entities, and the entities name every column.

use std::collections::BTreeSet;
use std::fmt::Debug;

use entity::*;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseConnection, EntityTrait, IdenStatic, IntoActiveModel, Iterable,
    QueryFilter, QueryOrder, Schema,
};

use crate::databases;
use crate::sample::{Sample, moment, new_id};

/// Calls a function once for every row of a sample, parents before children, with the row's entity as its type.
macro_rules! for_every_row {
    ($sample:expr, $function:ident, $db:expr $(, $more:expr)*) => {{
        let sample: Sample = $sample;
        $function::<organizations::Entity>($db, sample.organization $(, $more)*).await;
        $function::<users::Entity>($db, sample.user $(, $more)*).await;
        $function::<memberships::Entity>($db, sample.membership $(, $more)*).await;
        $function::<sessions::Entity>($db, sample.session $(, $more)*).await;
        $function::<invitations::Entity>($db, sample.invitation $(, $more)*).await;
        $function::<one_time_links::Entity>($db, sample.link $(, $more)*).await;
        $function::<api_keys::Entity>($db, sample.api_key $(, $more)*).await;
        $function::<providers::Entity>($db, sample.provider $(, $more)*).await;
        $function::<provider_credentials::Entity>($db, sample.credential $(, $more)*).await;
        $function::<models::Entity>($db, sample.source $(, $more)*).await;
        $function::<models::Entity>($db, sample.target $(, $more)*).await;
        $function::<model_prices::Entity>($db, sample.model_price $(, $more)*).await;
        $function::<fallback_configs::Entity>($db, sample.config $(, $more)*).await;
        $function::<fallback_revisions::Entity>($db, sample.revision $(, $more)*).await;
        $function::<fallback_targets::Entity>($db, sample.fallback_target $(, $more)*).await;
        $function::<fallback_events::Entity>($db, sample.event $(, $more)*).await;
        $function::<requests::Entity>($db, sample.request $(, $more)*).await;
        $function::<request_rollups::Entity>($db, sample.request_rollup $(, $more)*).await;
        $function::<fallback_rollups::Entity>($db, sample.fallback_rollup $(, $more)*).await;
        $function::<latency_rollups::Entity>($db, sample.latency_rollup $(, $more)*).await;
        $function::<instances::Entity>($db, sample.instance $(, $more)*).await;
        $function::<rollup_deltas::Entity>($db, sample.rollup_delta $(, $more)*).await;
        $function::<usage_rollups::Entity>($db, sample.usage_rollup $(, $more)*).await;
        $function::<session_rollups::Entity>($db, sample.session_rollup $(, $more)*).await;
        $function::<budgets::Entity>($db, sample.budget $(, $more)*).await;
        $function::<error_mappings::Entity>($db, sample.error_mapping $(, $more)*).await;
        $function::<limit_counters::Entity>($db, sample.limit_counter $(, $more)*).await;
        $function::<audit_entries::Entity>($db, sample.audit_entry $(, $more)*).await;
        $function::<outbox::Entity>($db, sample.message $(, $more)*).await;
        $function::<instance_secrets::Entity>($db, sample.secret $(, $more)*).await;
        $function::<instance_state::Entity>($db, sample.state $(, $more)*).await;
    }};
}

/// Writes every row of the sample.
pub(crate) async fn insert_all(db: &DatabaseConnection, sample: &Sample) {
    for_every_row!(sample.clone(), insert, db);
}

async fn insert<E>(db: &DatabaseConnection, row: E::Model)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let table = E::default().table_name().to_owned();
    let mut row = row.into_active_model();
    // The schema may be that of an earlier release.
    let columns = databases::columns(db, &table).await;
    if columns.is_empty() {
        return;
    }
    for added in E::Column::iter().filter(|column| !columns.contains(column.as_str())) {
        row.not_set(added);
    }
    let written = E::insert(row).exec_without_returning(db).await;
    written.unwrap_or_else(|error| panic!("{table}: {error}"));
}

pub(crate) async fn fit(db: &DatabaseConnection) {
    let seen = std::sync::Mutex::new(BTreeSet::new());
    for_every_row!(Sample::new(1), fits, db, &seen);
    let named = seen.into_inner().expect("no test thread died");
    assert_eq!(databases::tables(db).await, named, "a table without an entity, or the other way round");
}

async fn fits<E>(db: &DatabaseConnection, _row: E::Model, seen: &std::sync::Mutex<BTreeSet<String>>)
where
    E: EntityTrait,
{
    let table = E::default().table_name().to_owned();
    let named: BTreeSet<String> = E::Column::iter().map(|column| column.as_str().to_owned()).collect();
    assert_eq!(databases::columns(db, &table).await, named, "the columns of {table}");
    assert_eq!(
        databases::nullable_columns(db, &table).await,
        optional_columns::<E>(db),
        "the optional ones of {table}"
    );
    seen.lock().expect("no test thread died").insert(table);
}

/// The columns that the entity has as an `Option`.
fn optional_columns<E: EntityTrait>(db: &DatabaseConnection) -> BTreeSet<String> {
    let table = Schema::new(sea_orm::ConnectionTrait::get_database_backend(db))
        .create_table_from_entity(E::default());
    let columns = table.get_columns().iter();
    let optional = columns.filter(|column| column.get_column_spec().nullable != Some(false));
    optional.map(|column| column.get_column_name().to_string()).collect()
}

pub(crate) async fn full(db: &DatabaseConnection) {
    // Two organizations, so that no value is unique in the whole database by accident.
    for number in [1, 2] {
        for_every_row!(Sample::new(number), comes_back, db);
    }
}

async fn comes_back<E>(db: &DatabaseConnection, row: E::Model)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Clone + Debug + PartialEq,
{
    insert::<E>(db, row.clone()).await;
    let found = E::find().all(db).await.expect("the rows");
    assert!(found.contains(&row), "{row:?} is not among {found:?}");
}

pub(crate) async fn sparse(db: &DatabaseConnection) {
    for_every_row!(Sample::new(1), comes_back_without_options, db);
}

async fn comes_back_without_options<E>(db: &DatabaseConnection, row: E::Model)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let optional = optional_columns::<E>(db);
    let mut sparse = row.into_active_model();
    for column in E::Column::iter().filter(|column| optional.contains(column.as_str())) {
        let value = sparse.get(column).into_value().expect("a value");
        sparse.set(column, value.as_null());
    }
    let written = E::insert(sparse.clone()).exec_without_returning(db).await;
    written.unwrap_or_else(|error| panic!("{}: {error}", E::default().table_name()));

    let found = E::find().all(db).await.expect("the rows");
    let same = |row: E::Model| {
        let row = row.into_active_model();
        E::Column::iter().all(|column| row.get(column).into_value() == sparse.get(column).into_value())
    };
    assert!(found.into_iter().any(same), "{sparse:?} did not come back");
}

/// Times are text in SQLite, with as many digits after the second as necessary: lists depend on their order.
pub(crate) async fn order(db: &DatabaseConnection) {
    let sample = Sample::new(1);
    insert_all(db, &sample).await;
    fallback_events::Entity::delete_many().exec(db).await.expect("no events");
    let mut written = Vec::new();
    for microseconds in [-1, 0, 1, 10, 999, 1_000, 1_001, 500_000, 999_999, 1_000_000, 60_000_000] {
        let event =
            fallback_events::Model { id: new_id(), created_at: moment(microseconds), ..sample.event.clone() };
        written.push(event);
    }
    for event in written.iter().rev() {
        insert::<fallback_events::Entity>(db, event.clone()).await;
    }

    let by_moment = fallback_events::Entity::find().order_by_asc(fallback_events::Column::CreatedAt);
    assert_eq!(by_moment.all(db).await.expect("the events"), written);
    let by_id = fallback_events::Entity::find().order_by_asc(fallback_events::Column::Id);
    assert_eq!(by_id.all(db).await.expect("the events"), written);
    for (place, event) in written.iter().enumerate() {
        let later = fallback_events::Entity::find()
            .filter(fallback_events::Column::CreatedAt.gt(event.created_at))
            .order_by_asc(fallback_events::Column::CreatedAt);
        assert_eq!(later.all(db).await.expect("the later ones"), written[place + 1..]);
    }
}

pub(crate) async fn filters(db: &DatabaseConnection) {
    for table in ["api_keys", "providers", "models", "invitations", "audit_entries"] {
        let indexes = databases::indexes(db, table).await;
        assert!(indexes.contains("organization_id,created_at,id"), "{table}: {indexes:?}");
    }
    let event_filters = [
        "failed_model",
        "next_model",
        "error_class",
        "session_id",
        "request_id",
        "router_config_id",
        "origin",
    ];
    let request_filters =
        ["requested_model", "served_model", "endpoint", "outcome", "session_id", "api_key_id", "origin"];
    for (table, filters) in [("fallback_events", &event_filters[..]), ("requests", &request_filters[..])] {
        let indexes = databases::indexes(db, table).await;
        // The key orders the list by time.
        assert!(indexes.contains("organization_id,id"), "{table}: {indexes:?}");
        for filter in filters {
            // The index of drills holds the columns of other filters after these.
            let wanted = format!("organization_id,{filter},id");
            let has_it = indexes.iter().any(|index| index.starts_with(&wanted));
            assert!(has_it, "{table} has no {wanted}: {indexes:?}");
        }
        // The key, the filters, and the running rows of the requests.
        let more = if table == "requests" { 2 } else { 1 };
        assert_eq!(indexes.len(), filters.len() + more, "{table}: {indexes:?}");
    }
}

pub(crate) async fn change_counter(db: &DatabaseConnection) {
    let found = instance_state::Entity::find_by_id("change_counter").one(db).await.expect("the row");
    let counter = instance_state::Model { name: "change_counter".to_owned(), value: 0, numbered: 0 };
    assert_eq!(found, Some(counter));
}
