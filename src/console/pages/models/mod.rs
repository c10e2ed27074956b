//! `/models`: the model catalog, with the names that apps request.

pub mod create;
pub mod delete;
pub(crate) mod facts;
pub(crate) mod form;
pub(crate) mod line;
pub mod list;
pub mod read;
pub(crate) mod settings;

/// Purpose that this list's cursors are sealed for.
const LIST: &str = "console/models";
/// The resource's name in error messages.
const WHAT: &str = "model";
