//! The management dialect: fallback events, requests and usage, and the configuration that they come from.
//!
//! One file per resource; a resource over 400 lines is a folder with its bodies in `body.rs`. [`call`] is what every
//! handler does the same way, [`query`] and [`page`] read and answer lists, [`checks`] validates bodies and paths,
//! [`error`] builds error responses.

pub mod api_keys;
pub mod budgets;
pub mod call;
pub mod checks;
pub mod error;
pub mod error_mappings;
pub mod explain;
pub mod fallback_events;
pub mod limits;
pub mod models;
pub mod page;
pub mod providers;
pub mod query;
pub mod requests;
pub mod usage;
pub mod whoami;
