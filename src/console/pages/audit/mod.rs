//! Who changed what.

pub(crate) mod diff;
pub(crate) mod line;
pub mod list;

/// What the cursors of this list are sealed for.
const LIST: &str = "console/audit";
