//! The web console: server-rendered HTML that works without JavaScript.
//!
//! A page is two files: its struct next to its handler, and the template of the same path under `templates/`. Handlers
//! of pages for signed-in people take a `ConsoleUser`; handlers of posts take a [`Form`](http::forms::Form).
//! [`Frame`](components::layout::Frame) is the layout around each page.

pub mod components;
pub mod error;
pub mod http;
pub mod pages;
#[cfg(test)]
pub(crate) mod template_tests;
