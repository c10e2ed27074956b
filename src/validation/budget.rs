//! What may be said about budgets.

use std::ops::RangeInclusive;

/// A limit, in nano-dollars: up to nine million dollars, which every reader of JSON holds exactly.
pub const LIMIT: RangeInclusive<i64> = 0..=9_000_000_000_000_000;
