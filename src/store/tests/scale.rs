//! Many organizations at once: more than a statement has parameters, and more than one poll can read.

use entity::{api_keys, organizations};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _};

use super::database::hold_readers;
use super::records::request;
use super::{Kind, World, new_key, organization};
use crate::config::recording::Recording;
use crate::domain::actor::Actor;
use crate::domain::period::Period;
use crate::store::database::query_counter::counted;
use crate::store::recorder::{Record, Recorder};
use crate::store::{RequestFilter, Store};

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

/// Counts a change of many organizations, with one number or, like the release before, without one.
async fn count_change(store: &Store, numbered: bool) {
    let more = if numbered { ", numbered = numbered + 1" } else { "" };
    let counted = format!("UPDATE instance_state SET value = value + 1{more} WHERE name = 'change_counter'");
    store.inner.writer.execute_unprepared(&counted).await.expect("counted");
    if numbered {
        let number = "UPDATE organizations SET change_seq = \
                      (SELECT value FROM instance_state WHERE name = 'change_counter') WHERE name = 'many'";
        store.inner.writer.execute_unprepared(number).await.expect("numbered");
    }
}

#[rstest]
#[tokio::test]
async fn a_look_that_is_cut_off_goes_on_where_it_was(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
    #[values(false, true)] numbered: bool,
) {
    let world = World::new(kind).await;
    let second = world.database.open().await;
    many_organizations(&world, 1_000).await;
    count_change(&world.store, numbered).await;
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

async fn until_more_are_known(store: &Store, known: usize) {
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
    second.system().follow_revocations().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_none(), "the key is revoked");
    second.system().follow_changes().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_none(), "the key stays revoked");
    let revoked = api_keys::Entity::find().filter(api_keys::Column::RevokedAt.is_not_null());
    assert_eq!(revoked.all(&second.inner.reader).await.expect("rows").len(), 1);
}

/// Changes the organization like the release before, which counts a change and gives it no number.
async fn change_without_number(world: &World) {
    organizations::Entity::update_many()
        .col_expr(organizations::Column::Version, Expr::col(organizations::Column::Version).add(1))
        .filter(organizations::Column::Id.eq(world.id()))
        .exec(&world.store.inner.writer)
        .await
        .expect("changed");
    count_change(&world.store, false).await;
}

/// While not one of many changed organizations can be read, revocations arrive and the database is not away.
#[rstest]
#[tokio::test]
async fn a_revocation_does_not_wait_for_other_changes(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
    #[values(false, true)] numbered: bool,
) {
    let world = World::new(kind).await;
    many_organizations(&world, 3_000).await;
    let hash = world.store.vault().key_hash("one");
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("a key");
    let second = world.database.open().await;
    assert!(second.snapshots().find_key(&hash).is_some());

    let changed = "UPDATE organizations SET version = version + 1 WHERE name = 'many'";
    world.store.inner.writer.execute_unprepared(changed).await.expect("changed");
    count_change(&world.store, numbered).await;
    if numbered {
        world.organization.api_key_revoke(key.id).await.expect("revoked");
    } else {
        api_keys::Entity::update_many()
            .col_expr(api_keys::Column::RevokedAt, Expr::value(world.database.clock.now()))
            .filter(api_keys::Column::Id.eq(key.id))
            .exec(&world.store.inner.writer)
            .await
            .expect("revoked");
        change_without_number(&world).await;
    }
    let read = || {
        let all = second.snapshots().organizations();
        all.iter().filter(|organization| &*organization.name == "many" && organization.version == 2).count()
    };
    let held = hold_readers(&second).await;
    second.system().follow_revocations().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_none(), "the key is revoked");
    for _ in 0..5 {
        second.system().look().await;
    }
    assert!(!second.is_away());
    assert_eq!(read(), 0);
    drop(held);
    second.system().follow_changes().await.expect("followed");
    assert_eq!(read(), 3_000);
    assert!(second.snapshots().find_key(&hash).is_none(), "the key stays revoked");
}

/// After a change of a key, only the key is read again, unless the release before has changed something.
#[rstest]
#[tokio::test]
async fn a_change_of_a_key_reads_nothing_else(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    world.model("smart").await;
    let second = world.database.open().await;
    let key = |store: &Store, key: &str| store.snapshots().find_key(&world.store.vault().key_hash(key));
    let name = |store: &Store| key(store, "one").expect("a key").1.name.to_string();
    let one = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("a key");
    let two = world.organization.api_key_create(new_key(&world.store, "two")).await.expect("a key");
    second.system().follow_changes().await.expect("followed");
    // No change of the product, so it shows whether the key is read again.
    api_keys::Entity::update_many()
        .col_expr(api_keys::Column::Name, Expr::value("read again"))
        .filter(api_keys::Column::Id.eq(one.id))
        .exec(&world.store.inner.writer)
        .await
        .expect("renamed");

    world.organization.api_key_revoke(two.id).await.expect("revoked");
    add_key(&world, "three").await;
    for store in [&world.store, &second] {
        store.system().follow_changes().await.expect("followed");
        assert_eq!(name(store), "app");
        assert!(key(store, "two").is_none() && key(store, "three").is_some());
        assert_eq!(store.snapshots().organization(world.id()).expect("a snapshot").keys.len(), 2);
    }
    change_without_number(&world).await;
    add_key(&world, "four").await;
    for store in [&world.store, &second] {
        store.system().follow_changes().await.expect("followed");
        assert_eq!(name(store), "read again");
        assert_eq!(store.snapshots().organization(world.id()).expect("a snapshot").keys.len(), 3);
    }
    // The organization, the key and the change counter.
    let ((), queries) = counted(Box::pin(add_key(&world, "five"))).await;
    assert_eq!(queries, 3);
    world.model("steady").await;
    add_key(&world, "six").await;
    second.system().follow_changes().await.expect("followed");
    for store in [&world.store, &second] {
        let organization = store.snapshots().organization(world.id()).expect("a snapshot");
        let models = ["smart", "steady"].map(|model| organization.models.contains_key(model));
        assert_eq!((models, organization.keys.len()), ([true, true], 5));
    }
}

/// A database that was restored from a backup has lower numbers, and keys that were revoked since are valid again.
#[rstest]
#[tokio::test]
async fn a_restored_database_is_read_again(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let hash = world.store.vault().key_hash("one");
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("a key");
    let before = world.store.snapshots().organization(world.id()).expect("a snapshot").version;
    add_key(&world, "two").await;
    world.organization.api_key_revoke(key.id).await.expect("revoked");
    let second = world.database.open().await;
    assert!(second.snapshots().find_key(&hash).is_none());

    let writer = &world.store.inner.writer;
    for statement in [
        "UPDATE api_keys SET revoked_at = NULL, revocation_seq = NULL".to_owned(),
        format!("UPDATE organizations SET version = {before}, change_seq = 1"),
        "UPDATE instance_state SET value = 1, numbered = 1 WHERE name = 'change_counter'".to_owned(),
    ] {
        writer.execute_unprepared(&statement).await.expect("restored");
    }
    second.system().follow_revocations().await.expect("followed");
    second.system().follow_changes().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_some(), "it is valid again");
    // And what follows is read as ever.
    let restored = world.database.open().await;
    let organization = restored.scoped(world.id(), Actor::system("test"));
    organization.api_key_revoke(key.id).await.expect("revoked");
    second.system().follow_revocations().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_none());
    second.system().follow_changes().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_none());
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
