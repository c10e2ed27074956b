//! References never point at another organization's rows or at missing rows.

use entity::*;
use sea_orm::{DatabaseConnection, EntityTrait, ModelTrait, PaginatorTrait};

use crate::refusal::{Refusal, accepted, refused, two, why};
use crate::sample::new_id;

/// For one table: a new row that references its own organization's row is accepted; the same row with the
/// other organization's is refused.
macro_rules! refuses_foreign {
    ($db:expr, $table:ident, $own:expr, $field:ident = $foreign:expr) => {{
        let own: $table::Model = $own;
        let mut foreign = own.clone();
        foreign.$field = $foreign;
        refused::<$table::Entity>($db, foreign, Refusal::Reference).await;
        accepted::<$table::Entity>($db, own).await;
    }};
}

pub(crate) async fn foreign_organization(db: &DatabaseConnection) {
    let (ours, theirs) = two(db).await;
    let session = sessions::Model { id: new_id(), ..ours.session.clone() };
    refuses_foreign!(db, sessions, session, user_id = theirs.user.id);

    let model = models::Model { id: new_id(), name: "new".to_owned(), ..ours.source.clone() };
    refuses_foreign!(db, models, model, provider_id = theirs.provider.id);

    let credential =
        provider_credentials::Model { id: new_id(), name: "new".to_owned(), ..ours.credential.clone() };
    refuses_foreign!(db, provider_credentials, credential, provider_id = theirs.provider.id);

    let price = model_prices::Model { id: new_id(), ..ours.model_price.clone() };
    refuses_foreign!(db, model_prices, price, model_id = theirs.source.id);

    let config = fallback_configs::Model {
        id: new_id(),
        fallback_type: "context_window".to_owned(),
        ..ours.config.clone()
    };
    refuses_foreign!(db, fallback_configs, config, model_id = theirs.target.id);

    let revision = fallback_revisions::Model { id: new_id(), number: 2, ..ours.revision.clone() };
    refuses_foreign!(db, fallback_revisions, revision.clone(), config_id = theirs.config.id);

    let target = fallback_targets::Model { revision_id: revision.id, ..ours.fallback_target.clone() };
    let mut foreign = target.clone();
    foreign.target_model_id = theirs.target.id;
    refused::<fallback_targets::Entity>(db, foreign, Refusal::Reference).await;
    let mut foreign = target.clone();
    foreign.source_model_id = theirs.source.id;
    refused::<fallback_targets::Entity>(db, foreign, Refusal::Reference).await;
    let elsewhere = fallback_targets::Model { position: 1, ..target.clone() };
    refuses_foreign!(db, fallback_targets, elsewhere, revision_id = theirs.revision.id);

    let budget = budgets::Model { id: new_id(), ..ours.budget.clone() };
    refuses_foreign!(db, budgets, budget, api_key_id = Some(theirs.api_key.id));

    let mapping = error_mappings::Model { id: new_id(), ..ours.error_mapping.clone() };
    refuses_foreign!(db, error_mappings, mapping, provider_id = Some(theirs.provider.id));
}

pub(crate) async fn membership_ends(db: &DatabaseConnection) {
    let (ours, theirs) = two(db).await;
    ours.membership.clone().delete(db).await.expect("the membership is ended");
    let left = sessions::Entity::find().all(db).await.expect("the sessions");
    assert_eq!(left, [theirs.session]);
}

pub(crate) async fn in_use(db: &DatabaseConnection) {
    let (ours, _) = two(db).await;
    let refusals = [
        ours.organization.clone().delete(db).await.map(drop),
        ours.provider.clone().delete(db).await.map(drop),
        ours.target.clone().delete(db).await.map(drop),
        ours.config.clone().delete(db).await.map(drop),
        ours.revision.clone().delete(db).await.map(drop),
        ours.api_key.clone().delete(db).await.map(drop),
    ];
    for refusal in refusals {
        assert_eq!(why(&refusal.expect_err("it is in use")), Refusal::Reference);
    }
    assert_eq!(models::Entity::find().count(db).await.expect("a count"), 4);
}
