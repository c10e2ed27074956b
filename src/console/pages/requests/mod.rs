//! `/requests`: all traffic, one request of it, and the same as CSV.

pub mod export;
pub(crate) mod filter;
pub mod line;
pub mod list;
pub mod read;

/// What the cursors of this list are sealed for.
const LIST: &str = "console/requests";
