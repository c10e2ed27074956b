//! The records of an organization's traffic and changes.

use entity::ids::*;
use entity::*;

use super::{json, moment, new_id, some_text};

pub(super) fn event(
    organization_id: OrganizationId,
    request_id: RequestId,
    config_id: FallbackConfigId,
) -> fallback_events::Model {
    fallback_events::Model {
        id: new_id(),
        organization_id,
        request_id,
        failed_model: "smart".to_owned(),
        next_model: some_text("steady"),
        error_class: "rate_limited".to_owned(),
        error_message: some_text("Rate limit reached"),
        invocation_type: "chat_completion".to_owned(),
        router_config_id: Some(config_id.0),
        router_config_revision: Some(i64::MAX),
        session_id: Some(new_id()),
        session_ref: some_text("conversation 7"),
        hop: 0,
        attempts: 2,
        status_code: Some(429),
        matched_rule: some_text("status:429"),
        duration_ms: i64::MAX,
        origin: "live".to_owned(),
        created_at: moment(0),
        recorded_at: moment(1),
    }
}

pub(super) fn request(organization_id: OrganizationId, api_key_id: ApiKeyId) -> requests::Model {
    requests::Model {
        id: new_id(),
        organization_id,
        api_key_id: Some(api_key_id.0),
        api_key_name: some_text("production"),
        requested_model: "smart".to_owned(),
        served_model: some_text("steady"),
        served_provider: some_text("openai"),
        outcome: "answered".to_owned(),
        error_class: some_text("stream_interrupted"),
        status_code: 200,
        endpoint: "/v1/chat/completions".to_owned(),
        invocation_type: "chat_completion_stream".to_owned(),
        streamed: true,
        input_tokens: Some(i64::MAX),
        output_tokens: Some(1),
        cached_tokens: Some(0),
        reasoning_tokens: Some(2),
        cache_write_tokens: Some(5),
        usage_flag: some_text("clamped"),
        cost_nano_dollars: Some(i64::MAX),
        cost_source: some_text("provider"),
        model_price_id: Some(new_id()),
        estimated: false,
        first_frame_ms: Some(12),
        total_ms: i64::MAX,
        upstream_calls: 2,
        hops: 1,
        attempts: json(r#"[{"model": "smart", "status": 429}, {"model": "steady", "status": 200}]"#),
        session_id: Some(new_id()),
        session_ref: some_text("conversation 7"),
        client_retry_count: Some(i32::MAX),
        origin: "live".to_owned(),
        created_at: moment(0),
        recorded_at: moment(1),
        instance_id: Some(new_id()),
    }
}

pub(super) fn request_rollup(
    organization_id: OrganizationId,
    api_key_id: ApiKeyId,
) -> request_rollups::Model {
    request_rollups::Model {
        organization_id,
        width: 300,
        bucket_at: 1_795_171_200,
        requested_model: "smart".to_owned(),
        served_model: String::new(),
        outcome: "answered".to_owned(),
        by_fallback: true,
        api_key_id: api_key_id.0,
        origin: "live".to_owned(),
        requests: i64::MAX,
        input_tokens: 1,
        output_tokens: 2,
        cached_tokens: 3,
        reasoning_tokens: 4,
        cost_nano_dollars: i64::MAX,
        unpriced: 3,
    }
}

pub(super) fn usage_rollup(organization_id: OrganizationId, api_key_id: ApiKeyId) -> usage_rollups::Model {
    usage_rollups::Model {
        organization_id,
        day: 1_795_132_800,
        served_model: String::new(),
        api_key_id: api_key_id.0,
        origin: "live".to_owned(),
        requests: i64::MAX,
        answered: 1,
        by_fallback: 2,
        input_tokens: 3,
        output_tokens: 4,
        cached_tokens: 5,
        reasoning_tokens: 6,
        cost_nano_dollars: i64::MAX,
        unpriced: 3,
        estimated: 7,
        budget_only_nano_dollars: i64::MAX,
    }
}

pub(super) fn session_rollup(
    organization_id: OrganizationId,
    api_key_id: ApiKeyId,
) -> session_rollups::Model {
    session_rollups::Model {
        organization_id,
        session_id: new_id(),
        day: 1_795_132_800,
        served_model: String::new(),
        api_key_id: api_key_id.0,
        origin: "live".to_owned(),
        requests: i64::MAX,
        answered: 1,
        by_fallback: 2,
        input_tokens: 3,
        output_tokens: 4,
        cached_tokens: 5,
        reasoning_tokens: 6,
        cost_nano_dollars: i64::MAX,
        unpriced: 3,
        estimated: 7,
    }
}

pub(super) fn fallback_rollup(organization_id: OrganizationId) -> fallback_rollups::Model {
    fallback_rollups::Model {
        organization_id,
        width: 300,
        bucket_at: 1_795_171_200,
        failed_model: "smart".to_owned(),
        next_model: String::new(),
        error_class: "rate_limited".to_owned(),
        origin: "live".to_owned(),
        events: i64::MAX,
    }
}

pub(super) fn latency_rollup(organization_id: OrganizationId) -> latency_rollups::Model {
    latency_rollups::Model {
        organization_id,
        width: 300,
        bucket_at: 1_795_171_200,
        origin: "live".to_owned(),
        measure: "first_frame".to_owned(),
        step: 47,
        requests: i64::MAX,
    }
}

pub(super) fn rollup_delta() -> rollup_deltas::Model {
    rollup_deltas::Model { id: new_id(), counted: r#"{"requests":[]}"#.to_owned() }
}

pub(super) fn instance() -> instances::Model {
    instances::Model { id: new_id(), seen_at: moment(7), limit_place: some_text("postgresql") }
}

pub(super) fn audit_entry(organization_id: OrganizationId, user_id: UserId) -> audit_entries::Model {
    audit_entries::Model {
        id: new_id(),
        organization_id,
        actor_kind: "user".to_owned(),
        actor_id: Some(user_id.0),
        actor_label: "person@example.com".to_owned(),
        action: "model.update".to_owned(),
        resource_kind: "model".to_owned(),
        resource_id: Some(new_id()),
        resource_name: "smart".to_owned(),
        before: Some(json(r#"{"enabled": true}"#)),
        after: Some(json(r#"{"enabled": false}"#)),
        request_id: Some(new_id()),
        created_at: moment(0),
    }
}

pub(super) fn message(organization_id: OrganizationId) -> outbox::Model {
    outbox::Model {
        id: new_id(),
        organization_id,
        kind: "fallback.event".to_owned(),
        payload: json(r#"{"failed_model": "smart"}"#),
        created_at: moment(0),
        delivered_at: Some(moment(1)),
    }
}
