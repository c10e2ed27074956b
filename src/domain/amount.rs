//! Upper limits for the token counts and the cost of one request.
//!
//! Request rows, roll-ups and budgets apply the same limits, so their sums agree to the nano-dollar.

/// The most tokens of each kind that one request counts. The largest context windows hold ten million.
pub const MOST_TOKENS: i64 = 100_000_000;

/// The most that one request counts as cost, in nano-dollars: 1,000 dollars. Providers report usage, and a wrong
/// report must not overflow a sum.
pub const MOST_NANO_DOLLARS: i64 = 1_000_000_000_000;
