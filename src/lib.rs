//! Failsoft: an LLM gateway that fails soft.
//!
//! A request for a chat completion is answered by the first model of its chain that can; every failover is an
//! event on record; only the model that answered is billed.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`gateway`] | one request, in reading order: request, intent, plan, adapt, attempt, classify, trail, relay, answer |
//! | [`providers`] | what each vendor wants and says: tables and pure functions |
//! | [`upstream`] | the only HTTP client, the only send, and the gate before it |
//! | [`store`] | the only door to the database, the snapshots that requests are served from, the recorder |
//! | [`auth`] | who is asking: keys, scopes, limits, and the extractors that make a tenant |
//! | [`body`] | the one reader of bodies |
//! | [`shares`] | what all organizations share of a process, and how much of it one may have |
//! | [`checks`] | what may be said about providers, models and keys: shared by the API and the pages |
//! | [`api`] | JSON: a folder is a dialect, and dresses every error in its own shape |
//! | [`web`] | HTML: a page is its struct beside its handler, and its template |
//! | [`routes`] | every route in one list |
//! | [`startup`] | builds the application, knows its port, runs it until it is stopped |
//! | [`cli`] | the commands |
//! | [`simulate`] | an OpenAI-compatible provider of models that fail on purpose |
//! | [`config`], [`error`], [`clock`], [`telemetry`] | importable by all |
//!
//! Who may import whom is held by `tests/tidy.rs`; `docs/ARCHITECTURE.md` walks one request through it.

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
