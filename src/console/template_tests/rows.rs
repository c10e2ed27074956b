//! Sample rows and counts, as the gateway would record them.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{FallbackEventId, OrganizationId, RequestId};
use serde_json::json;
use uuid::Uuid;

use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::{FallbackEventRow, RequestCounts, RequestRow};

pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_184_168_123).expect("a time")
}

/// Sample failures: model, next model, class, status, milliseconds, message.
type Mishap = (&'static str, Option<&'static str>, &'static str, Option<i32>, i64, &'static str);

const MISHAPS: &[Mishap] = &[
    (
        "gpt-4o",
        Some("claude-sonnet"),
        "rate_limited",
        Some(429),
        412,
        "Rate limit reached for requests per minute. Please try again in 1s.",
    ),
    ("claude-sonnet", Some("llama-70b"), "overloaded", Some(529), 180, "Overloaded"),
    ("gpt-4o", Some("claude-sonnet"), "timeout", None, 20_000, "the first token took too long"),
    (
        "gpt-4o",
        Some("claude-sonnet"),
        "cooldown",
        None,
        0,
        "The model 'gpt-4o' was not called: it has been failing and is left alone for a while (rate_limited; 4 s left).",
    ),
    (
        "mixtral-8x7b",
        Some("gpt-4o-long"),
        "context_window_exceeded",
        Some(400),
        96,
        "This model's maximum context length is 32768 tokens. However, your messages resulted in 41002 tokens.",
    ),
    (
        "gpt-4o",
        None,
        "quota_exhausted",
        Some(429),
        70,
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    (
        "llama-70b",
        Some("gpt-4o"),
        "unavailable",
        Some(502),
        1_204,
        "<html><head><title>502 Bad Gateway</title></head>",
    ),
    (
        "gpt-4o",
        Some("claude-sonnet"),
        "content_policy",
        Some(400),
        388,
        "The response was filtered due to the prompt triggering content management policy.",
    ),
];

pub(super) fn event(number: i64) -> FallbackEventRow {
    let index = usize::try_from(number).unwrap_or(0) % MISHAPS.len();
    let (model, next, class, status, took, message) = MISHAPS[index];
    let at = now() - TimeDelta::milliseconds(number * number * 8_317 + number * 1_204);
    FallbackEventRow {
        id: FallbackEventId(Uuid::from_u128(
            0x0198_0000_7000_8000_0000_0000_0000_0000 + number.unsigned_abs() as u128,
        )),
        organization_id: OrganizationId(Uuid::from_u128(1)),
        request_id: RequestId(Uuid::from_u128(77)),
        failed_model: model.to_owned(),
        next_model: next.map(str::to_owned),
        error_class: Stored::parse(class),
        error_message: Some(message.to_owned()),
        invocation_type: InvocationType::ChatCompletionStream.into(),
        router_config_id: Some(Uuid::from_u128(3)),
        router_config_revision: Some(4),
        session_id: Some(Uuid::from_u128(4)),
        session_ref: Some("checkout-7".to_owned()),
        hop: 1,
        attempts: i32::from(class != "cooldown"),
        status_code: status,
        matched_rule: Some("code:rate_limit_exceeded".to_owned()),
        duration_ms: took,
        origin: if index == 6 { Origin::Drill } else { Origin::Live }.into(),
        created_at: at,
        recorded_at: at,
    }
}

pub(super) fn request(number: i64) -> RequestRow {
    let (by_fallback, failed) = (number % 3 == 0, number % 7 == 5);
    let mut attempts = json!([
        {"model": "gpt-4o", "provider": "openai", "status": 429, "error_class": "rate_limited", "duration_ms": 412},
        {"model": "gpt-4o-mini", "provider": "openai", "error_class": "cooldown", "passed_over": true},
        {"model": "llama-70b", "provider": "groq", "status": 503, "error_class": "overloaded", "duration_ms": 240},
        {"model": "claude-sonnet", "provider": "anthropic", "duration_ms": 640, "adapted": ["clamped:max_tokens"], "translated_to": "messages"},
    ]);
    if let Some(attempts) = attempts.as_array_mut().filter(|_| failed) {
        attempts.pop();
    }
    let at = now() - TimeDelta::seconds(number * 41);
    RequestRow {
        id: RequestId(Uuid::from_u128(
            0x0198_0000_7000_8000_0000_0000_0000_0000 + number.unsigned_abs() as u128,
        )),
        organization_id: OrganizationId(Uuid::from_u128(1)),
        api_key_id: Some(Uuid::from_u128(5)),
        api_key_name: Some(if number % 2 == 0 { "production" } else { "batch jobs" }.to_owned()),
        requested_model: "gpt-4o".to_owned(),
        served_model: (!failed).then(|| if by_fallback { "claude-sonnet" } else { "gpt-4o" }.to_owned()),
        served_provider: Some("anthropic".to_owned()),
        outcome: if failed { Outcome::Failed } else { Outcome::Answered }.into(),
        error_class: failed.then(|| ErrorClass::Overloaded.into()),
        status_code: if failed { 503 } else { 200 },
        endpoint: "/v1/chat/completions".to_owned(),
        invocation_type: InvocationType::ChatCompletionStream.into(),
        streamed: true,
        input_tokens: Some(1_842 + number * 17),
        output_tokens: Some(212 + number * 5),
        cached_tokens: Some(1_024),
        reasoning_tokens: None,
        cache_write_tokens: None,
        usage_flag: (number % 4 == 1).then(|| "clamped".to_owned()),
        cost_nano_dollars: Some(8_706_000 + number * 13_000),
        cost_source: Some("list_price".to_owned()),
        model_price_id: None,
        estimated: number % 4 == 1,
        first_frame_ms: (!failed).then_some(1_292 - number * 3),
        total_ms: 3_184 + number * 11,
        upstream_calls: 3,
        hops: if by_fallback { 3 } else { 0 },
        attempts: attempts.into(),
        session_id: None,
        session_ref: Some("checkout-7".to_owned()),
        client_retry_count: Some(0),
        origin: Origin::Live.into(),
        created_at: at,
        recorded_at: at,
        instance_id: None,
        budget_only_nano_dollars: 0,
    }
}

pub(super) fn counts(at: DateTime<Utc>) -> RequestCounts {
    let wave = (at.timestamp() / 1_800) % 17;
    let first_try = 40 + wave * wave / 3;
    let trouble = if (9..12).contains(&wave) { 22 } else { wave % 4 };
    RequestCounts {
        first_try,
        by_fallback: trouble,
        failed: i64::from(wave == 10) * 3,
        client_closed: 1,
        input_tokens: first_try * 1_840,
        output_tokens: first_try * 240,
        cost_nano_dollars: first_try * 8_700_000,
        unpriced: i64::from(wave == 10),
    }
}
