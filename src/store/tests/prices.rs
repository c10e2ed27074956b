//! Prices: dated, immutable, and written only if they differ.

use std::time::Duration;

use entity::ids::ModelId;
use entity::model_prices;
use rstest::rstest;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::{Kind, World, model};
use crate::providers::ModelPrice;
use crate::store::{ModelFields, ModelRow, ModelSettings};

impl World {
    async fn price(&self, id: ModelId, price: Option<ModelPrice>) -> ModelRow {
        self.database.hand.advance(Duration::from_secs(1));
        let change = |model: &mut ModelFields| model.settings.price = price;
        self.organization.model_change(id, None, change).await.expect("changed").expect("there")
    }

    async fn price_rows(&self, id: ModelId) -> Vec<model_prices::Model> {
        model_prices::Entity::find()
            .filter(model_prices::Column::ModelId.eq(id))
            .order_by_asc(model_prices::Column::ValidFrom)
            .all(self.organization.reader())
            .await
            .expect("prices")
    }

    /// The price in effect, with the id of its row.
    fn price_in_force(&self) -> Option<(Option<Uuid>, ModelPrice)> {
        let snapshot = self.store.snapshots().organization(self.id()).expect("a snapshot");
        let model = &snapshot.models["smart"];
        model.settings.price.map(|price| (model.price_id, price))
    }
}

fn price(input: i64) -> ModelPrice {
    ModelPrice { input: Some(input), output: Some(8_000_000), ..ModelPrice::default() }
}

#[rstest]
#[tokio::test]
async fn a_new_price_is_a_new_row_and_the_old_ones_stay(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let settings = ModelSettings { price: Some(price(2_000_000)), ..ModelSettings::default() };
    let fields = ModelFields { settings, ..model(world.provider_id, "smart") };
    let smart = world.organization.model_create(fields).await.expect("made");
    assert_eq!(smart.settings.price, Some(price(2_000_000)));
    let first = world.price_rows(smart.id).await;
    assert_eq!((first.len(), first[0].input, first[0].valid_from), (1, Some(2_000_000), smart.created_at));

    // The same price, or a change of another field, writes no price.
    world.price(smart.id, Some(price(2_000_000))).await;
    world.organization.model_change(smart.id, None, |_| {}).await.expect("changed");
    assert_eq!(world.price_rows(smart.id).await, first);

    let raised = world.price(smart.id, Some(price(3_000_000))).await;
    assert_eq!(raised.settings.price, Some(price(3_000_000)));
    let rows = world.price_rows(smart.id).await;
    assert_eq!((rows.len(), &rows[0]), (2, &first[0]), "history stays as it was");
    assert!(rows[1].valid_from > rows[0].valid_from);
    let (id, in_force) = world.price_in_force().expect("a price");
    assert_eq!((id, in_force.input), (Some(rows[1].id.0), Some(3_000_000)));
}

#[rstest]
#[tokio::test]
async fn a_price_taken_back_leaves_the_embedded_tables(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let smart = world.model("smart").await;
    assert_eq!((smart.settings.price, world.price_in_force()), (None, None));
    assert!(world.price_rows(smart.id).await.is_empty());

    world.price(smart.id, Some(price(1))).await;
    let cleared = world.price(smart.id, None).await;
    assert_eq!((cleared.settings.price, world.price_in_force()), (None, None));
    assert_eq!(world.price_rows(smart.id).await.len(), 2);
    // A price without numbers is the same as none.
    assert_eq!(world.price(smart.id, Some(ModelPrice::default())).await.settings.price, None);
    assert_eq!(world.price_rows(smart.id).await.len(), 2);
    assert_eq!(world.price(smart.id, Some(price(1))).await.settings.price, Some(price(1)));
    assert_eq!(world.price_rows(smart.id).await.len(), 3);
}
