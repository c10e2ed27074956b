//! The pages: HTML from the server, which works without JavaScript, and the files that the pages name.
//!
//! A page is two files: its struct beside its handler, and the template of the same path under `templates/`. Imports
//! `auth`, `store`, `gateway`, `error`; neither the database library nor the HTTP client, and nothing of `api`.

pub mod assets;
pub mod pages;
mod response;
