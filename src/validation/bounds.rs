//! Ranges of the numbers that API keys, models and budgets may have. All are inclusive.

use std::ops::RangeInclusive;

/// Requests per minute of an API key, an organization or a provider.
pub const REQUESTS_PER_MINUTE: RangeInclusive<i64> = 1..=1_000_000;
/// Requests per day of an API key or an organization.
pub const REQUESTS_PER_DAY: RangeInclusive<i64> = 1..=1_000_000_000;
/// Tokens per minute or day of an API key, an organization or a provider.
pub const LIMITED_TOKENS: RangeInclusive<i64> = 1..=1_000_000_000_000;
/// Concurrent requests of an API key or an organization.
pub const CONCURRENT_REQUESTS: RangeInclusive<i64> = 1..=100_000;

/// The longest upstream model name, in characters.
pub const LONGEST_UPSTREAM_NAME: usize = 200;
/// A model's context window or longest answer, in tokens.
pub const TOKENS: RangeInclusive<i64> = 1..=1_000_000_000;
/// A model's price in micro-dollars per million tokens, up to a million dollars.
pub const PRICE: RangeInclusive<i64> = 0..=1_000_000_000_000;
/// A model's timeouts, in milliseconds.
pub const TIMEOUT_MS: RangeInclusive<i64> = 1..=600_000;
/// A credential's share of the calls.
pub const CREDENTIAL_WEIGHT: RangeInclusive<i64> = 1..=1_000;
/// The tier of a credential.
pub const CREDENTIAL_TIER: RangeInclusive<i64> = 0..=15;
/// How often a failed call of a model is retried.
pub const RETRIES: RangeInclusive<i64> = 0..=5;

/// A budget's limits in nano-dollars, up to nine million dollars: a double holds each of them exactly.
pub const BUDGET_LIMIT: RangeInclusive<i64> = 0..=9_000_000_000_000_000;
