//! Failsoft: an LLM gateway that fails soft.
//!
//! A request for a chat completion is answered by the first model of its chain that can; every failover is an
//! event on record; only the model that answered is billed.
//!
//! # The map
//!
//! From the ground up; each folder imports only what is above it in this table. `tests/tidy` holds that.
//!
//! | module | what it is |
//! |---|---|
//! | [`domain`] | the words that everything shares: errors and what each class leads to, tenants, outcomes, time |
//! | [`config`], [`telemetry`] | documented settings; logs and metrics |
//! | [`providers`] | what each vendor wants and says: tables and pure functions |
//! | [`limits`] | what all organizations share of a process, and how much of it one may hold |
//! | [`upstream`] | the only HTTP clients, the only send, the address policy before it, the framing of streams |
//! | [`store`] | the database: organizations' data, accounts, snapshots, the recorder, roll-ups, the vault |
//! | [`auth`] | who is asking: API callers with keys and scopes, people with sessions and roles |
//! | [`gateway`] | one request, in reading order: request, routing, call, usage, response, record |
//! | [`http`], [`validation`] | reading bodies; what may be said about providers, models and keys |
//! | [`api`] | JSON: a folder is a dialect, and gives every error its own shape |
//! | [`console`] | HTML: a page is its struct beside its handler, and its template |
//! | [`app`] | every route in one list; builds the application, runs it and its jobs until it is stopped |
//! | [`cli`] | the commands |
//! | [`simulate`] | an OpenAI-compatible provider of models that fail on purpose |
//!
//! `docs/ARCHITECTURE.md` walks one request through it.

pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod console;
pub mod domain;
pub mod gateway;
pub mod http;
pub mod limits;
pub mod providers;
pub mod simulate;
pub mod store;
pub mod telemetry;
pub mod upstream;
pub mod validation;
