//! `/providers`: where models are served. A credential goes in and never comes out.

pub mod create;
pub mod delete;
pub(crate) mod form;
pub(crate) mod line;
pub mod list;
pub mod read;
pub(crate) mod report;

/// What the cursors of this list are sealed for.
const LIST: &str = "console/providers";
/// What a provider is called in messages.
const WHAT: &str = "provider";
