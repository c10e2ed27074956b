//! One row of every table for one organization, with every optional column set and values at the limits of their
//! types: a column that returns its value unchanged from both databases has the right type in both.

mod catalog;
mod records;

use std::sync::atomic::{AtomicU64, Ordering};

use catalog::*;
use chrono::{DateTime, Utc};
use entity::ids::*;
use entity::*;
use records::*;
use sea_orm::prelude::Json;
use uuid::{Builder, Uuid};

/// A time some microseconds after a fixed one, so that no test depends on the current day.
pub(crate) fn moment(microseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_171_200_000_000 + microseconds).expect("a moment")
}

/// A UUIDv7, each later than the previous one.
pub(crate) fn new_id<Id: From<Uuid>>() -> Id {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Builder::from_unix_timestamp_millis(1_795_171_200_000 + number, &[7; 10]).into_uuid().into()
}

fn json(text: &str) -> Json {
    text.parse().expect("JSON")
}

fn some_text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The rows of one organization. Each references the others of the same sample.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) organization: organizations::Model,
    pub(crate) user: users::Model,
    pub(crate) membership: memberships::Model,
    pub(crate) session: sessions::Model,
    pub(crate) invitation: invitations::Model,
    pub(crate) link: one_time_links::Model,
    pub(crate) api_key: api_keys::Model,
    pub(crate) provider: providers::Model,
    pub(crate) credential: provider_credentials::Model,
    pub(crate) source: models::Model,
    pub(crate) target: models::Model,
    pub(crate) model_price: model_prices::Model,
    pub(crate) config: fallback_configs::Model,
    pub(crate) revision: fallback_revisions::Model,
    pub(crate) fallback_target: fallback_targets::Model,
    pub(crate) event: fallback_events::Model,
    pub(crate) request: requests::Model,
    pub(crate) request_rollup: request_rollups::Model,
    pub(crate) fallback_rollup: fallback_rollups::Model,
    pub(crate) latency_rollup: latency_rollups::Model,
    pub(crate) instance: instances::Model,
    pub(crate) rollup_delta: rollup_deltas::Model,
    pub(crate) usage_rollup: usage_rollups::Model,
    pub(crate) session_rollup: session_rollups::Model,
    pub(crate) budget: budgets::Model,
    pub(crate) error_mapping: error_mappings::Model,
    pub(crate) limit_counter: limit_counters::Model,
    pub(crate) audit_entry: audit_entries::Model,
    pub(crate) message: outbox::Model,
    pub(crate) secret: instance_secrets::Model,
    pub(crate) state: instance_state::Model,
}

impl Sample {
    /// `number` distinguishes samples where a value must be unique in the whole database.
    pub(crate) fn new(number: u8) -> Self {
        let organization = organization();
        let of = organization.id;
        let user = user(number);
        let api_key = api_key(of, user.id, number);
        let provider = provider(of);
        let source = model(of, provider.id, "smart");
        let target = model(of, provider.id, "steady");
        let config = config(of, source.id);
        let revision = revision(of, config.id, user.id);
        let request = request(of, api_key.id);
        Self {
            membership: membership(of, user.id),
            session: session(of, user.id),
            invitation: invitation(of, user.id, number),
            link: link(user.id, number),
            credential: credential(of, provider.id),
            model_price: model_price(of, source.id),
            fallback_target: fallback_target(of, revision.id, source.id, target.id),
            event: event(of, request.id, config.id),
            request_rollup: request_rollup(of, api_key.id),
            fallback_rollup: fallback_rollup(of),
            latency_rollup: latency_rollup(of),
            instance: instance(),
            rollup_delta: rollup_delta(),
            usage_rollup: usage_rollup(of, api_key.id),
            session_rollup: session_rollup(of, api_key.id),
            budget: budget(of, api_key.id),
            error_mapping: error_mapping(of, provider.id, user.id),
            limit_counter: limit_counter(of),
            audit_entry: audit_entry(of, user.id),
            message: message(of),
            secret: secret(number),
            state: state(number),
            organization,
            user,
            api_key,
            provider,
            source,
            target,
            config,
            revision,
            request,
        }
    }
}

fn organization() -> organizations::Model {
    organizations::Model {
        id: new_id(),
        name: "Zoë & Søn \u{1f980}".to_owned(),
        settings: json(
            r#"{"max_fallbacks": 5, "typed_fallbacks": "strict", "nested": {"null": null, "list": [1.5, "é"]}}"#,
        ),
        version: i64::MAX,
        change_seq: Some(i64::MAX),
        catalog_version: Some(i64::MIN),
        created_at: moment(0),
        updated_at: moment(1),
    }
}

fn user(number: u8) -> users::Model {
    users::Model {
        id: new_id(),
        email: format!("person{number}@example.com"),
        name: some_text("A Person"),
        password_hash: some_text("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"),
        created_at: moment(0),
        updated_at: moment(123_456),
        disabled_at: Some(moment(999_999)),
    }
}

fn membership(organization_id: OrganizationId, user_id: UserId) -> memberships::Model {
    memberships::Model {
        organization_id,
        user_id,
        role: "owner".to_owned(),
        created_at: moment(0),
        updated_at: moment(1_000),
    }
}

fn session(organization_id: OrganizationId, user_id: UserId) -> sessions::Model {
    sessions::Model {
        id: new_id(),
        user_id,
        organization_id,
        created_at: moment(0),
        last_seen_at: moment(1),
        expires_at: moment(2),
        revoked_at: Some(moment(3)),
        user_agent: some_text("Mozilla/5.0"),
        address: some_text("2001:db8::1"),
    }
}

fn invitation(organization_id: OrganizationId, user_id: UserId, number: u8) -> invitations::Model {
    invitations::Model {
        id: new_id(),
        organization_id,
        email: "guest@example.com".to_owned(),
        role: "member".to_owned(),
        token_hash: vec![number; 32],
        invited_by: Some(user_id),
        created_at: moment(0),
        expires_at: moment(1),
        accepted_at: Some(moment(2)),
        revoked_at: Some(moment(3)),
    }
}

fn link(user_id: UserId, number: u8) -> one_time_links::Model {
    one_time_links::Model {
        id: new_id(),
        user_id,
        kind: "reset".to_owned(),
        token_hash: vec![number; 32],
        created_at: moment(0),
        expires_at: moment(1),
        used_at: Some(moment(2)),
        organization_id: Some(new_id()),
        issued_by: Some(user_id),
    }
}

fn api_key(organization_id: OrganizationId, user_id: UserId, number: u8) -> api_keys::Model {
    let mut key_hash: Vec<u8> = (0..32).collect();
    key_hash[31] = number;
    api_keys::Model {
        id: new_id(),
        organization_id,
        name: "production".to_owned(),
        key_hash,
        prefix: "fsk_AbCd".to_owned(),
        last_four: "wxyz".to_owned(),
        scopes: json(r#"["inference", "router:read"]"#),
        models: Some(json(r#"["smart"]"#)),
        requests_per_minute: Some(i64::MAX),
        concurrent_requests: Some(0),
        requests_per_day: Some(i64::MAX),
        tokens_per_minute: Some(1),
        tokens_per_day: Some(i64::MIN),
        model_limits: Some(json(r#"{"smart": {"tokens_per_minute": 9000}}"#)),
        expires_at: Some(moment(1)),
        created_by: Some(user_id),
        created_at: moment(0),
        updated_at: moment(2),
        last_used_at: Some(moment(3)),
        revoked_at: Some(moment(4)),
        version: Some(i64::MAX),
        revocation_seq: Some(i64::MIN),
    }
}

fn budget(organization_id: OrganizationId, api_key_id: ApiKeyId) -> budgets::Model {
    budgets::Model {
        id: new_id(),
        organization_id,
        api_key_id: Some(api_key_id),
        period: "month".to_owned(),
        soft_limit_nano_dollars: Some(0),
        hard_limit_nano_dollars: Some(i64::MAX),
        warned_at: Some(moment(1)),
        created_at: moment(0),
        updated_at: moment(1),
        deleted_at: Some(moment(2)),
    }
}

fn limit_counter(organization_id: OrganizationId) -> limit_counters::Model {
    limit_counters::Model {
        organization_id,
        counter: "requests_per_minute".to_owned(),
        asked: json(r#"{"most": 60}"#),
        entries: json(r#"{"1728000060000": 3, "1728000061000/0192": 5}"#),
        held: i64::MIN,
        looked_at: i64::MAX,
    }
}

fn secret(number: u8) -> instance_secrets::Model {
    instance_secrets::Model {
        name: format!("pepper {number}"),
        sealed: vec![number, 0, 255],
        created_at: moment(0),
        updated_at: moment(1),
    }
}

fn state(number: u8) -> instance_state::Model {
    instance_state::Model { name: format!("counter {number}"), value: i64::MIN, numbered: i64::MAX }
}
