//! The limits of what may be said about an API key.

use std::ops::RangeInclusive;

/// Requests per minute.
pub const REQUESTS_PER_MINUTE: RangeInclusive<i64> = 1..=1_000_000;
/// Requests at the same time.
pub const CONCURRENT_REQUESTS: RangeInclusive<i64> = 1..=100_000;
