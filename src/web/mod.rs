//! The pages: HTML from the server, which works without JavaScript, and the files that the pages name.
//!
//! A page is two files: its struct beside its handler, and the template of the same path under `templates/`. A page for
//! somebody who is logged in takes a `Visitor`, a posted one a [`forms::Form`]; [`layout::Frame`] is what stands around
//! it. Imports `auth`, `body`, `store`, `gateway`, `error`; neither the database library nor the HTTP client, and nothing
//! of `api`.

pub mod address;
pub mod allowance;
pub mod assets;
pub mod attempts;
pub mod chart;
pub mod compress;
pub mod conflict;
pub mod csrf;
mod csv;
pub mod error;
pub mod figures;
pub mod flash;
pub mod forms;
pub mod guest;
pub mod layout;
pub mod mark;
pub mod moment;
pub mod navigation;
pub mod outcome;
pub mod pager;
pub mod pages;
pub mod path;
pub mod query;
pub mod rail;
pub mod response;
#[cfg(test)]
mod samples;
pub mod snippets;
pub mod span;
pub mod strip;
pub mod turning;
pub mod typed;
