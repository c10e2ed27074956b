//! The Feather dialect: the audit of fallback events, and the management of what they come from.
//!
//! A folder is a resource, a file in it a verb. [`query`], [`page`] and [`export`] read and answer lists, [`checks`]
//! what bodies and paths hold, [`error`] dresses what went wrong.

pub mod api_keys;
pub mod budgets;
pub mod checks;
pub mod error;
pub mod error_mappings;
pub mod explain;
pub mod export;
pub mod fallback_events;
pub mod models;
pub mod page;
pub mod providers;
pub mod query;
pub mod requests;
pub mod usage;
pub mod whoami;
