//! The configuration of an organization: providers, models, prices, fallbacks.

use entity::ids::*;
use entity::*;

use super::{json, moment, new_id, some_text};

pub(super) fn provider(organization_id: OrganizationId) -> providers::Model {
    providers::Model {
        id: new_id(),
        organization_id,
        name: "openai".to_owned(),
        preset: "openai".to_owned(),
        base_url: some_text("https://api.openai.com/v1"),
        credential: Some(vec![0, 1, 255, 0]),
        credential_hint: some_text("...wxyz"),
        credential_name: some_text("reserved"),
        credential_weight: Some(i32::MAX),
        credential_tier: Some(2),
        health: "failing".to_owned(),
        health_message: some_text("401: the credential was refused"),
        health_at: Some(moment(1)),
        health_noted_at: Some(moment(2)),
        health_changes: 3,
        stream_options: some_text("unsupported"),
        requests_per_minute: Some(i64::MAX),
        tokens_per_minute: Some(1),
        created_at: moment(0),
        updated_at: moment(2),
        deleted_at: None,
    }
}

pub(super) fn credential(
    organization_id: OrganizationId,
    provider_id: ProviderId,
) -> provider_credentials::Model {
    provider_credentials::Model {
        id: new_id(),
        organization_id,
        provider_id,
        name: "on demand".to_owned(),
        weight: i32::MAX,
        tier: 1,
        credential: vec![0, 255, 1, 0],
        credential_hint: some_text("...abcd"),
        health: "ok".to_owned(),
        health_message: some_text("401: the credential was refused"),
        health_at: Some(moment(1)),
        created_at: moment(0),
        updated_at: moment(2),
    }
}

pub(super) fn model(organization_id: OrganizationId, provider_id: ProviderId, name: &str) -> models::Model {
    models::Model {
        id: new_id(),
        organization_id,
        name: name.to_owned(),
        provider_id,
        upstream_model: "gpt-4o".to_owned(),
        kind: "embedding".to_owned(),
        vector_space: some_text("small"),
        context_window: Some(i64::MAX),
        max_output_tokens: Some(16_384),
        capabilities: json(r#"{"tools": true, "vision": false}"#),
        parameter_rules: json(r#"{"rename": {"max_tokens": "max_completion_tokens"}}"#),
        first_frame_timeout_ms: Some(60_000),
        answer_timeout_ms: Some(120_000),
        num_retries: Some(i32::MAX),
        enabled: true,
        cooldown_ended_at: Some(moment(1)),
        created_at: moment(0),
        updated_at: moment(1),
        deleted_at: None,
    }
}

pub(super) fn model_price(organization_id: OrganizationId, model_id: ModelId) -> model_prices::Model {
    model_prices::Model {
        id: new_id(),
        organization_id,
        model_id,
        input: Some(2_500_000),
        output: Some(i64::MAX),
        reasoning: Some(10),
        cache_read: Some(0),
        cache_write: Some(1),
        cache_write_1h: Some(9),
        audio_input: Some(2),
        audio_output: Some(3),
        long_prompt_above: Some(4),
        long_prompt_input: Some(5),
        long_prompt_output: Some(6),
        long_prompt_reasoning: Some(11),
        long_prompt_cache_read: Some(7),
        long_prompt_cache_write: Some(8),
        long_prompt_cache_write_1h: Some(12),
        valid_from: moment(0),
        created_at: moment(1),
    }
}

pub(super) fn config(organization_id: OrganizationId, model_id: ModelId) -> fallback_configs::Model {
    fallback_configs::Model {
        id: new_id(),
        organization_id,
        model_id,
        fallback_type: "general".to_owned(),
        current_revision: 1,
        created_at: moment(0),
        updated_at: moment(1),
        deleted_at: Some(moment(2)),
    }
}

pub(super) fn revision(
    organization_id: OrganizationId,
    config_id: FallbackConfigId,
    user_id: UserId,
) -> fallback_revisions::Model {
    fallback_revisions::Model {
        id: new_id(),
        organization_id,
        config_id,
        number: 1,
        kind: "set".to_owned(),
        triggers: Some(json(r#"["rate_limited"]"#)),
        actor_kind: "user".to_owned(),
        actor_id: Some(user_id.0),
        actor_label: "person@example.com".to_owned(),
        created_at: moment(0),
    }
}

pub(super) fn fallback_target(
    organization_id: OrganizationId,
    revision_id: FallbackRevisionId,
    source_model_id: ModelId,
    target_model_id: ModelId,
) -> fallback_targets::Model {
    fallback_targets::Model { revision_id, position: 0, organization_id, source_model_id, target_model_id }
}

pub(super) fn error_mapping(
    organization_id: OrganizationId,
    provider_id: ProviderId,
    user_id: UserId,
) -> error_mappings::Model {
    error_mappings::Model {
        id: new_id(),
        organization_id,
        provider_id: Some(provider_id),
        status: Some(422),
        contains: json(r#"["beyond the", "window \u00e9"]"#),
        meaning: "context_window_exceeded".to_owned(),
        created_by: Some(user_id),
        created_at: moment(0),
    }
}
