//! Opening a store: several processes at once, changes by other processes, and the master key.

use rstest::rstest;
use secrecy::SecretString;

use super::database::{TestDatabase, master_key};
use super::{Kind, World, fallback, new_key, new_provider, organization, strings};
use crate::config::Settings;
use crate::domain::fallback_type::FallbackType;
use crate::store::vault::{self, VaultError};
use crate::store::{ConnectError, NewCredential, NewProvider, Store};

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_on_an_empty_database_all_come_up(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let database = TestDatabase::new(kind).await;
    let starts: Vec<_> = (0..3)
        .map(|_| {
            let (settings, clock) = (database.settings.clone(), database.clock.clone());
            tokio::spawn(async move { Store::open(&settings, clock).await.expect("a store") })
        })
        .collect();
    let mut stores = Vec::new();
    for start in starts {
        stores.push(start.await.expect("no panic"));
    }
    // They created one set of secrets: a key that one of them issues works in the others.
    let hash = stores[0].vault().key_hash("one");
    assert!(stores.iter().all(|store| store.vault().key_hash("one") == hash));
    assert!(stores.iter().all(|store| store.snapshots().is_loaded()));
    let acme = organization(&stores[0], "acme").await;
    acme.api_key_create(new_key(&stores[0], "one")).await.expect("a key");
    for store in &stores[1..] {
        store.system().follow_changes().await.expect("followed");
        assert!(store.snapshots().find_key(&hash).is_some());
    }
}

#[rstest]
#[tokio::test]
async fn another_process_follows_every_change(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let second = world.database.open().await;
    let hash = world.store.vault().key_hash("one");
    let key = world.organization.api_key_create(new_key(&world.store, "one")).await.expect("a key");
    world.models(&["smart", "steady"]).await;
    world.organization.fallback_set(fallback("smart", &["steady"]), None).await.expect("set");
    assert!(second.snapshots().find_key(&hash).is_none(), "it has not looked yet");

    second.system().follow_changes().await.expect("followed");
    let (snapshot, _) = second.snapshots().find_key(&hash).expect("the key");
    let ours = world.store.snapshots().organization(world.id()).expect("a snapshot");
    assert_eq!(snapshot.version, ours.version);
    let chain = snapshot.chains[&snapshot.models["smart"].id].general.as_ref().expect("a chain");
    assert_eq!(chain.targets.iter().map(|model| model.name.to_string()).collect::<Vec<_>>(), ["steady"]);

    world.organization.api_key_revoke(key.id).await.expect("revoked");
    world.organization.fallback_delete("smart", FallbackType::General, None).await.expect("deleted");
    second.system().follow_changes().await.expect("followed");
    assert!(second.snapshots().find_key(&hash).is_none());
    assert!(second.snapshots().organization(world.id()).expect("a snapshot").chains.is_empty());

    // An organization without a change is loaded, too.
    let new = organization(&world.store, "new").await;
    second.system().follow_changes().await.expect("followed");
    assert!(second.snapshots().organization(new.organization_id()).is_some());
}

fn with_master_key(settings: &Settings, key: &str) -> Settings {
    let mut settings = settings.clone();
    settings.secrets.master_key = Some(key.into());
    settings
}

/// The current key, from the settings or from the file that the first start created.
fn key_in_use(database: &TestDatabase) -> String {
    use secrecy::ExposeSecret as _;
    match &database.settings.secrets.master_key {
        Some(key) => key.expose_secret().to_owned(),
        None => {
            let file =
                format!("{}.key", database.settings.database.url.expose().trim_start_matches("sqlite://"));
            std::fs::read_to_string(file).expect("the key file")
        }
    }
}

#[rstest]
#[tokio::test]
async fn after_a_rotation_the_new_master_key_opens_everything_and_the_old_one_nothing(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let new = NewProvider { credential: Some("sk-credential".into()), ..new_provider("vendor", "openai") };
    let vendor = world.organization.provider_create(new).await.expect("a provider");
    world.organization.model_create(super::model(vendor.id, "smart")).await.expect("a model");
    let spare = NewCredential {
        name: "spare".to_owned(),
        weight: 1,
        tier: 1,
        credential: "sk-spare-credential".into(),
    };
    world.organization.credential_create(vendor.id, spare).await.expect("a credential");
    let key = NewKey::of(&world);
    let old = key_in_use(&world.database);

    let given: Option<SecretString> = (kind == Kind::Postgres).then(|| master_key(8).into());
    let count = vault::rotate(&world.store, &world.database.settings, given.as_ref()).await.expect("rotated");
    assert_eq!(count, 5, "three secrets of the installation and two credentials");

    let settings = match given {
        Some(_) => with_master_key(&world.database.settings, &master_key(8)),
        None => world.database.settings.clone(),
    };
    let reopened = Store::open(&settings, world.database.clock.clone()).await.expect("the new key opens");
    key.still_holds(&reopened);
    let models = reopened.snapshots().organization(world.id()).expect("a snapshot");
    let deployments = models.models["smart"].deployments.as_deref().expect("two deployments");
    for (deployment, expected) in deployments.iter().zip(["sk-credential", "sk-spare-credential"]) {
        let credential = deployment.provider.credential.as_ref().expect("a credential");
        assert_eq!(secrecy::ExposeSecret::expose_secret(credential), expected);
    }

    let refused =
        Store::open(&with_master_key(&world.database.settings, &old), world.database.clock.clone()).await;
    assert!(matches!(refused, Err(ConnectError::Vault(VaultError::Wrong))), "{refused:?}");
}

/// Between its commit and the replacement of the key file, a rotation leaves both keys on disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_was_cut_off_is_finished_by_the_next_start() {
    let world = World::new(Kind::Sqlite).await;
    let settings = &world.database.settings;
    let file = std::path::PathBuf::from(format!(
        "{}.key",
        settings.database.url.expose().trim_start_matches("sqlite://")
    ));
    let staged = std::path::PathBuf::from(format!("{}.new", file.display()));
    let old = std::fs::read_to_string(&file).expect("the old key");
    vault::rotate(&world.store, settings, None).await.expect("rotated");
    let new = std::fs::read_to_string(&file).expect("the new key");
    assert!(!staged.exists() && new != old);

    // The state after a crash right after the commit.
    std::fs::write(&file, &old).expect("written");
    std::fs::write(&staged, &new).expect("written");
    Store::open(settings, world.database.clock.clone()).await.expect("the new key opens");
    assert_eq!(std::fs::read_to_string(&file).expect("the key"), new);
    assert!(!staged.exists());

    // The state after a crash right before the commit: the new key is not in use and stays in its own file.
    std::fs::write(&staged, master_key(9)).expect("written");
    Store::open(settings, world.database.clock.clone()).await.expect("the key in use opens");
    assert_eq!(std::fs::read_to_string(&file).expect("the key"), new);
}

/// What a rotation must not change: the pepper of the API keys and the signing key of sessions.
struct NewKey {
    hash: [u8; 32],
    signing_key: [u8; 32],
}

impl NewKey {
    fn of(world: &World) -> Self {
        let vault = world.store.vault();
        Self { hash: vault.key_hash("one"), signing_key: *vault.signing_key() }
    }

    fn still_holds(&self, store: &Store) {
        assert_eq!(store.vault().key_hash("one"), self.hash);
        assert_eq!(store.vault().signing_key(), &self.signing_key);
    }
}

#[rstest]
#[tokio::test]
async fn a_wrong_or_malformed_master_key_stops_the_start(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let open = async |key: &str| {
        Store::open(&with_master_key(&world.database.settings, key), world.database.clock.clone()).await
    };
    let wrong = open(&master_key(9)).await;
    assert!(matches!(wrong, Err(ConnectError::Vault(VaultError::Wrong))), "{wrong:?}");
    for key in strings(&["", "short", "!!!"]) {
        let malformed = open(&key).await;
        assert!(matches!(malformed, Err(ConnectError::Vault(VaultError::Malformed { .. }))), "{malformed:?}");
    }
    assert!(open(&key_in_use(&world.database)).await.is_ok());
}
