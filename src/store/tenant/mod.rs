//! The data of an organization, accessed through `OrgStore` only.

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod budgets;
pub(crate) mod error_mappings;
pub(crate) mod events;
pub(crate) mod fallbacks;
pub(crate) mod key_bounds;
pub(crate) mod key_grants;
pub(crate) mod limits;
pub(crate) mod models;
pub(crate) mod organization_settings;
pub(crate) mod providers;
pub(crate) mod requests;
pub(crate) mod settings;
pub(crate) mod usage;
