//! The meaning of vendors' error codes and types. A code is more reliable than a message, and where a row says so,
//! also than the status.
//!
//! Generic types (`invalid_request_error`, `BadRequestError`) have no row on purpose: the status says more, and so
//! may the message.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::providers::{Meaning, UpstreamError};

/// With which statuses a code counts.
#[derive(Clone, Copy)]
enum StatusCondition {
    /// With any status at all.
    Anywhere,
    /// With any status but 429. A 429 means that waiting helps, which matters more than any code beside it.
    ExceptWith429,
    /// Only in an answer with a success status. An error status is more precise than the code: an OpenAI
    /// `server_error` comes with 500 and with 503.
    InAnswer,
    /// Only with a status of 500 or above, or with 424, by which Bedrock says that the model failed.
    WithServerError,
    /// Only with status 401 or 403: with 429 it may be a limit of rates.
    Refusal,
    /// Only with status 412: with another status the code means something else, or is a mere number.
    Only412,
    /// Only with status 424.
    Only424,
    /// Only with status 429 or in an answer with a success status.
    LimitOrAnswer,
    /// Only with status 400 or in an answer with a success status: numbers that say nothing elsewhere.
    BadRequestOrAnswer,
}

impl StatusCondition {
    fn admits(self, status: u16) -> bool {
        match self {
            Self::Anywhere => true,
            Self::InAnswer => status == 200,
            Self::WithServerError => status >= 500 || status == 424,
            Self::ExceptWith429 => status != 429,
            Self::Refusal => matches!(status, 401 | 403),
            Self::Only412 => status == 412,
            Self::Only424 => status == 424,
            Self::LimitOrAnswer => matches!(status, 200 | 429),
            Self::BadRequestOrAnswer => matches!(status, 200 | 400),
        }
    }
}

/// One code. The names of its rules tell in which field it was found.
struct Row {
    code: &'static str,
    applies: StatusCondition,
    meaning: Meaning,
    as_inner_code: &'static str,
    as_code: &'static str,
    as_type: &'static str,
}

macro_rules! rows {
    ($($applies:ident $meaning:ident { $($code:literal)* })*) => {
        &[$($(Row {
            code: $code,
            applies: StatusCondition::$applies,
            meaning: Meaning::$meaning,
            as_inner_code: concat!("inner_code:", $code),
            as_code: concat!("code:", $code),
            as_type: concat!("type:", $code),
        },)*)*]
    };
}

/// Codes are compared ignoring case and punctuation, so `DataInspectionFailed` and `data_inspection_failed` share a
/// row.
static ROWS: &[Row] = rows! {
    ExceptWith429 ContextWindow {
        "context_length_exceeded"
        "context_window_exceeded"
        "context_window_exceeded_error"
        "model_context_window_exceeded"
        "exceed_context_size_error"
        "token_limit_exceeded"
        "tokens_limit_reached"
    }
    ExceptWith429 ContentPolicy {
        "content_policy_violation"
        "content_policy_violation_error"
        "content_filter"
        "responsible_ai_policy_violation"
        "data_inspection_failed"
        "moderation_blocked"
        "cyber_policy"
        "prohibited_content"
        "sensitive_words_detected"
        "refusal"
    }
    Anywhere QuotaExhausted {
        "insufficient_quota"
        "insufficient_credits"
        "insufficient_balance"
        "insufficient_balance_error"
        "payment_required"
        "billing_error"
        "billing_not_active"
        "billing_hard_limit_reached"
        "exceeded_current_quota_error"
        "budget_exceeded"
        "arrearage"
        "credit_balance_exhausted"
        "organization_spend_limit_exceeded"
        "project_spend_limit_exceeded"
        "enforced_spend_limit_reached"
        "personal_team_blocked:spending_limit"
        "token_quota_reached"
        "not_enough_balance"
        "insufficient_user_quota"
        "account_overdue_error"
        "billing_disabled"
        "blocked_api_access"
        "allocation_quota.free_tier_only"
    }
    // ElevenLabs' code for an account with too few credits.
    Refusal QuotaExhausted { "quota_exceeded" }
    // Zhipu's number for an account without credit.
    LimitOrAnswer QuotaExhausted { "1113" }
    // Zhipu's number for unsafe or sensitive content.
    BadRequestOrAnswer ContentPolicy { "1301" }
    InAnswer RateLimited { "1302" }
    InAnswer Overloaded { "1305" }
    // Fireworks' code for a suspended account.
    Only412 QuotaExhausted { "precondition_failed" }
    Anywhere RateLimited {
        "rate_limit_exceeded"
        "rate_limit_error"
        "rate_limit_reached_error"
        "rate_limited"
        "too_many_requests"
        "too_many_requests_error"
        "too_many_requests_exception"
        "service_quota_exceeded_exception"
        "throttling"
        "throttling_exception"
        "throttling.rate_quota"
        "throttling.allocation_quota"
        "resource_exhausted"
    }
    WithServerError RateLimited { "429" }
    Anywhere Overloaded {
        "overloaded_error"
        "engine_overloaded_error"
        "provider_overloaded"
        "model_overloaded"
        "server_is_overloaded"
        "capacity_exceeded"
    }
    InAnswer Overloaded {
        "overloaded"
        "unavailable"
        "service_unavailable"
        "service_unavailable_error"
        "service_unavailable_exception"
    }
    InAnswer Unavailable {
        "server_error"
        "api_error"
        "internal"
        "internal_error"
        "internal_server_error"
        "internal_server_exception"
        "provider_unavailable"
        "bad_gateway"
    }
    // A 424 is not the caller's fault: the model failed inside the vendor's system.
    Only424 Unavailable {
        "generation"
        "model_error_exception"
        "model_stream_error_exception"
    }
    InAnswer TimedOut {
        "timeout"
        "timeout_error"
        "request_timeout"
        "deadline_exceeded"
    }
    Anywhere Authentication {
        "invalid_api_key"
        "api_key_invalid"
        "authentication"
        "authentication_error"
        "invalid_authentication_error"
        "unauthenticated"
        "unauthorized"
        "permission_error"
        "permission_denied"
        "access_denied_exception"
        "unrecognized_client_exception"
        "expired_token_exception"
        "incomplete_signature_exception"
        "invalid_signature_exception"
        "missing_authentication_token_exception"
        "account_deactivated"
    }
    Anywhere ModelNotFound {
        "model_not_found"
        "model_not_available"
        "model_decommissioned"
        "model_deprecated"
        "model_not_exist"
        "invalid_model"
        "deployment_not_found"
    }
    // Numbers of MiniMax (`base_resp`) and Baidu (`error_code`), which other vendors use for other things.
    InAnswer RateLimited {
        "base_resp.1002" "base_resp.1039" "base_resp.1041"
        "error_code.4" "error_code.18" "error_code.336501" "error_code.336502"
    }
    InAnswer QuotaExhausted { "base_resp.1008" "base_resp.2056" "error_code.17" "error_code.19" }
    InAnswer Overloaded { "error_code.2" "error_code.336100" }
    InAnswer Unavailable {
        "base_resp.1000" "base_resp.1013" "base_resp.1024" "base_resp.1033" "error_code.1" "error_code.336000"
    }
    InAnswer TimedOut { "base_resp.1001" }
    InAnswer ContentPolicy { "base_resp.1026" "base_resp.1027" }
    InAnswer Authentication {
        "base_resp.1004" "base_resp.2049"
        "error_code.6" "error_code.13" "error_code.14" "error_code.110" "error_code.111"
    }
    InAnswer ContextWindow { "error_code.336103" }
    // A finish reason.
    InAnswer Overloaded { "insufficient_system_resource" "engine_overloaded" }
    InAnswer ContextWindow { "error_limit" }
    // Codes that refer to the parameter at fault end the search, because the message beside them may quote the
    // caller.
    Anywhere InvalidRequest {
        "unsupported_parameter"
        "unsupported_value"
        "unknown_parameter"
        "missing_required_parameter"
        "invalid_function_parameters"
        "invalid_type"
        "string_above_max_length"
        "tool_use_failed"
        "json_validate_failed"
        "extra_forbidden"
        "thread_not_found"
    }
};

/// The rows by the letters of their codes. No two rows have the same.
static INDEX: LazyLock<HashMap<Vec<u8>, &'static Row, foldhash::fast::RandomState>> =
    LazyLock::new(|| ROWS.iter().map(|row| (letters(row.code).collect(), row)).collect());

/// The row of a code, if it counts with this status.
fn row(status: u16, code: &str) -> Option<&'static Row> {
    let letters: Vec<u8> = letters(code).collect();
    INDEX.get(letters.as_slice()).copied().filter(|row| row.applies.admits(status))
}

/// The meaning of the error's codes and the matching rule. The most specific code is looked up first.
pub fn meaning(error: &UpstreamError) -> Option<(Meaning, &'static str)> {
    let find = |field: &Option<String>, rule: fn(&Row) -> &'static str| {
        let row = row(error.status, field.as_deref()?)?;
        Some((row.meaning, rule(row)))
    };
    find(&error.inner_code, |row| row.as_inner_code)
        .or_else(|| find(&error.code, |row| row.as_code))
        .or_else(|| find(&error.kind, |row| row.as_type))
}

/// Whether a code counts with this status, and blames something other than the request.
#[must_use]
pub fn blames(status: u16, code: &str) -> bool {
    let of_the_request = |meaning| {
        matches!(meaning, Meaning::InvalidRequest | Meaning::ContextWindow | Meaning::ContentPolicy)
    };
    row(status, code).is_some_and(|row| !of_the_request(row.meaning))
}

/// Codes for a value that is wrong, which providers quote in their messages.
const BAD_VALUES: &[&str] = &[
    "enum",
    "extra_forbidden",
    "integer_below_min_value",
    "invalid_enum_value",
    "invalid_function_parameters",
    "invalid_type",
    "invalid_value",
    "literal_error",
    "missing_required_parameter",
    "string_too_long",
    "string_above_max_length",
    "string_pattern_mismatch",
    "unknown_parameter",
    "unsupported_parameter",
    "unsupported_value",
];

/// Whether a code says that a value of the request is wrong.
#[must_use]
pub fn is_bad_value(error: &UpstreamError) -> bool {
    let found = [&error.inner_code, &error.code, &error.kind];
    found.into_iter().flatten().any(|code| BAD_VALUES.iter().any(|row| same(row, code)))
}

/// Whether a code says that the request is too large for a limit, whatever the status.
#[must_use]
pub fn is_too_large(error: &UpstreamError) -> bool {
    let found = [&error.inner_code, &error.code, &error.kind];
    found.into_iter().flatten().any(|code| same("request_too_large", code))
}

/// Whether the error's type alone marks the request as invalid. Used for an error inside a successful answer, which
/// has no error status.
pub fn is_bad_request(error: &UpstreamError) -> bool {
    const TYPES: &[&str] = &[
        "invalid_request_error",
        "bad_request_error",
        "bad_request",
        "invalid_argument",
        "invalid_request",
        "validation_exception",
    ];
    let kinds = [&error.kind, &error.code, &error.inner_code];
    kinds.into_iter().flatten().any(|kind| TYPES.iter().any(|row| same(row, kind)))
}

/// Compares ignoring case and punctuation.
fn same(row: &str, code: &str) -> bool {
    // Almost every row differs in its first letter.
    letters(row).next() == letters(code).next() && letters(row).eq(letters(code))
}

fn letters(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
