//! `/settings/budget` and `/keys/{id}/budget`: what the organization, or one of its keys, may spend.

pub mod change;
pub(crate) mod form;
