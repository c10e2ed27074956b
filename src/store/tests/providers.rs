//! Providers: their names, their credentials, and where credentials may be sent.

use entity::{audit_entries, provider_credentials, providers};
use rstest::rstest;
use sea_orm::EntityTrait as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Kind, World, conflict, invalid, new_provider};
use crate::store::{NewCredential, NewProvider, OrgStore, ProviderChange, ProviderRow};

const SECRET: &str = "sk-very-secret-1234";

async fn with_credential(organization: &OrgStore, base_url: Option<&str>) -> ProviderRow {
    let new = NewProvider {
        base_url: base_url.map(str::to_owned),
        credential: Some(SECRET.into()),
        ..new_provider("vendor", "openai")
    };
    organization.provider_create(new).await.expect("a provider")
}

fn credential_in_force(world: &World) -> Option<String> {
    let snapshot = world.store.snapshots().organization(world.id()).expect("a snapshot");
    let model = snapshot.models.get("smart").expect("the model");
    model.provider.credential.as_ref().map(|credential| credential.expose_secret().to_owned())
}

#[rstest]
#[tokio::test]
async fn a_credential_is_sealed_used_and_never_shown(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let vendor = with_credential(&world.organization, None).await;
    assert_eq!((vendor.has_credential, vendor.credential_hint.as_deref()), (true, Some("1234")));
    world.organization.model_create(super::model(vendor.id, "smart")).await.expect("a model");
    assert_eq!(credential_in_force(&world).as_deref(), Some(SECRET));

    let reader = world.organization.reader();
    let rows = providers::Entity::find().all(reader).await.expect("rows");
    let sealed = rows.into_iter().find_map(|row| row.credential).expect("a sealed credential");
    assert!(!sealed.windows(6).any(|part| part == b"secret"));
    let entries = audit_entries::Entity::find().all(reader).await.expect("entries");
    assert!(entries.iter().all(|entry| !format!("{entry:?}").contains("very-secret")));

    // A short credential has no hint, and null removes it.
    let change = |credential: Option<&str>| ProviderChange {
        credential: Some(credential.map(SecretString::from)),
        ..ProviderChange::default()
    };
    let short = world.organization.provider_change(vendor.id, change(Some("sk-12345678"))).await;
    assert_eq!(short.expect("changed").expect("there").credential_hint, None);
    assert_eq!(credential_in_force(&world).as_deref(), Some("sk-12345678"));
    let none =
        world.organization.provider_change(vendor.id, change(None)).await.expect("changed").expect("there");
    assert!(!none.has_credential);
    assert_eq!(credential_in_force(&world), None);
}

#[rstest]
#[case::scheme(None, Some("http://api.openai.com/v1"), true)]
#[case::host(None, Some("https://api.openai.com.evil.example/v1"), true)]
#[case::port(None, Some("https://api.openai.com:8443/v1"), true)]
#[case::preset(Some("azure"), Some("https://api.openai.com/v1"), true)]
#[case::no_address(None, Some("not an address"), true)]
#[case::path(None, Some("https://api.openai.com:443/v2"), false)]
#[case::nothing(Some("openai"), None, false)]
#[tokio::test]
async fn a_credential_goes_nowhere_else_unless_it_is_given_again(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
    #[case] preset: Option<&str>,
    #[case] base_url: Option<&str>,
    #[case] refused: bool,
) {
    let world = World::new(kind).await;
    let vendor = with_credential(&world.organization, None).await;
    let change = |credential| ProviderChange {
        preset: preset.map(str::to_owned),
        base_url: Some(base_url.map(str::to_owned)),
        credential,
        ..ProviderChange::default()
    };
    let result = world.organization.provider_change(vendor.id, change(None)).await;
    if refused {
        let (field, message) = invalid(result);
        assert!(field.contains("credential") && message.contains("again"), "{field}: {message}");
        assert_eq!(world.organization.provider_find(vendor.id).await.expect("read"), Some(vendor.clone()));
    } else {
        assert!(result.expect("changed").expect("there").has_credential);
    }
    for given in [Some(SecretString::from("sk-another-one")), None] {
        let there = given.is_some();
        let changed = world.organization.provider_change(vendor.id, change(Some(given))).await;
        assert_eq!(changed.expect("changed").expect("there").has_credential, there);
    }
}

#[rstest]
#[tokio::test]
async fn a_name_is_one_living_providers_only(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let organization = &world.organization;
    let first = organization.provider_create(new_provider("vendor", "custom")).await.expect("made");
    let taken = conflict(organization.provider_create(new_provider("vendor", "groq")).await);
    assert!(taken.contains("'vendor'"), "{taken}");
    let rename = |name: &str| ProviderChange { name: Some(name.to_owned()), ..ProviderChange::default() };
    conflict(organization.provider_change(first.id, rename("simulated")).await);
    assert!(organization.provider_change(first.id, rename("vendor")).await.expect("unchanged").is_some());
    organization.provider_delete(first.id).await.expect("deleted").expect("there");
    assert_eq!(organization.provider_find(first.id).await.expect("read"), None);
    assert_eq!(organization.provider_delete(first.id).await.expect("read"), None);
    organization.provider_create(new_provider("vendor", "groq")).await.expect("the name is free");
}

#[rstest]
#[tokio::test]
async fn a_provider_in_use_is_not_deleted_and_a_deleted_one_has_no_credential(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let vendor = with_credential(&world.organization, Some("https://vendor.example/v1")).await;
    let mut models = Vec::new();
    for name in ["smart", "clever"] {
        models.push(world.organization.model_create(super::model(vendor.id, name)).await.expect(name).id);
    }
    let message = conflict(world.organization.provider_delete(vendor.id).await);
    assert!(message.contains("'clever', 'smart'"), "{message}");
    for id in models {
        world.organization.model_delete(id).await.expect("deleted").expect("there");
    }
    let deleted = world.organization.provider_delete(vendor.id).await.expect("deleted").expect("there");
    assert_eq!(deleted, vendor);
    let rows = providers::Entity::find().all(world.organization.reader()).await.expect("rows");
    assert!(rows.iter().all(|row| row.credential.is_none() && row.credential_hint.is_none()));
}

#[rstest]
#[tokio::test]
async fn further_credentials_are_sealed_used_and_erased_with_their_provider(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let vendor = with_credential(&world.organization, None).await;
    let model = world.organization.model_create(super::model(vendor.id, "smart")).await.expect("a model");
    let new = NewCredential {
        name: "on demand".to_owned(),
        weight: 2,
        tier: 1,
        credential: "sk-further-5678".into(),
    };
    let further = world.organization.credential_create(vendor.id, new).await.expect("made").expect("there");
    let rows = provider_credentials::Entity::find().all(world.organization.reader()).await.expect("rows");
    assert!(!rows[0].credential.windows(7).any(|part| part == b"further"));
    let entries = audit_entries::Entity::find().all(world.organization.reader()).await.expect("entries");
    assert!(entries.iter().all(|entry| !format!("{entry:?}").contains("sk-further")));

    let snapshot = world.store.snapshots().organization(world.id()).expect("a snapshot");
    let deployments = snapshot.models["smart"].deployments.as_deref().expect("two deployments");
    let used = deployments.iter().map(|one| {
        let entry = &one.provider.credential_entry;
        let secret = one.provider.credential.as_ref().expect("a credential").expose_secret();
        (&*entry.name, entry.weight, entry.tier, secret)
    });
    let expected = [("default", 1, 0, SECRET), ("on demand", 2, 1, "sk-further-5678")];
    assert_eq!(used.collect::<Vec<_>>(), expected);
    assert_ne!(deployments[0].cooldown_id(), deployments[1].cooldown_id());

    // The release before this one changes the first credential in the provider's row.
    let first =
        ProviderChange { credential: Some(Some("sk-rotated-9012".into())), ..ProviderChange::default() };
    world.organization.provider_change(vendor.id, first).await.expect("changed").expect("there");
    assert_eq!(credential_in_force(&world).as_deref(), Some("sk-rotated-9012"));
    let (other, _) = world.other().await;
    assert_eq!(other.credential_find(further.id).await.expect("read"), None);
    assert_eq!(other.credential_list(vendor.id).await.expect("read"), None);

    world.organization.model_delete(model.id).await.expect("deleted").expect("there");
    world.organization.provider_delete(vendor.id).await.expect("deleted").expect("there");
    let rows = provider_credentials::Entity::find().all(world.organization.reader()).await.expect("rows");
    assert!(rows.is_empty());
}

#[rstest]
#[tokio::test]
async fn another_organizations_provider_is_not_there(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let vendor = with_credential(&world.organization, None).await;
    let (other, _) = world.other().await;
    assert_eq!(other.provider_find(vendor.id).await.expect("read"), None);
    assert_eq!(other.provider_change(vendor.id, ProviderChange::default()).await.expect("read"), None);
    assert_eq!(other.provider_delete(vendor.id).await.expect("read"), None);
    assert_eq!(world.organization.provider_find(vendor.id).await.expect("read"), Some(vendor));
}
