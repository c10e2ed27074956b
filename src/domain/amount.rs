//! How large a figure of one request may be: the same in its row, in the roll-ups and in what a budget has spent, so
//! that their sums agree to the last nano-dollar.

/// The most tokens that one request is believed to have, of each kind. The largest windows hold ten million.
pub const MOST_TOKENS: i64 = 100_000_000;

/// The most that one request is believed to cost, in nano-dollars: 1,000 dollars. What a provider says of its usage is
/// only its word: no sum may overflow with it.
pub const MOST_NANO_DOLLARS: i64 = 1_000_000_000_000;
