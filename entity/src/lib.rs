//! The tables of Failsoft, one module each, named like the table. Rows only: no queries, no rules, no defaults;
//! `store` is the one place that reads and writes them.
//!
//! What holds for all of them:
//! - Ids are UUIDv7 in a type of their own ([`ids`]), so that a provider's id cannot stand where a model's belongs.
//! - Times are UTC, cut to microseconds by whoever writes them: SQLite would keep nanoseconds and PostgreSQL would not.
//! - Money is an `i64`: nano-dollars for amounts, micro-dollars per million tokens for prices. SQLite has no exact decimals.
//! - Text and JSON hold no NUL character: PostgreSQL refuses it where SQLite would not, so it is taken out before.
//! - Words of a closed set (roles, outcomes, origins) are text here and enums in the code that reads them.
//!
//! Nothing of this workspace.

pub mod api_keys;
pub mod audit_entries;
pub mod budgets;
pub mod error_mappings;
pub mod fallback_configs;
pub mod fallback_events;
pub mod fallback_revisions;
pub mod fallback_rollups;
pub mod fallback_targets;
pub mod ids;
pub mod instance_secrets;
pub mod instance_state;
pub mod instances;
pub mod invitations;
pub mod latency_rollups;
pub mod memberships;
pub mod model_prices;
pub mod models;
pub mod one_time_links;
pub mod organizations;
pub mod outbox;
pub mod providers;
pub mod request_rollups;
pub mod requests;
pub mod session_rollups;
pub mod sessions;
pub mod usage_rollups;
pub mod users;
