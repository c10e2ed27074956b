//! Unique values, and which of them a deletion frees.

use entity::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};

use crate::refusal::{Refusal, accepted, refused, two};
use crate::sample::{moment, new_id};

pub(crate) async fn duplicate_target(db: &DatabaseConnection) {
    let (ours, _) = two(db).await;
    let third = models::Model { id: new_id(), name: "third".to_owned(), ..ours.target.clone() };
    accepted::<models::Entity>(db, third.clone()).await;
    let again = fallback_targets::Model { position: 1, ..ours.fallback_target.clone() };
    refused::<fallback_targets::Entity>(db, again.clone(), Refusal::Unique).await;

    let other = fallback_targets::Model { target_model_id: third.id, ..again };
    let same_place = fallback_targets::Model { position: 0, ..other.clone() };
    refused::<fallback_targets::Entity>(db, same_place, Refusal::Unique).await;
    accepted::<fallback_targets::Entity>(db, other).await;
}

pub(crate) async fn living_names(db: &DatabaseConnection) {
    // Both organizations have the same names, which is no conflict.
    let (ours, _) = two(db).await;
    let model = models::Model { id: new_id(), ..ours.source.clone() };
    refused::<models::Entity>(db, model.clone(), Refusal::Unique).await;
    let provider = providers::Model { id: new_id(), ..ours.provider.clone() };
    refused::<providers::Entity>(db, provider.clone(), Refusal::Unique).await;

    models::Entity::update_many()
        .col_expr(models::Column::DeletedAt, Expr::value(moment(5)))
        .filter(models::Column::Id.eq(ours.source.id))
        .exec(db)
        .await
        .expect("the model is deleted");
    providers::Entity::update_many()
        .col_expr(providers::Column::DeletedAt, Expr::value(moment(5)))
        .filter(providers::Column::Id.eq(ours.provider.id))
        .exec(db)
        .await
        .expect("the provider is deleted");
    accepted::<models::Entity>(db, model.clone()).await;
    accepted::<providers::Entity>(db, provider.clone()).await;

    // Only one undeleted row, but any number of deleted ones.
    refused::<models::Entity>(db, models::Model { id: new_id(), ..model.clone() }, Refusal::Unique).await;
    let buried = models::Model { id: new_id(), deleted_at: Some(moment(6)), ..model };
    accepted::<models::Entity>(db, buried).await;
    refused::<providers::Entity>(db, providers::Model { id: new_id(), ..provider }, Refusal::Unique).await;
}

/// A name is used once among the credentials of a provider, and again for another provider.
pub(crate) async fn credential_names(db: &DatabaseConnection) {
    let (ours, _) = two(db).await;
    let second = provider_credentials::Model { id: new_id(), ..ours.credential.clone() };
    refused::<provider_credentials::Entity>(db, second.clone(), Refusal::Unique).await;
    let provider = providers::Model { id: new_id(), name: "other".to_owned(), ..ours.provider.clone() };
    accepted::<providers::Entity>(db, provider.clone()).await;
    let elsewhere = provider_credentials::Model { provider_id: provider.id, ..second };
    accepted::<provider_credentials::Entity>(db, elsewhere).await;
}

pub(crate) async fn one_config(db: &DatabaseConnection) {
    // The sample's configuration is deleted. Its id must be kept, not replaced.
    let (ours, _) = two(db).await;
    assert!(ours.config.deleted_at.is_some());
    let second = fallback_configs::Model { id: new_id(), deleted_at: None, ..ours.config.clone() };
    refused::<fallback_configs::Entity>(db, second.clone(), Refusal::Unique).await;
    let typed = fallback_configs::Model { fallback_type: "content_policy".to_owned(), ..second };
    accepted::<fallback_configs::Entity>(db, typed).await;
}

pub(crate) async fn one_revision(db: &DatabaseConnection) {
    let (ours, _) = two(db).await;
    let same = fallback_revisions::Model { id: new_id(), ..ours.revision.clone() };
    refused::<fallback_revisions::Entity>(db, same.clone(), Refusal::Unique).await;
    accepted::<fallback_revisions::Entity>(db, fallback_revisions::Model { number: 2, ..same }).await;
}

pub(crate) async fn unique_secrets(db: &DatabaseConnection) {
    let (ours, theirs) = two(db).await;
    let user = users::Model { id: new_id(), ..ours.user.clone() };
    refused::<users::Entity>(db, user.clone(), Refusal::Unique).await;
    accepted::<users::Entity>(db, users::Model { email: "new@example.com".to_owned(), ..user.clone() }).await;
    // An address proves nothing: another password means another account, and any number without one may have it.
    let other = users::Model { id: new_id(), password_hash: Some("another".to_owned()), ..user.clone() };
    accepted::<users::Entity>(db, other).await;
    for _ in 0..2 {
        let none = users::Model { id: new_id(), password_hash: None, ..user.clone() };
        accepted::<users::Entity>(db, none).await;
    }

    // In another organization, too: a key or a link belongs to one place.
    let key =
        api_keys::Model { id: new_id(), key_hash: ours.api_key.key_hash.clone(), ..theirs.api_key.clone() };
    refused::<api_keys::Entity>(db, key.clone(), Refusal::Unique).await;
    accepted::<api_keys::Entity>(db, api_keys::Model { key_hash: vec![9; 32], ..key }).await;

    let link = invitations::Model {
        id: new_id(),
        token_hash: ours.invitation.token_hash.clone(),
        ..theirs.invitation.clone()
    };
    refused::<invitations::Entity>(db, link.clone(), Refusal::Unique).await;
    accepted::<invitations::Entity>(db, invitations::Model { token_hash: vec![9; 32], ..link }).await;

    let link = one_time_links::Model {
        id: new_id(),
        token_hash: ours.link.token_hash.clone(),
        ..theirs.link.clone()
    };
    refused::<one_time_links::Entity>(db, link.clone(), Refusal::Unique).await;
    accepted::<one_time_links::Entity>(db, one_time_links::Model { token_hash: vec![9; 32], ..link }).await;
}
