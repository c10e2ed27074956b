//! The limits of what may be said about a model.

use std::ops::RangeInclusive;

/// The longest name by which a provider calls a model, in characters.
pub const LONGEST_UPSTREAM_NAME: usize = 200;
/// Tokens of a window or an answer.
pub const TOKENS: RangeInclusive<i64> = 1..=1_000_000_000;
/// Micro-dollars for a million tokens, up to a million dollars.
pub const PRICE: RangeInclusive<i64> = 0..=1_000_000_000_000;
/// Milliseconds of a time limit, up to ten minutes: nobody waits longer for an answer.
pub const TIMEOUT_MS: RangeInclusive<i64> = 1..=600_000;
/// How often a failed call may be made again.
pub const RETRIES: RangeInclusive<i64> = 0..=5;
