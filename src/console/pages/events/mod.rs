//! `/events`: the fallback events, one of them, the same as CSV, and as they happen.

pub mod export;
pub mod feed;
pub(crate) mod filter;
pub mod line;
pub mod list;
pub mod live;
pub mod read;
pub mod unclassified;

/// What the cursors of this list are sealed for.
const LIST: &str = "console/events";
