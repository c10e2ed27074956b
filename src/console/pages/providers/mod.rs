//! `/providers`: the providers. A credential can be stored but never read back.

pub mod add_models;
pub mod create;
pub mod credential;
pub(crate) mod credential_form;
pub mod credentials;
pub mod delete;
pub(crate) mod form;
pub(crate) mod kind_form;
pub(crate) mod line;
pub mod list;
pub mod read;
pub(crate) mod report;

/// Purpose that this list's cursors are sealed for.
const LIST: &str = "console/providers";
/// The resource's name in error messages.
const WHAT: &str = "provider";
