//! `/events`: the list of fallback events, one event, CSV, and the live view.

pub mod export;
pub mod feed;
pub(crate) mod filter;
pub mod line;
pub mod list;
pub mod live;
pub mod read;
pub mod unclassified;

/// Purpose that this list's cursors are sealed for.
const LIST: &str = "console/events";
