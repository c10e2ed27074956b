//! Lists: pages by keyset, and cursors that only their own organization can use.

mod places;

use std::time::Duration;

use rstest::rstest;

use super::{Kind, World, model, new_key, new_provider};
use crate::domain::error::Error;
use crate::store::pagination::{Page, PageRequest, Position};
use crate::store::{ModelFilter, OrgStore};

fn page(limit: u64, cursor: Option<Position>) -> PageRequest {
    PageRequest { limit, cursor }
}

/// Reads a whole list, two rows per page, with the cursors that a caller sees.
async fn walk<T>(
    organization: &OrgStore,
    list: impl AsyncFn(PageRequest) -> Page<T>,
    name: impl Fn(&T) -> String,
) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let found = list(page(2, cursor)).await;
        assert!(found.items.len() <= 2 && names.len() < 100, "the walk goes in circles: {names:?}");
        names.extend(found.items.iter().map(&name));
        let Some(next) = found.next else { return names };
        assert_eq!(found.items.len(), 2, "a page with a next one is full");
        let text = organization.cursor("list", next);
        cursor = Some(organization.position("list", &text).expect("our own cursor"));
        assert_eq!(cursor, Some(next));
    }
}

#[rstest]
#[tokio::test]
async fn a_walk_sees_every_row_once_newest_first(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let organization = &world.organization;
    let (other, foreign) = world.other().await;
    other.model_create(model(foreign, "foreign")).await.expect("made");
    let names = ["a", "b", "c", "d", "e", "f"];
    for (number, name) in names.iter().enumerate() {
        // Some have the same time, so only the id orders them; the others differ by less than a second.
        if number % 2 == 0 {
            world.database.hand.advance(Duration::from_micros(250_001));
        }
        organization.model_create(model(world.provider_id, name)).await.expect("made");
        organization.provider_create(new_provider(name, "custom")).await.expect("made");
        let mut key = new_key(&world.store, name);
        key.name = (*name).to_owned();
        organization.api_key_create(key).await.expect("made");
    }
    let newest_first = ["f", "e", "d", "c", "b", "a"];
    let models = async |page| organization.model_list(&ModelFilter::default(), &page).await.expect("read");
    assert_eq!(walk(organization, models, |row| row.name.clone()).await, newest_first);
    let keys = async |page| organization.api_key_list(&page).await.expect("read");
    assert_eq!(walk(organization, keys, |row| row.name.clone()).await, newest_first);
    let providers = async |page| organization.provider_list(&page).await.expect("read");
    let mut found = walk(organization, providers, |row| row.name.clone()).await;
    assert_eq!(found.pop().as_deref(), Some("simulated"));
    assert_eq!(found, newest_first);

    // A full last page has no next page.
    let all = organization.model_list(&ModelFilter::default(), &page(6, None)).await.expect("read");
    assert_eq!((all.items.len(), all.next), (6, None));
}

#[rstest]
#[tokio::test]
async fn a_cursor_of_another_organization_or_list_or_a_broken_one_is_refused(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (other, _) = world.other().await;
    world.models(&["a", "b"]).await;
    let next = world
        .organization
        .model_list(&ModelFilter::default(), &page(1, None))
        .await
        .expect("read")
        .next
        .expect("a next page");
    let cursor = world.organization.cursor("models", next);
    assert_eq!(world.organization.position("models", &cursor).expect("ours"), next);

    let refused = |organization: &OrgStore, list, cursor: &str| match organization.position(list, cursor) {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.param.as_deref(), Some("cursor")),
        other => panic!("{cursor:?} was not refused: {other:?}"),
    };
    refused(&other, "models", &cursor);
    refused(&world.organization, "providers", &cursor);
    let cut: String = cursor.chars().skip(1).collect();
    let changed: String = cursor.chars().map(|letter| if letter == 'A' { 'B' } else { letter }).collect();
    for broken in ["", "x", "ä", "AAAA", &cut, &changed, &format!("{cursor}AAAA")] {
        refused(&world.organization, "models", broken);
    }
    // Another process with the same database can read the cursor.
    let replica = world.database.open().await.scoped(world.id(), world.organization.actor.clone());
    assert_eq!(replica.position("models", &cursor).expect("ours"), next);
}
