//! Two servers on one database: one has much to read of what changed, or the release before has made the change.

use std::time::{Duration, Instant};

use failsoft::domain::permission::Scope;
use failsoft::store::pagination::PageRequest;
use reqwest::Method;
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, TransactionTrait as _,
};

use crate::support::app::{App, beginning, eventually};
use crate::support::fake_provider::FakeProvider;
use crate::support::on_both_databases;

/// The organizations that change at once.
const MANY: usize = 3_000;
/// The time after which a revoked key is refused in every process.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);

/// The status of a call that needs no connection to the database, and is refused if that is away.
async fn status(app: &App, key: &str) -> u16 {
    app.call(app.request(Method::GET, "/v1/identity/whoami"), key).await.status
}

async fn in_one_transaction(database: &DatabaseConnection, statements: &[&str]) {
    let transaction = database.begin().await.expect("begun");
    for statement in statements {
        transaction.execute_unprepared(statement).await.expect(statement);
    }
    transaction.commit().await.expect("committed");
}

/// The numbers from 1, as the table `numbers`.
fn numbers(backend: DbBackend, count: usize) -> String {
    match backend {
        DbBackend::Sqlite => format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
        ),
        _ => format!("WITH numbers AS (SELECT n FROM generate_series(1, {count}) AS n)"),
    }
}

/// Organizations called `many`, which no process has seen.
async fn insert_organizations(database: &DatabaseConnection) {
    let backend = database.get_database_backend();
    let id = match backend {
        DbBackend::Sqlite => "unhex(printf('%032x', n))",
        _ => "lpad(to_hex(n), 32, '0')::uuid",
    };
    let now = "2024-10-04 00:00:00+00:00";
    let insert = format!(
        "{} INSERT INTO organizations (id, name, settings, version, created_at, updated_at) \
         SELECT {id}, 'many', '{{}}', 1, '{now}', '{now}' FROM numbers WHERE true",
        numbers(backend, MANY)
    );
    database.execute_unprepared(&insert).await.expect("inserted");
}

/// Changes all of them, and more than their keys, each with a number.
async fn change_organizations(database: &DatabaseConnection) {
    let number = "UPDATE organizations \
                  SET version = version + 1, catalog_version = version + 1, change_seq = counted.number \
                  FROM (SELECT id, (SELECT value FROM instance_state WHERE name = 'change_counter') \
                  + row_number() OVER (ORDER BY id) AS number FROM organizations WHERE name = 'many') AS counted \
                  WHERE organizations.id = counted.id";
    let count = format!(
        "UPDATE instance_state SET value = value + {MANY}, numbered = numbered + {MANY} \
         WHERE name = 'change_counter'"
    );
    in_one_transaction(database, &[number, &count]).await;
}

/// How many of them the server has in the version after the change.
fn changed(app: &App) -> usize {
    let all = app.store.snapshots().organizations();
    all.iter().filter(|organization| &*organization.name == "many" && organization.version == 2).count()
}

/// Keeps all servers from reading models, until it is rolled back. SQLite has no such lock.
async fn lock(database: &DatabaseConnection) -> Option<DatabaseTransaction> {
    if database.get_database_backend() == DbBackend::Sqlite {
        return None;
    }
    let lock = database.begin().await.expect("begun");
    lock.execute_unprepared("LOCK TABLE models IN ACCESS EXCLUSIVE MODE").await.expect("locked");
    Some(lock)
}

on_both_databases! {
    async fn a_key_is_revoked_at_once_while_thousands_of_organizations_are_read(app: App) {
        let database = app.database().await;
        insert_organizations(&database).await;
        let other = app.beside(|_| {}).await;
        let key = app.organization.key_with(&[Scope::Inference]).await;
        eventually(async || (status(&other, &key).await == 200).then_some(())).await;
        let store = &app.organization.store;
        let id = store.api_key_list(&PageRequest { limit: 1, cursor: None }).await.expect("keys").items[0].id;

        let locking = app.database().await;
        let lock = lock(&locking).await;
        change_organizations(&database).await;
        let begun = Instant::now();
        store.api_key_revoke(id).await.expect("revoked").expect("a key");
        eventually(async || (status(&other, &key).await == 401).then_some(())).await;
        let passed = begun.elapsed();
        assert!(passed <= REVOKED_WITHIN, "{passed:?}");

        // More checks than an outage needs.
        for _ in 0..5 {
            app.store.system().look().await;
            other.store.system().look().await;
        }
        let owner = &app.organization.key;
        assert_eq!((status(&app, owner).await, status(&other, owner).await), (200, 200));
        if let Some(lock) = lock {
            assert_eq!((changed(&app), changed(&other)), (0, 0));
            lock.rollback().await.expect("unlocked");
        }
        eventually(async || {
            for server in [&app, &other] {
                assert_eq!(server.get("/v1/model-router/models").await.status, 200);
            }
            (changed(&app) == MANY && changed(&other) == MANY).then_some(())
        })
        .await;
        assert_eq!((status(&app, &key).await, status(&other, &key).await), (401, 401));
    }

    async fn changes_of_the_release_before_are_followed(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model("a", provider).await;
        let old = app.organization.key_like(&[Scope::RouterRead], |new| new.name = "old".to_owned()).await;
        let new = app.organization.key_like(&[], |new| new.name = "new".to_owned()).await;
        let other = app.beside(|_| {}).await;
        assert_eq!((status(&other, &old).await, status(&other, &new).await), (200, 200));

        // It gives its change no number, and the change after it has one.
        let revoke = format!("UPDATE api_keys SET revoked_at = '{}' WHERE name = 'old'", beginning().to_rfc3339());
        in_one_transaction(
            &app.database().await,
            &[
                "UPDATE organizations SET version = version + 1",
                "UPDATE models SET enabled = false WHERE name = 'a'",
                "UPDATE api_keys SET scopes = '[\"router:read\"]' WHERE name = 'new'",
                &revoke,
                "UPDATE instance_state SET value = value + 1 WHERE name = 'change_counter'",
            ],
        )
        .await;
        app.organization.model("b", provider).await;
        for server in [&app, &other] {
            eventually(async || (status(server, &old).await == 401).then_some(())).await;
            eventually(async || {
                let listed = server.call(server.request(Method::GET, "/v1/model-router/models"), &new).await;
                (listed.status == 200).then_some(())
            })
            .await;
            eventually(async || {
                let organization = server.store.snapshots().organization(app.organization.id.into());
                let organization = organization.expect("the organization");
                let enabled = |name: &str| organization.models.get(name).is_some_and(|model| model.enabled);
                (!enabled("a") && enabled("b")).then_some(())
            })
            .await;
        }
    }

    async fn one_key_among_many_is_made_and_revoked_everywhere(app: App) {
        let other = app.beside(|_| {}).await;
        let database = app.database().await;
        let backend = database.get_database_backend();
        let (id, hash) = match backend {
            DbBackend::Sqlite => ("randomblob(16)", "randomblob(32)"),
            _ => ("gen_random_uuid()", "sha256(convert_to(n::text, 'UTF8'))"),
        };
        let (count, now) = (10_000, "2024-10-04 00:00:00+00:00");
        let insert = format!(
            "{} INSERT INTO api_keys \
             (id, organization_id, name, key_hash, prefix, last_four, scopes, created_at, updated_at) \
             SELECT {id}, (SELECT id FROM organizations), 'many', {hash}, 'fsk_', 'last', '[]', '{now}', '{now}' \
             FROM numbers WHERE true",
            numbers(backend, count)
        );
        let statements = [
            insert.as_str(),
            "UPDATE organizations SET version = version + 1",
            "UPDATE instance_state SET value = value + 1 WHERE name = 'change_counter'",
        ];
        in_one_transaction(&database, &statements).await;
        let keys = |server: &App| {
            let organization = server.store.snapshots().organization(app.organization.id.into());
            organization.expect("the organization").keys.len()
        };
        for server in [&app, &other] {
            // And the one of the owner.
            eventually(async || (keys(server) == count + 1).then_some(())).await;
        }
        let key = app.organization.key_with(&[]).await;
        assert_eq!((status(&app, &key).await, keys(&app)), (200, count + 2));
        eventually(async || (status(&other, &key).await == 200).then_some(())).await;
        assert_eq!(keys(&other), count + 2);
        let store = &app.organization.store;
        let found = database.query_one_raw(sea_orm::Statement::from_string(
            backend,
            "SELECT CAST(count(*) AS bigint) FROM api_keys WHERE version IS NOT NULL",
        ));
        let numbered: i64 = found.await.expect("read").expect("a row").try_get_by_index(0).expect("a number");
        assert_eq!(numbered, 2, "keys of the product know the version of their change");
        let known = app.store.snapshots().organization(app.organization.id.into()).expect("the organization");
        let own = known.keys.values().filter(|entry| &*entry.name == "test key");
        let newest = own.map(|entry| entry.id).max().expect("a key");
        store.api_key_revoke(newest).await.expect("revoked");
        assert_eq!((status(&app, &key).await, keys(&app)), (401, count + 1));
        eventually(async || (status(&other, &key).await == 401 && keys(&other) == count + 1).then_some(())).await;
        let owner = &app.organization.key;
        assert_eq!((status(&app, owner).await, status(&other, owner).await), (200, 200));
    }
}
