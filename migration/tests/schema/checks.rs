//! Values that a CHECK constraint refuses.

use entity::*;
use sea_orm::DatabaseConnection;

use crate::refusal::{Refusal, accepted, refused, two};
use crate::sample::new_id;

/// For one table: a new row with a word outside the set is refused, and each word of the set is accepted.
macro_rules! refuses_other_words {
    ($db:expr, $table:ident, $field:ident: $($word:literal)+, $row:expr) => {{
        let mut number = 100;
        let mut row = |word: &str| -> $table::Model {
            number += 1;
            let mut row: $table::Model = $row(number);
            row.$field = word.to_owned();
            row
        };
        refused::<$table::Entity>($db, row("other"), Refusal::Check).await;
        refused::<$table::Entity>($db, row(""), Refusal::Check).await;
        $(accepted::<$table::Entity>($db, row($word)).await;)+
    }};
}

pub(crate) async fn own_fallback(db: &DatabaseConnection) {
    let (ours, _) = two(db).await;
    let target = fallback_targets::Model { position: 1, ..ours.fallback_target.clone() };
    let own = fallback_targets::Model { target_model_id: target.source_model_id, ..target };
    refused::<fallback_targets::Entity>(db, own, Refusal::Check).await;
}

pub(crate) async fn closed_words(db: &DatabaseConnection) {
    let (ours, _) = two(db).await;
    refuses_other_words!(db, invitations, role: "owner" "admin" "member", |number: u8| {
        invitations::Model { id: new_id(), token_hash: vec![number; 32], ..ours.invitation.clone() }
    });
    refuses_other_words!(db, one_time_links, kind: "reset" "console", |number: u8| {
        one_time_links::Model { id: new_id(), token_hash: vec![number; 32], ..ours.link.clone() }
    });
    refuses_other_words!(db, providers, health: "unknown" "ok" "failing", |number: u8| {
        providers::Model { id: new_id(), name: format!("provider {number}"), ..ours.provider.clone() }
    });
    refuses_other_words!(db, provider_credentials, health: "unknown" "ok" "failing", |number: u8| {
        let name = format!("credential {number}");
        provider_credentials::Model { id: new_id(), name, ..ours.credential.clone() }
    });
    refuses_other_words!(
        db,
        models,
        kind: "chat" "embedding" "completion" "moderation" "rerank" "image" "speech" "transcription",
        |number: u8| models::Model { id: new_id(), name: format!("model {number}"), ..ours.source.clone() }
    );
    refuses_other_words!(db, fallback_configs, fallback_type: "general" "context_window" "content_policy", |_: u8| {
        fallback_configs::Model { id: new_id(), model_id: ours.target.id, ..ours.config.clone() }
    });
    let revision = |number: u8| fallback_revisions::Model {
        id: new_id(),
        number: number.into(),
        ..ours.revision.clone()
    };
    refuses_other_words!(db, fallback_revisions, kind: "set" "deleted", revision);
    let revision = |number: u8| fallback_revisions::Model {
        id: new_id(),
        number: i64::from(number) + 1_000,
        ..ours.revision.clone()
    };
    refuses_other_words!(db, fallback_revisions, actor_kind: "user" "api_key" "system", revision);
    refuses_other_words!(db, audit_entries, actor_kind: "user" "api_key" "system", |_: u8| {
        audit_entries::Model { id: new_id(), ..ours.audit_entry.clone() }
    });

    refuses_other_words!(db, error_mappings, meaning: "content_policy" "invalid_request" "request", |_: u8| {
        error_mappings::Model { id: new_id(), ..ours.error_mapping.clone() }
    });

    let member = users::Model { id: new_id(), email: "member@example.com".to_owned(), ..ours.user.clone() };
    accepted::<users::Entity>(db, member.clone()).await;
    let membership = memberships::Model { user_id: member.id, ..ours.membership.clone() };
    let king = memberships::Model { role: "king".to_owned(), ..membership.clone() };
    refused::<memberships::Entity>(db, king, Refusal::Check).await;
    accepted::<memberships::Entity>(db, membership).await;
}

pub(crate) async fn shapes(db: &DatabaseConnection) {
    let (ours, _) = two(db).await;
    for length in [0, 31, 33] {
        let key = api_keys::Model { id: new_id(), key_hash: vec![9; length], ..ours.api_key.clone() };
        refused::<api_keys::Entity>(db, key, Refusal::Check).await;
    }

    let bucket = request_rollups::Model {
        bucket_at: ours.request_rollup.bucket_at + 1,
        ..ours.request_rollup.clone()
    };
    refused::<request_rollups::Entity>(db, bucket.clone(), Refusal::Check).await;
    let next = request_rollups::Model { bucket_at: bucket.bucket_at + 299, ..bucket };
    accepted::<request_rollups::Entity>(db, next.clone()).await;
    let other = request_rollups::Model { width: 600, ..next };
    refused::<request_rollups::Entity>(db, other, Refusal::Check).await;

    let bucket = fallback_rollups::Model {
        bucket_at: ours.fallback_rollup.bucket_at + 1,
        ..ours.fallback_rollup.clone()
    };
    refused::<fallback_rollups::Entity>(db, bucket.clone(), Refusal::Check).await;
    let next = fallback_rollups::Model { bucket_at: bucket.bucket_at + 299, ..bucket };
    accepted::<fallback_rollups::Entity>(db, next.clone()).await;
    let other = fallback_rollups::Model { width: 600, ..next };
    refused::<fallback_rollups::Entity>(db, other, Refusal::Check).await;

    let bucket = latency_rollups::Model {
        bucket_at: ours.latency_rollup.bucket_at + 1,
        ..ours.latency_rollup.clone()
    };
    refused::<latency_rollups::Entity>(db, bucket.clone(), Refusal::Check).await;
    let next = latency_rollups::Model { bucket_at: bucket.bucket_at + 299, ..bucket };
    accepted::<latency_rollups::Entity>(db, next.clone()).await;
    let other = latency_rollups::Model { width: 600, ..next };
    refused::<latency_rollups::Entity>(db, other, Refusal::Check).await;

    let before_first = fallback_targets::Model { position: -1, ..ours.fallback_target.clone() };
    refused::<fallback_targets::Entity>(db, before_first, Refusal::Check).await;
}
