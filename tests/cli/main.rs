//! Black-box tests of the program: its commands as processes, on real databases, with curl as the client.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and is its own caller"
)]
#![allow(unreachable_pub, missing_docs, reason = "one binary: nothing here is for anybody else")]

mod browser;
mod check;
mod commands;
mod connections;
mod credential_logs;
mod demo;
mod installation;
mod machine;
mod malformed;
mod pgbouncer;
mod process;
mod replica;
mod request_logs;
mod rotate_master_key;
mod secrets;
mod serve;
mod settings;
mod shutdown;
mod sqlite_lock;
