//! API keys: their permissions and their revocation.

use chrono::TimeDelta;
use entity::audit_entries;
use rstest::rstest;
use sea_orm::EntityTrait as _;

use super::{Kind, World, conflict, new_key, strings};
use crate::domain::error::Error;
use crate::store::{ApiKeyChange, NewApiKey};

#[rstest]
#[tokio::test]
async fn a_key_works_when_made_and_not_when_revoked(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let hash = world.store.vault().key_hash("one");
    assert!(world.store.snapshots().find_key(&hash).is_none());
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("made");
    let (snapshot, entry) = world.store.snapshots().find_key(&hash).expect("it works");
    assert_eq!(
        (snapshot.id, entry.id, entry.scopes.as_slice()),
        (world.id(), key.id, &strings(&["inference"])[..])
    );

    let revoked = world.organization.api_key_revoke(key.id).await.expect("revoked").expect("there");
    assert_eq!(revoked.revoked_at, Some(world.database.clock.now()));
    assert!(world.store.snapshots().find_key(&hash).is_none());
    // A second revocation has the same result and adds no audit entry.
    world.database.hand.advance(std::time::Duration::from_secs(1));
    assert_eq!(world.organization.api_key_revoke(key.id).await.expect("read"), Some(revoked.clone()));
    assert_eq!(world.organization.api_key_find(key.id).await.expect("read"), Some(revoked));
    let entries = audit_entries::Entity::find().all(world.organization.reader()).await.expect("entries");
    assert_eq!(entries.iter().filter(|entry| entry.action == "api_key.revoke").count(), 1);
    let message = conflict(world.organization.api_key_change(key.id, ApiKeyChange::default()).await);
    assert!(message.contains("revoked"), "{message}");
}

#[rstest]
#[tokio::test]
async fn a_change_is_in_force_at_once_and_keeps_what_it_does_not_name(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady"]).await;
    let expires_at = world.database.clock.now() + TimeDelta::days(1);
    let new = NewApiKey {
        models: Some(strings(&["smart"])),
        requests_per_minute: Some(60),
        concurrent_requests: Some(4),
        // More precise than a database stores.
        expires_at: Some(expires_at + TimeDelta::nanoseconds(999)),
        ..new_key(&world.store, "one")
    };
    let key = world.organization.api_key_create(new).await.expect("made");
    assert_eq!(key.expires_at, Some(expires_at));
    assert_eq!(world.organization.api_key_find(key.id).await.expect("read").as_ref(), Some(&key));

    let change = ApiKeyChange {
        models: Some(Some(strings(&["steady"]))),
        requests_per_minute: Some(None),
        ..ApiKeyChange::default()
    };
    let changed = world.organization.api_key_change(key.id, change).await.expect("changed").expect("there");
    assert_eq!((changed.requests_per_minute, changed.concurrent_requests), (None, Some(4)));
    assert_eq!((changed.expires_at, &changed.name), (key.expires_at, &key.name));
    let (_, entry) =
        world.store.snapshots().find_key(&world.store.vault().key_hash("one")).expect("it works");
    assert!(entry.allows_model("steady") && !entry.allows_model("smart"));
    assert_eq!((entry.limits.requests_per_minute, entry.limits.concurrent_requests), (None, Some(4)));

    let freed = ApiKeyChange { models: Some(None), ..ApiKeyChange::default() };
    world.organization.api_key_change(key.id, freed).await.expect("changed");
    let (_, entry) =
        world.store.snapshots().find_key(&world.store.vault().key_hash("one")).expect("it works");
    assert!(entry.allows_model("smart"));
}

#[rstest]
#[tokio::test]
async fn an_allow_list_names_living_models(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let gone = world.model("gone").await;
    world.organization.model_delete(gone.id).await.expect("deleted").expect("there");
    world.model("smart").await;
    let models = Some(strings(&["smart", "gone", "ghost"]));
    let new = NewApiKey { models: models.clone(), ..new_key(&world.store, "one") };
    let refused = world.organization.api_key_create(new).await;
    let Err(Error::Invalid(violations)) = &refused else { panic!("{refused:?}") };
    let found: Vec<String> =
        violations.iter().map(|one| format!("{:?} {}", one.location, one.message)).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("Index(1)") && found[0].contains("'gone'"), "{found:?}");
    assert!(found[1].contains("Index(2)") && found[1].contains("'ghost'"), "{found:?}");
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("made");
    let change = ApiKeyChange { models: Some(models), ..ApiKeyChange::default() };
    let refused = world.organization.api_key_change(key.id, change).await;
    assert!(matches!(&refused, Err(Error::Invalid(found)) if found.len() == 2), "{refused:?}");
    assert_eq!(world.organization.api_key_find(key.id).await.expect("read"), Some(key));
}

#[rstest]
#[tokio::test]
async fn the_last_use_is_noted_where_it_is_new(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("made");
    let other = world.organization.api_key_create(new_key(&world.store, "two")).await.expect("made");
    let (_, entry) =
        world.store.snapshots().find_key(&world.store.vault().key_hash("one")).expect("it works");
    let now = world.database.clock.now().timestamp();
    entry.last_used.store(now, std::sync::atomic::Ordering::Relaxed);
    // Another snapshot of the organization keeps it.
    world.model("smart").await;
    world.store.system().api_key_touch(now).await.expect("touched");
    let last_used =
        async |id| world.organization.api_key_find(id).await.expect("read").expect("there").last_used_at;
    assert_eq!(last_used(key.id).await.map(|at| at.timestamp()), Some(now));
    assert_eq!(last_used(other.id).await, None);
}

#[rstest]
#[tokio::test]
async fn another_organizations_key_is_not_there(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("made");
    let (other, _) = world.other().await;
    assert_eq!(other.api_key_find(key.id).await.expect("read"), None);
    assert_eq!(other.api_key_change(key.id, ApiKeyChange::default()).await.expect("read"), None);
    assert_eq!(other.api_key_revoke(key.id).await.expect("read"), None);
    assert!(world.store.snapshots().find_key(&world.store.vault().key_hash("one")).is_some());
}
