//! Black-box tests of the API: a real server on its own port, real HTTP, a real database, and a scripted fake
//! provider. Files are named after the URLs or features that they test.
//!
//! [`on_both_databases`] runs every test twice: once on SQLite, once on PostgreSQL.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::string_slice,
    reason = "a test fails by panicking, and is its own caller"
)]
#![allow(unreachable_pub, missing_docs, reason = "one binary: nothing here is for anybody else")]

mod support;

mod allow_lists;
mod api_keys;
mod archive;
mod bedrock;
mod budget_bypass;
mod budget_estimates;
mod budget_unbilled;
mod budgets;
mod chat;
mod closed_sets;
mod console;
mod conversation;
mod embeddings;
mod endpoints;
mod error_mappings;
mod explain;
mod fair_sharing;
mod fallback;
mod fallback_events;
mod fleet;
mod http_edge_cases;
mod key_rights;
mod limits;
mod management_bodies;
mod messages;
mod missing_choices;
mod models;
mod openapi;
mod provider_billing;
mod provider_credentials;
mod provider_health;
mod provider_test;
mod providers;
mod replicas;
mod requests;
mod responses;
mod stream_errors;
mod tenancy;
mod translation;
mod usage;
mod usage_early;
mod usage_sent;
mod usage_shapes;
mod usage_too_low;
mod vertex;
mod whoami;
