//! HTTP for pages: forms, cookies, assets, compression.

pub mod anonymous_visitor;
pub mod assets;
pub mod base_url;
pub mod compression;
pub mod csrf;
pub(crate) mod csv;
pub mod flash;
pub mod forms;
pub mod path;
pub mod query;
pub mod record_filter;
pub mod responses;
