//! Who changed what.

pub(crate) mod diff;
pub(crate) mod line;
pub mod list;

/// Purpose that this list's cursors are sealed for.
const LIST: &str = "console/audit";
