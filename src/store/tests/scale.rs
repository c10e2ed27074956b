//! Many organizations at once: more than a statement has parameters, and more than one poll can read.

use entity::{api_keys, organizations};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _};

use super::records::request;
use super::{Kind, World, new_key, organization};
use crate::config::recording::Recording;
use crate::domain::period::Period;
use crate::store::database::query_counter::counted;
use crate::store::recorder::{Record, Recorder};
use crate::store::{RequestFilter, transaction};

/// More than PostgreSQL's 65,535 parameters of a statement, and more than SQLite's 32,766.
const MANY: i64 = 66_000;

/// Creates organizations with a budget each, as a restore would.
async fn many_organizations(world: &World, count: i64) {
    let store = &world.store;
    let (numbers, id) = if store.is_sqlite() {
        (
            format!(
                "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) "
            ),
            "unhex(printf('%032x', n))",
        )
    } else {
        (
            format!("WITH numbers AS (SELECT n FROM generate_series(1, {count}) AS n) "),
            "lpad(to_hex(n), 32, '0')::uuid",
        )
    };
    let (now, from) = ("2024-10-04 00:00:00+00:00", "FROM numbers WHERE true");
    let organizations = format!(
        "{numbers} INSERT INTO organizations (id, name, settings, version, created_at, updated_at) \
         SELECT {id}, 'many', '{{}}', 1, '{now}', '{now}' {from}"
    );
    let budgets = format!(
        "{numbers} INSERT INTO budgets (id, organization_id, period, hard_limit_nano_dollars, created_at, updated_at) \
         SELECT {id}, {id}, 'day', 1000, '{now}', '{now}' {from}"
    );
    for statement in [organizations, budgets] {
        store.inner.writer.execute_unprepared(&statement).await.expect("inserted");
    }
}

#[rstest]
#[tokio::test]
async fn tens_of_thousands_of_organizations_with_budgets_are_read(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (organizations, of_one) = counted(Box::pin(start(&world))).await;
    assert!(organizations == 1 && of_one > 0, "{organizations} {of_one}");
    many_organizations(&world, MANY).await;
    // As many statements as for one organization, without a parameter per organization.
    let (organizations, statements) = counted(Box::pin(start(&world))).await;
    assert_eq!(organizations, usize::try_from(MANY + 1).expect("a size"));
    assert_eq!(statements, of_one);
}

/// Reads what a process reads when it starts. Returns the number of organizations.
async fn start(world: &World) -> usize {
    let fresh = world.database.open().await;
    for period in Period::ALL {
        let spent = fresh.system().spent_since(period).await.expect("read");
        assert!(spent.rows.is_empty(), "a budget has spent nothing yet");
    }
    fresh.snapshots().organizations().len()
}

#[rstest]
#[tokio::test]
async fn a_look_that_is_cut_off_goes_on_where_it_was(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let second = world.database.open().await;
    many_organizations(&world, 1_000).await;
    let transaction = world.store.begin().await.expect("begun");
    transaction::tell_other_processes(&transaction).await.expect("told");
    transaction.commit().await.expect("committed");
    // Interrupted as soon as anything was read, as often as necessary.
    let mut looks = 0;
    let mut known = second.snapshots().organizations().len();
    while known < 1_001 {
        looks += 1;
        tokio::select! {
            followed = second.snapshots().follow(&second) => followed.expect("followed"),
            () = until_more_are_known(&second, known) => {}
        }
        let now = second.snapshots().organizations().len();
        assert!(now > known, "a look has read nothing");
        known = now;
    }
    assert!(looks > 1, "no look was cut off");
}

async fn until_more_are_known(store: &crate::store::Store, known: usize) {
    while store.snapshots().organizations().len() == known {
        tokio::task::yield_now().await;
    }
}

#[rstest]
#[tokio::test]
async fn a_revoked_key_ends_even_where_its_organization_cannot_be_read(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let second = world.database.open().await;
    let hash = world.store.vault().key_hash("one");
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("a key");
    second.system().follow_changes().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_some());

    world.organization.api_key_revoke(key.id).await.expect("revoked");
    organizations::Entity::update_many()
        .col_expr(organizations::Column::Settings, Expr::value(serde_json::json!("no settings")))
        .filter(organizations::Column::Id.eq(world.id()))
        .exec(&world.store.inner.writer)
        .await
        .expect("broken");
    second.system().follow_changes().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_none(), "the key is revoked");
    let revoked = api_keys::Entity::find().filter(api_keys::Column::RevokedAt.is_not_null());
    assert_eq!(revoked.all(&second.inner.reader).await.expect("rows").len(), 1);
}

async fn add_key(world: &World, key: &str) {
    world.organization.api_key_create(new_key(&world.store, key)).await.expect("a key");
}

/// All changes that commit during a reload of their organization share the next one.
#[rstest]
#[tokio::test]
async fn changes_of_one_organization_share_one_reload(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let ((), of_one) = counted(Box::pin(add_key(&world, "alone"))).await;
    let keys: Vec<String> = (0..50).map(|number| format!("shared {number}")).collect();
    let snapshots = world.store.snapshots();
    let reading = snapshots.hold_turn(world.id()).await;
    let changes = counted(join_all(keys.iter().map(|key| add_key(&world, key))));
    let end_of_the_reload = async {
        // Until all are committed. Only the changes are counted.
        while api_keys::Entity::find().all(&world.store.inner.reader).await.expect("rows").len() <= keys.len()
        {
            tokio::task::yield_now().await;
        }
        drop(reading);
    };
    let ((_, queries), ()) = tokio::join!(changes, end_of_the_reload);
    assert!(of_one > 0 && queries <= 2 * of_one, "{queries} queries, and {of_one} for a change alone");
    for key in &keys {
        assert!(snapshots.find_key(&world.store.vault().key_hash(key)).is_some(), "{key}");
    }
}

/// A change does not wait for the reload of another organization.
#[rstest]
#[tokio::test]
async fn organizations_do_not_wait_for_each_other(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let neighbor = organization(&world.store, "neighbor").await;
    let snapshots = world.store.snapshots();
    let _reading = snapshots.hold_turn(world.id()).await;
    // Its own changes would wait for the lock that is held here; the neighbor's do not.
    neighbor.api_key_create(new_key(&world.store, "two")).await.expect("a key");
    assert!(snapshots.find_key(&world.store.vault().key_hash("two")).is_some());
}

/// Requests under way hold a place in the queue each; retention waits for records, not for them.
#[rstest]
#[tokio::test]
async fn requests_under_way_do_not_count_as_records_that_wait(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let watcher = recorder.watcher();
    let mut under_way = Vec::new();
    for _ in 0..100 {
        under_way.push(recorder.reserve().await.expect("a place"));
    }
    recorder.write(Record { request: Some(request(&world)), ..Record::default() }).await.expect("durable");
    assert!(watcher.depth() >= 100);
    drop(under_way);
    drop(recorder);
    writer.await.expect("no panic");
    assert_eq!(watcher.waiting(), 0);
    let rows = world.organization.request_batch(&RequestFilter::default(), None, 10).await.expect("rows");
    assert_eq!(rows.len(), 1);
}
