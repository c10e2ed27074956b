//! The pages: HTML from the server, which works without JavaScript, and the files that the pages name.
//!
//! A page is two files: its struct beside its handler, and the template of the same path under `templates/`. A page for
//! somebody who is logged in takes a `Visitor`, a posted one a [`Form`](http::forms::Form);
//! [`Frame`](components::layout::Frame) is what surrounds it.

pub mod components;
pub mod error;
pub mod http;
pub mod pages;
#[cfg(test)]
pub(crate) mod template_tests;
