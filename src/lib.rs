//! Failsoft: an LLM gateway that fails soft.
//!
//! The first model of a request's chain that can answer does so. Every failover is recorded as an event, and only the
//! model that answered is billed.
//!
//! # The map
//!
//! From the ground up; each folder imports only folders above it in this table. `tests/tidy` checks that.
//!
//! | module | contents |
//! |---|---|
//! | [`domain`] | definitions that all layers share: errors and their policies, tenants, outcomes, time |
//! | [`config`], [`telemetry`] | documented settings; logs and metrics |
//! | [`dialects`] | how callers ask and providers answer: what of each dialect is read |
//! | [`providers`] | what each vendor expects and returns: tables and pure functions |
//! | [`store`] | the database: data of organizations, accounts, snapshots, the recorder, roll-ups, the vault |
//! | [`limits`] | the share of each organization in a process; limits that hold for all processes together |
//! | [`upstream`] | the HTTP clients for providers, the address policy, the framing of streams |
//! | [`auth`] | the callers: API keys with scopes, console users with sessions and roles |
//! | [`gateway`] | one request, in reading order: request, routing, call, usage, response, record |
//! | [`http`], [`validation`] | request bodies, lists and their exports; rules for values of providers, models and keys |
//! | [`api`] | JSON: a folder for each dialect, with its format of errors |
//! | [`console`] | HTML: a page is a struct next to its handler, and a template |
//! | [`app`] | every route in one list; builds the application, runs it and its jobs until it is stopped |
//! | [`cli`] | the commands of the program |
//! | [`simulate`] | an OpenAI-compatible provider of models that fail on purpose |
//!
//! `docs/ARCHITECTURE.md` follows one request through them and defines the terms.

pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod console;
pub mod dialects;
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
