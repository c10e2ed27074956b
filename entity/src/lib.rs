//! The tables of Failsoft. Each module describes the rows of the table of its name, without queries, rules or defaults.
//! Only the `store` module of `failsoft` reads and writes them.
//!
//! Conventions for all tables:
//! - Ids are UUIDv7 with a separate type per table ([`ids`]), so that the compiler rejects a mix-up.
//! - Times are UTC. The writer truncates them to microseconds, because SQLite keeps nanoseconds and PostgreSQL does not.
//! - Money is an `i64`: nano-dollars for amounts, micro-dollars per million tokens for prices. SQLite has no exact
//!   decimal type.
//! - Text and JSON contain no NUL character, because PostgreSQL rejects it. The writer removes it.
//! - Words of a closed set (roles, outcomes, origins) are text here and enums in the code that reads them, so that a
//!   word of a newer release can still be read.
//!
//! This crate depends on no other crate of the workspace.

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
pub mod limit_counters;
pub mod memberships;
pub mod model_prices;
pub mod models;
pub mod one_time_links;
pub mod organizations;
pub mod outbox;
pub mod provider_credentials;
pub mod providers;
pub mod request_rollups;
pub mod requests;
pub mod rollup_deltas;
pub mod session_rollups;
pub mod sessions;
pub mod usage_rollups;
pub mod users;
