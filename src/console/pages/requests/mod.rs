//! `/requests`: the list of requests, one request, and CSV.

pub mod export;
pub(crate) mod filter;
pub mod line;
pub mod list;
pub mod read;

/// Purpose that this list's cursors are sealed for.
const LIST: &str = "console/requests";
