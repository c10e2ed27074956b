//! Fallback configurations: the current one, the history, and concurrent changes.

use std::time::Duration;

use entity::{audit_entries, fallback_configs, fallback_revisions, fallback_targets};
use rstest::rstest;
use sea_orm::{EntityTrait as _, QueryOrder as _};

use super::{Kind, World, fallback, strings};
use crate::domain::error::Error;
use crate::domain::fallback_type::FallbackType;
use crate::store::{FallbackFilter, FallbackOutcome, FallbackRow, NewFallback};

use FallbackType::{ContentPolicy, ContextWindow, General};

impl World {
    async fn set(&self, new: NewFallback) -> (FallbackRow, FallbackOutcome) {
        self.database.hand.advance(Duration::from_secs(1));
        self.organization.fallback_set(new, None).await.expect("set")
    }

    /// Every revision: its number, its kind and its number of targets.
    async fn history(&self) -> Vec<(i64, String, usize)> {
        let reader = self.organization.reader();
        let revisions = fallback_revisions::Entity::find()
            .order_by_asc(fallback_revisions::Column::Number)
            .all(reader)
            .await
            .expect("revisions");
        let targets = fallback_targets::Entity::find().all(reader).await.expect("targets");
        let count = |id| targets.iter().filter(|target| target.revision_id == id).count();
        revisions.into_iter().map(|row| (row.number, row.kind, count(row.id))).collect()
    }
}

#[rstest]
#[tokio::test]
async fn a_configuration_keeps_its_id_and_its_history_over_delete_and_new_create(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady", "spare"]).await;

    let (first, outcome) = world.set(fallback("smart", &["steady"])).await;
    assert_eq!((outcome, first.revision), (FallbackOutcome::Created, 1));
    let (second, outcome) = world.set(fallback("smart", &["spare", "steady"])).await;
    assert_eq!((outcome, second.revision), (FallbackOutcome::Replaced, 2));
    assert_eq!(second.fallback_models, strings(&["spare", "steady"]));
    assert_eq!((second.config_id, second.created_at), (first.config_id, first.created_at));
    assert!(second.updated_at > first.updated_at);
    assert_eq!(
        world.organization.fallback_find("smart", General).await.expect("found"),
        Some(second.clone())
    );

    let deleted = world.organization.fallback_delete("smart", General, None).await.expect("deleted");
    assert_eq!(deleted, Some(second));
    assert_eq!(world.organization.fallback_find("smart", General).await.expect("read"), None);
    assert_eq!(world.organization.fallback_delete("smart", General, None).await.expect("read"), None);
    assert!(world.organization.fallback_list(&FallbackFilter::default()).await.expect("read").is_empty());

    let (again, outcome) = world.set(fallback("smart", &["steady"])).await;
    assert_eq!((outcome, again.revision, again.config_id), (FallbackOutcome::Created, 4, first.config_id));
    assert_eq!(world.organization.fallback_find("smart", General).await.expect("found"), Some(again));
    let history: Vec<_> = world
        .history()
        .await
        .into_iter()
        .map(|(number, kind, targets)| format!("{number} {kind} {targets}"))
        .collect();
    assert_eq!(history, ["1 set 1", "2 set 2", "3 deleted 0", "4 set 1"]);
}

#[rstest]
#[tokio::test]
async fn setting_what_is_in_force_writes_nothing(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady"]).await;
    let (first, _) = world.set(fallback("smart", &["steady"])).await;
    let (same, outcome) = world.set(fallback("smart", &["steady"])).await;
    assert_eq!((same, outcome), (first, FallbackOutcome::Replaced));
    assert_eq!(world.history().await.len(), 1);

    // Another trigger has another list.
    let narrowed =
        NewFallback { triggers: Some(strings(&["rate_limited"])), ..fallback("smart", &["steady"]) };
    let (narrowed, _) = world.set(narrowed).await;
    assert_eq!((narrowed.revision, &narrowed.triggers), (2, &Some(strings(&["rate_limited"]))));
    assert_eq!(world.organization.fallback_find("smart", General).await.expect("found"), Some(narrowed));
}

#[rstest]
#[tokio::test]
async fn names_are_checked_in_order_and_the_answer_says_which_there_are(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "a/steady"]).await;
    let set = |new| world.organization.fallback_set(new, Some(99));
    let catalog = strings(&["a/steady", "smart"]);

    match set(fallback("ghost", &["phantom", "ghost"])).await {
        Err(Error::ModelUnknown { model, available, .. }) => {
            assert_eq!((model.as_str(), available), ("ghost", catalog.clone()))
        }
        other => panic!("{other:?}"),
    }
    match set(fallback("smart", &["z", "smart", "a"])).await {
        Err(Error::FallbacksUnknown { models, available, .. }) => {
            assert_eq!((models, available), (strings(&["z", "a"]), catalog))
        }
        other => panic!("{other:?}"),
    }
    match set(fallback("smart", &["a/steady", "smart"])).await {
        Err(Error::FallbackToSelf { model }) => assert_eq!(model, "smart"),
        other => panic!("{other:?}"),
    }
    match set(fallback("smart", &["a/steady"])).await {
        Err(Error::RevisionChanged { current }) => assert_eq!(current, 0),
        other => panic!("{other:?}"),
    }
    assert!(world.history().await.is_empty(), "a refused list leaves nothing behind");
}

#[rstest]
#[tokio::test]
async fn if_match_fits_only_the_revision_in_force(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady", "spare"]).await;
    let organization = &world.organization;
    world.set(fallback("smart", &["steady"])).await;

    let changed = organization.fallback_set(fallback("smart", &["spare"]), Some(1)).await.expect("fits");
    assert_eq!(changed.0.revision, 2);
    let stale = organization.fallback_set(fallback("smart", &["steady"]), Some(1)).await;
    assert!(matches!(stale, Err(Error::RevisionChanged { current: 2 })), "{stale:?}");
    let stale = organization.fallback_delete("smart", General, Some(1)).await;
    assert!(matches!(stale, Err(Error::RevisionChanged { current: 2 })), "{stale:?}");
    assert!(organization.fallback_delete("smart", General, Some(2)).await.expect("fits").is_some());
    // No configuration is active, so not even the last revision matches.
    let gone = organization.fallback_set(fallback("smart", &["steady"]), Some(3)).await;
    assert!(matches!(gone, Err(Error::RevisionChanged { current: 3 })), "{gone:?}");
}

#[rstest]
#[tokio::test]
async fn several_lists_are_put_in_force_together_or_not_at_all(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady", "spare"]).await;
    let of = |fallback_type, models: &[&str], seen| {
        (NewFallback { fallback_type, ..fallback("smart", models) }, seen)
    };
    let organization = &world.organization;
    let version = || world.store.snapshots().organization(world.id()).expect("known").version;
    let before = version();
    let lists =
        vec![of(General, &["steady"], 0), of(ContextWindow, &["spare"], 0), of(ContentPolicy, &[], 0)];
    assert_eq!(organization.fallback_save(lists).await.expect("saved"), [General, ContextWindow]);
    assert_eq!(version(), before + 1, "one change");
    let entries = audit_entries::Entity::find().all(organization.reader()).await.expect("read");
    assert_eq!(entries.iter().filter(|entry| entry.action == "fallback.set").count(), 2);
    let known = world.history().await;

    // The last one was changed in the meantime: no configuration becomes active, and nothing is recorded.
    let lists =
        vec![of(General, &[], 1), of(ContextWindow, &["steady"], 1), of(ContentPolicy, &["spare"], 7)];
    let refused = organization.fallback_save(lists).await;
    assert!(matches!(refused, Err(Error::RevisionChanged { current: 0 })), "{refused:?}");
    assert_eq!(world.history().await, known);
    let general = organization.fallback_find("smart", General).await.expect("read").expect("in force");
    assert_eq!(general.fallback_models, ["steady"]);
    let now = audit_entries::Entity::find().all(organization.reader()).await.expect("read");
    assert_eq!(now.len(), entries.len());

    let lists = vec![of(General, &[], 1), of(ContextWindow, &["spare"], 1)];
    assert_eq!(organization.fallback_save(lists).await.expect("saved"), [General]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_admins_at_once_neither_loses_a_change_and_if_match_lets_one_win(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "a", "b"]).await;
    // Another process serves the second admin.
    let second = world.database.open().await;
    let admins = [world.organization.clone(), second.scoped(world.id(), world.organization.actor.clone())];

    let tasks: Vec<_> = (0..12)
        .map(|turn| {
            let admin = admins[turn % 2].clone();
            let targets: &[&str] = if turn % 2 == 0 { &["a", "b"] } else { &["b", "a"] };
            let new =
                NewFallback { triggers: Some(vec![format!("turn {turn}")]), ..fallback("smart", targets) };
            tokio::spawn(async move { admin.fallback_set(new, None).await.expect("set").0 })
        })
        .collect();
    let mut set = Vec::new();
    for task in tasks {
        set.push(task.await.expect("no panic"));
    }
    set.sort_by_key(|row| row.revision);
    let numbers: Vec<i64> = set.iter().map(|row| row.revision).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<i64>>());
    assert!(world.history().await.iter().all(|(_, kind, targets)| kind == "set" && *targets == 2));
    let in_force = world.organization.fallback_find("smart", General).await.expect("read").expect("in force");
    assert_eq!(Some(&in_force), set.last());

    let [one, other] = admins.each_ref().map(|admin| {
        let triggers = Some(vec![format!("{admin:p}")]);
        admin.fallback_set(NewFallback { triggers, ..fallback("smart", &["a"]) }, Some(12))
    });
    let (one, other) = tokio::join!(one, other);
    assert_ne!(one.is_ok(), other.is_ok());
    let refused = one.err().or(other.err()).expect("one was refused");
    assert!(matches!(refused, Error::RevisionChanged { current: 13 }), "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn types_are_apart_and_lists_can_be_narrowed(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady", "big"]).await;
    for (model, target, fallback_type) in
        [("steady", "big", General), ("smart", "big", ContextWindow), ("smart", "steady", General)]
    {
        world.set(NewFallback { fallback_type, ..fallback(model, &[target]) }).await;
    }
    let list = async |fallback_type, model: Option<&str>| {
        let filter = FallbackFilter { fallback_type, model: model.map(str::to_owned) };
        let rows = world.organization.fallback_list(&filter).await.expect("read");
        rows.into_iter()
            .map(|row| format!("{} {}", row.model, row.fallback_type.as_str()))
            .collect::<Vec<_>>()
    };
    assert_eq!(list(None, None).await, ["smart general", "smart context_window", "steady general"]);
    assert_eq!(list(Some(General), None).await, ["smart general", "steady general"]);
    assert_eq!(list(None, Some("smart")).await, ["smart general", "smart context_window"]);
    assert!(list(Some(ContentPolicy), Some("smart")).await.is_empty());
    assert!(list(None, Some("no\0model")).await.is_empty());

    let snapshot = world.store.snapshots().organization(world.id()).expect("a snapshot");
    let chains = &snapshot.chains[&snapshot.models["smart"].id];
    let names = |chain: &Option<std::sync::Arc<crate::store::snapshot::Chain>>| -> Vec<String> {
        chain.iter().flat_map(|chain| &chain.targets).map(|model| model.name.to_string()).collect()
    };
    assert_eq!(
        (names(&chains.general), names(&chains.context_window)),
        (strings(&["steady"]), strings(&["big"]))
    );
    assert!(chains.content_policy.is_none());
    assert!(snapshot.typed_lists.context_window && !snapshot.typed_lists.content_policy);
}

#[rstest]
#[tokio::test]
async fn another_organizations_models_and_fallbacks_are_not_there(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady"]).await;
    world.set(fallback("smart", &["steady"])).await;
    let (other, provider_id) = world.other().await;
    other.model_create(super::model(provider_id, "mine")).await.expect("a model");

    match other.fallback_set(fallback("mine", &["steady"]), None).await {
        Err(Error::FallbacksUnknown { available, .. }) => assert_eq!(available, strings(&["mine"])),
        found => panic!("{found:?}"),
    }
    assert_eq!(other.fallback_find("smart", General).await.expect("read"), None);
    assert_eq!(other.fallback_delete("smart", General, None).await.expect("read"), None);
    assert!(other.fallback_list(&FallbackFilter::default()).await.expect("read").is_empty());
    assert!(world.organization.fallback_find("smart", General).await.expect("read").is_some());
}

#[rstest]
#[tokio::test]
async fn every_change_is_in_the_audit_with_both_sides_and_its_actor(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady", "spare"]).await;
    world.set(fallback("smart", &["steady"])).await;
    world.set(fallback("smart", &["spare"])).await;
    world.organization.fallback_delete("smart", General, None).await.expect("deleted");

    let entries = audit_entries::Entity::find()
        .order_by_asc(audit_entries::Column::Id)
        .all(world.organization.reader())
        .await
        .expect("entries");
    let entries: Vec<_> = entries.into_iter().filter(|entry| entry.resource_kind == "fallback").collect();
    let list = |side: &Option<serde_json::Value>| {
        side.as_ref().map(|side| side["fallback_models"][0].as_str().expect("a name").to_owned())
    };
    let sides: Vec<_> = entries
        .iter()
        .map(|entry| (entry.action.as_str(), list(&entry.before), list(&entry.after)))
        .collect();
    let (steady, spare) = (Some("steady".to_owned()), Some("spare".to_owned()));
    assert_eq!(
        sides,
        [
            ("fallback.set", None, steady.clone()),
            ("fallback.set", steady, spare.clone()),
            ("fallback.delete", spare, None),
        ]
    );
    let config =
        fallback_configs::Entity::find().one(world.organization.reader()).await.expect("read").expect("one");
    for entry in entries {
        assert_eq!((entry.actor_kind.as_str(), entry.actor_label.as_str()), ("user", "ci"));
        assert_eq!((entry.resource_id, entry.resource_name.as_str()), (Some(config.id.0), "smart"));
    }
}

#[rstest]
#[tokio::test]
async fn the_history_tells_who_put_which_list_in_force(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    world.models(&["smart", "steady", "spare"]).await;
    let first = world.set(fallback("smart", &["steady", "spare"])).await.0;
    world.set(NewFallback { fallback_type: ContextWindow, ..fallback("smart", &["spare"]) }).await;
    world.database.hand.advance(Duration::from_secs(1));
    world.organization.fallback_delete("smart", General, None).await.expect("deleted");
    let (other, _) = world.other().await;
    assert_eq!(other.fallback_history("smart", 9).await.expect("read"), []);

    let history = world.organization.fallback_history("smart", 9).await.expect("read");
    let told: Vec<_> = history
        .iter()
        .map(|revision| (revision.fallback_type, revision.number, revision.fallback_models.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (General, 2, Vec::new()),
            (ContextWindow, 1, strings(&["spare"])),
            (General, 1, strings(&["steady", "spare"]))
        ]
    );
    let oldest = history.last().expect("a revision");
    assert_eq!((oldest.actor.as_str(), oldest.created_at), ("ci", first.created_at));
    assert_eq!(world.organization.fallback_history("smart", 1).await.expect("read"), history[..1]);
}
