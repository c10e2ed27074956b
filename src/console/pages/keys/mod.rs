//! `/keys`: the API keys. The secret of a key is shown once, when it is created.

pub mod create;
pub(crate) mod form;
pub(crate) mod line;
pub mod list;
pub mod read;
pub mod revoke;

/// Purpose that this list's cursors are sealed for.
const LIST: &str = "console/keys";
/// The resource's name in error messages.
const WHAT: &str = "API key";
