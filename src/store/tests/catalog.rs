//! Models: their names, their providers, and values of the built-in table.

use std::time::Duration;

use rstest::rstest;

use super::{Kind, World, conflict, fallback, invalid, model, new_key, new_provider, strings};
use crate::domain::fallback_type::FallbackType;
use crate::providers::{Capabilities, ParameterRules};
use crate::store::{ModelFields, ModelSettings};

#[rstest]
#[tokio::test]
async fn a_model_reads_back_as_it_was_written_and_changed(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let rules = ParameterRules { drop: strings(&["top_p"]), ..ParameterRules::default() };
    let made = world
        .organization
        .model_create(ModelFields {
            settings: ModelSettings {
                context_window: Some(8_000),
                capabilities: Capabilities { tools: Some(false), ..Capabilities::default() },
                parameter_rules: Some(rules.clone()),
                num_retries: Some(0),
                ..ModelSettings::default()
            },
            ..model(world.provider_id, "openai/gpt-4.1~x")
        })
        .await
        .expect("made");
    assert_eq!(
        (made.settings.parameter_rules.as_ref(), made.provider_preset.as_str()),
        (Some(&rules), "simulated")
    );
    assert_eq!(world.organization.model_find(made.id).await.expect("read").as_ref(), Some(&made));
    let by_name = world.organization.model_find_by_name("openai/gpt-4.1~x").await.expect("read");
    assert_eq!(by_name.as_ref(), Some(&made));
    assert_eq!(world.organization.model_find_by_name("OpenAI/gpt-4.1~x").await.expect("read"), None);
    assert_eq!(world.organization.model_find_by_name("a\0b").await.expect("read"), None);

    world.database.hand.advance(Duration::from_secs(1));
    let change = |model: &mut ModelFields| {
        model.settings.context_window = None;
        model.settings.parameter_rules = None;
        model.settings.answer_timeout_ms = Some(5_000);
        model.enabled = false;
    };
    let changed =
        world.organization.model_change(made.id, None, change).await.expect("changed").expect("there");
    assert_eq!((changed.settings.context_window, changed.settings.parameter_rules.as_ref()), (None, None));
    assert_eq!((changed.settings.answer_timeout_ms, changed.enabled), (Some(5_000), false));
    assert_eq!(
        (changed.settings.num_retries, changed.settings.capabilities),
        (Some(0), made.settings.capabilities)
    );
    assert!(changed.updated_at > made.updated_at && changed.created_at == made.created_at);
    assert_eq!(world.organization.model_find(made.id).await.expect("read"), Some(changed));
    let snapshot = world.store.snapshots().organization(world.id()).expect("a snapshot");
    let entry = &snapshot.models["openai/gpt-4.1~x"];
    assert_eq!((entry.enabled, entry.answer_timeout()), (false, Duration::from_secs(5)));
}

#[rstest]
#[tokio::test]
async fn what_an_organization_leaves_open_is_filled_in_and_its_own_word_wins(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let openai =
        world.organization.provider_create(new_provider("openai", "openai")).await.expect("a provider");
    let known = |name, max_output_tokens, reasoning| ModelFields {
        upstream_model: "o1".to_owned(),
        settings: ModelSettings {
            max_output_tokens,
            capabilities: Capabilities { reasoning, ..Capabilities::default() },
            ..ModelSettings::default()
        },
        ..model(openai.id, name)
    };
    let row = world.organization.model_create(known("filled", None, None)).await.expect("made");
    assert_eq!(
        (row.settings.context_window, row.settings.capabilities),
        (None, Capabilities::default()),
        "the row stays as written"
    );
    world.organization.model_create(known("own", Some(17), Some(false))).await.expect("made");

    let snapshot = world.store.snapshots().organization(world.id()).expect("a snapshot");
    let filled = &snapshot.models["filled"];
    assert_eq!(
        (filled.settings.context_window, filled.settings.capabilities.reasoning),
        (Some(200_000), Some(true))
    );
    assert_eq!(filled.answer_timeout(), Duration::from_secs(300));
    assert!(filled.parameter_rules().rename.contains_key("max_tokens"));
    let price = filled.settings.price.expect("the list price");
    assert_eq!((filled.price_id, price.input), (None, Some(15_000_000)));
    let own = &snapshot.models["own"];
    assert_eq!(
        (own.settings.max_output_tokens, own.settings.capabilities.reasoning),
        (Some(17), Some(false))
    );
    assert_eq!(own.answer_timeout(), Duration::from_secs(120));
    assert_eq!(own.provider.base_url.as_deref(), Some("https://api.openai.com/v1"));
}

#[rstest]
#[tokio::test]
async fn a_name_is_one_living_models_only(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let smart = world.model("smart").await;
    let steady = world.model("steady").await;
    let taken = conflict(world.organization.model_create(model(world.provider_id, "smart")).await);
    assert!(taken.contains("'smart'"), "{taken}");
    let rename = |model: &mut ModelFields| model.name = "smart".to_owned();
    let taken = conflict(world.organization.model_change(steady.id, None, rename).await);
    assert!(taken.contains("'smart'"), "{taken}");
    // Its own name is no conflict, and the name of a deleted model is free.
    assert!(world.organization.model_change(smart.id, None, rename).await.expect("unchanged").is_some());
    world.organization.model_delete(smart.id).await.expect("deleted").expect("there");
    assert_eq!(world.organization.model_find(smart.id).await.expect("read"), None);
    let renamed =
        world.organization.model_change(steady.id, None, rename).await.expect("renamed").expect("there");
    assert_eq!((renamed.id, renamed.name.as_str()), (steady.id, "smart"));
    assert_ne!(world.model("steady").await.id, steady.id);
}

#[rstest]
#[tokio::test]
async fn a_renamed_model_takes_its_fallbacks_and_its_keys_along(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "spare"]).await;
    let steady = world.model("steady").await;
    let organization = &world.organization;
    let (config, _) =
        organization.fallback_set(fallback("smart", &["steady", "spare"]), None).await.expect("set");
    let mut key = new_key(&world.store, "one");
    key.models = Some(strings(&["smart", "steady"]));
    let key = organization.api_key_create(key).await.expect("a key");
    let all = organization.api_key_create(new_key(&world.store, "two")).await.expect("a key");

    let rename = |model: &mut ModelFields| model.name = "calm".to_owned();
    organization.model_change(steady.id, None, rename).await.expect("renamed").expect("there");
    let found =
        organization.fallback_find("smart", FallbackType::General).await.expect("read").expect("there");
    assert_eq!((found.fallback_models, found.config_id), (strings(&["calm", "spare"]), config.config_id));
    assert_eq!(found.revision, 1, "the list is the same list");
    let key = organization.api_key_find(key.id).await.expect("read").expect("there");
    assert_eq!(key.models, Some(strings(&["smart", "calm"])));
    assert_eq!(organization.api_key_find(all.id).await.expect("read").expect("there").models, None);
    let (_, entry) = world.store.snapshots().find_key(&world.store.vault().key_hash("one")).expect("a key");
    assert!(entry.allows_model("calm") && !entry.allows_model("steady"));
}

#[rstest]
#[tokio::test]
async fn a_model_needs_a_living_provider_of_its_own_organization(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (_, foreign) = world.other().await;
    let gone = world.organization.provider_create(new_provider("gone", "custom")).await.expect("made").id;
    world.organization.provider_delete(gone).await.expect("deleted").expect("there");
    let smart = world.model("smart").await;
    for provider_id in [foreign, gone] {
        let (field, message) = invalid(world.organization.model_create(model(provider_id, "x")).await);
        assert!(field.contains("provider_id") && message.contains("no such provider"), "{field}: {message}");
        let change = |model: &mut ModelFields| model.provider_id = provider_id;
        invalid(world.organization.model_change(smart.id, None, change).await);
    }
    assert_eq!(world.organization.model_find(smart.id).await.expect("read"), Some(smart));
}

#[rstest]
#[tokio::test]
async fn a_model_in_use_is_not_deleted_and_the_answer_names_where(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "clever"]).await;
    let steady = world.model("steady").await;
    let organization = &world.organization;
    for source in ["smart", "clever"] {
        organization.fallback_set(fallback(source, &["steady"]), None).await.expect("set");
    }
    let message = conflict(organization.model_delete(steady.id).await);
    assert!(message.contains("'clever', 'smart'"), "{message}");
    let smart = organization.model_find_by_name("smart").await.expect("read").expect("there");
    let message = conflict(organization.model_delete(smart.id).await);
    assert!(message.contains("of 'smart'"), "{message}");

    // Only the active configuration counts, not the history.
    world.model("spare").await;
    organization.fallback_set(fallback("smart", &["spare"]), None).await.expect("set");
    organization.fallback_delete("clever", FallbackType::General, None).await.expect("deleted");
    let deleted = organization.model_delete(steady.id).await.expect("deleted").expect("there");
    assert_eq!(deleted.name, "steady");
    assert!(
        !world.store.snapshots().organization(world.id()).expect("a snapshot").models.contains_key("steady")
    );
}

#[rstest]
#[tokio::test]
async fn another_organizations_model_is_not_there(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let smart = world.model("smart").await;
    let (other, _) = world.other().await;
    assert_eq!(other.model_find(smart.id).await.expect("read"), None);
    assert_eq!(other.model_find_by_name("smart").await.expect("read"), None);
    assert_eq!(other.model_change(smart.id, None, |_| {}).await.expect("read"), None);
    assert_eq!(other.model_delete(smart.id).await.expect("read"), None);
    assert_eq!(world.organization.model_find(smart.id).await.expect("read"), Some(smart));
}
