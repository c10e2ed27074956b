//! Ranges of the numbers that API keys, models and budgets may have. All are inclusive.

use std::ops::RangeInclusive;

/// An API key's requests per minute.
pub const REQUESTS_PER_MINUTE: RangeInclusive<i64> = 1..=1_000_000;
/// An API key's concurrent requests.
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
