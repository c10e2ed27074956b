//! Two releases share one database during an upgrade: the older one can start again, and its rows are accepted.

use std::collections::BTreeMap;

use entity::{fallback_events, requests};
use migration::{Migrator, MigratorTrait as _};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, EntityTrait as _, QueryOrder as _, Statement,
};

use crate::databases::{indexes, required_columns, tables};
use crate::rows::insert_all;
use crate::sample::Sample;

/// The last migration that the previous release knows.
const RELEASED: u32 = 12;

/// A program of the previous release finds migrations that it does not know.
pub(crate) async fn older_program(db: &DatabaseConnection) {
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000999_newer', 0)";
    db.execute_unprepared(newer).await.expect("a change of a newer version");
    Migrator::up(db, None).await.expect("an older version starts where the schema lets it");
    assert_eq!(Migrator::pending(db).await.expect("pending"), Vec::<String>::new());

    let raised = "UPDATE instance_state SET value = 999 WHERE name = 'schema_compatible_from'";
    db.execute_unprepared(raised).await.expect("a change that older versions cannot live with");
    for refusal in [Migrator::up(db, None).await.err(), Migrator::pending(db).await.err()] {
        let refusal = refusal.expect("an older version does not start").to_string();
        assert!(refusal.contains("a newer version of Failsoft has changed the schema"), "{refusal}");
        assert!(refusal.contains("Start the newer version"), "{refusal}");
    }
}

/// The migrations with which the previous release cannot run, and why. Each is announced in CHANGELOG.md.
const BREAKING: &[(i64, &str)] = &[
    (32, "requests and events have another primary key, which the statements of the recorder name"),
    (33, "on PostgreSQL a row is refused where its partition is missing, and older programs make none"),
    (37, "a roll-up's bucket is identified by its width, too, which older programs do not write"),
];

/// The schema declares itself unfit for the previous release exactly where a migration is listed as breaking.
pub(crate) async fn breaking_migrations(db: &DatabaseConnection) {
    let lowest = "SELECT value FROM instance_state WHERE name = 'schema_compatible_from'";
    let (mut raised, mut known) = (Vec::new(), i64::from(RELEASED));
    for migration in Migrator::migrations() {
        Migrator::up(db, Some(1)).await.expect("the next migration");
        let number = migration.name().split('_').nth(1).and_then(|text| text.parse::<i64>().ok());
        if number.is_none_or(|number| number <= known) {
            continue;
        }
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), lowest)).await;
        let value =
            row.expect("the schema's state").map(|row| row.try_get::<i64>("", "value").expect("a number"));
        if let Some(value) = value.filter(|value| *value > known) {
            raised.push(value);
            known = value;
        }
    }
    let listed: Vec<i64> = BREAKING.iter().map(|(number, _)| *number).collect();
    assert_eq!(
        raised, listed,
        "list the migration here and announce it, or let the previous release run with it"
    );
}

/// The rows of the previous release have every required value.
pub(crate) async fn older_rows(db: &DatabaseConnection) {
    Migrator::up(db, Some(RELEASED)).await.expect("the schema of the release before");
    let mut before = BTreeMap::new();
    for table in tables(db).await {
        before.insert(table.clone(), required_columns(db, &table).await);
    }
    Migrator::up(db, None).await.expect("the schema of today");
    for (table, known) in before {
        let needed: Vec<String> =
            required_columns(db, &table).await.into_iter().filter(|column| !known.contains(column)).collect();
        assert!(
            needed.is_empty(),
            "{table}: {needed:?} may be null or has a default, as older versions do not write it"
        );
    }
}

/// The number of migrations before the one that changes the keys of the records.
const BEFORE_RECORD_KEYS: u32 = 19;

/// The rows of requests and events are the same before and after their keys change, and after that is reverted.
pub(crate) async fn records_carried_over(db: &DatabaseConnection) {
    carried_over(db, BEFORE_RECORD_KEYS, "record_keys").await;
}

/// The same for the change that partitions the tables on PostgreSQL, and the partition has what the parent has.
pub(crate) async fn records_partitioned(db: &DatabaseConnection) {
    carried_over(db, BEFORE_RECORD_KEYS + 1, "partitions").await;
    if db.get_database_backend() == DbBackend::Sqlite {
        return;
    }
    for table in ["requests", "fallback_events"] {
        let floor = format!("{table}_floor");
        assert_eq!(indexes(db, table).await, indexes(db, &floor).await);
        let attached = format!(
            "SELECT indexrelid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
             WHERE indrelid = '{floor}'::regclass AND NOT (relispartition AND indisvalid)"
        );
        let attached = Statement::from_string(DbBackend::Postgres, attached);
        assert!(
            db.query_all_raw(attached).await.expect("the catalog").is_empty(),
            "{table}: an index was built"
        );
    }
}

/// What was counted in buckets of five minutes is counted in longer ones as well, and is as before after a revert.
pub(crate) async fn rollups_widened(db: &DatabaseConnection) {
    let before =
        Migrator::migrations().iter().take_while(|change| !change.name().ends_with("rollup_widths")).count();
    Migrator::up(db, Some(u32::try_from(before).expect("few"))).await.expect("the schema before");
    let sample = Sample::new(1);
    insert_all(db, &sample).await;
    for step in [Step::Up, Step::Down, Step::Up] {
        let widths = match step {
            Step::Up => {
                Migrator::up(db, Some(1)).await.expect("up");
                "SELECT width, bucket_at, CAST({sum} AS bigint) FROM {table} ORDER BY width"
            }
            Step::Down => {
                Migrator::down(db, Some(1)).await.expect("down");
                "SELECT CAST(300 AS bigint), bucket_at, CAST({sum} AS bigint) FROM {table}"
            }
        };
        let at = sample.fallback_rollup.bucket_at;
        let bucket = |width: i64| (width, at - at % width, i64::MAX);
        let expected: Vec<_> = match step {
            Step::Up => [300, 3_600, 43_200].map(bucket).into(),
            Step::Down => vec![bucket(300)],
        };
        for (table, sum) in [
            ("request_rollups", "cost_nano_dollars"),
            ("fallback_rollups", "events"),
            ("latency_rollups", "requests"),
        ] {
            let text = widths.replace("{sum}", sum).replace("{table}", table);
            let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), text)).await;
            let number =
                |row: &sea_orm::QueryResult, index| row.try_get_by_index::<i64>(index).expect("a number");
            let found: Vec<_> = rows
                .expect("the roll-ups")
                .iter()
                .map(|row| (number(row, 0), number(row, 1), number(row, 2)))
                .collect();
            assert_eq!(found, expected, "{table} {step:?}");
        }
    }
}

async fn carried_over(db: &DatabaseConnection, before: u32, name: &str) {
    Migrator::up(db, Some(before)).await.expect("the schema before");
    let pending = Migrator::pending(db).await.expect("pending");
    assert!(pending[0].ends_with(name), "{pending:?}");
    let samples = [Sample::new(1), Sample::new(2)];
    for sample in &samples {
        insert_all(db, sample).await;
    }
    let requests = samples.clone().map(|sample| sample.request);
    let events = samples.map(|sample| sample.event);
    for step in [Step::Up, Step::Down, Step::Up] {
        match step {
            Step::Up => Migrator::up(db, Some(1)).await.expect("up"),
            Step::Down => Migrator::down(db, Some(1)).await.expect("down"),
        }
        let order = requests::Column::Id;
        let found = requests::Entity::find().order_by_asc(order).all(db).await.expect("the requests");
        assert_eq!(found, requests);
        let order = fallback_events::Column::Id;
        let found = fallback_events::Entity::find().order_by_asc(order).all(db).await.expect("the events");
        assert_eq!(found, events);
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Up,
    Down,
}
