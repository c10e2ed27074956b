//! `/models`: the catalogue, the names by which apps ask.

pub mod cooldown;
pub mod create;
pub mod delete;
pub(crate) mod facts;
pub(crate) mod form;
pub(crate) mod line;
pub mod list;
pub mod read;

/// What the cursors of this list are sealed for.
const LIST: &str = "console/models";
/// What a model is called in messages.
const WHAT: &str = "model";
