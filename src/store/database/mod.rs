//! Database connections: opening them, migrations and health.

pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod error;
pub(crate) mod expired_partitions;
pub(crate) mod hard_links;
pub(crate) mod health;
pub(crate) mod partitions;
pub(crate) mod pooler;
pub(crate) mod private_files;
pub mod query_counter;
pub(crate) mod replica;
pub mod schema;
pub(crate) mod single_server;
pub(crate) mod statements;
