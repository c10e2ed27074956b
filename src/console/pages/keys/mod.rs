//! `/keys`: the keys with which apps call. A key itself is shown once, when it is made.

pub mod create;
pub(crate) mod form;
pub(crate) mod line;
pub mod list;
pub mod read;
pub mod revoke;

/// What the cursors of this list are sealed for.
const LIST: &str = "console/keys";
/// What a key is called in messages.
const WHAT: &str = "API key";
