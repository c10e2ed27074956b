//! The API from outside: a real server on a port of its own, real HTTP, a real database, a provider that does what
//! a test tells it. Files are named after the URLs that they test.
//!
//! Every test runs twice, by [`on_both_databases`]: once on SQLite, once on PostgreSQL.

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

mod api_keys;
mod bills;
mod budgets;
mod chat;
mod console;
mod edges;
mod error_mappings;
mod explain;
mod fallback;
mod fallback_events;
mod models;
mod openapi;
mod overspend;
mod provider_health;
mod provider_test;
mod providers;
mod requests;
mod shares;
mod tenancy;
mod usage;
mod whoami;
