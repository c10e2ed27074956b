//! TODO http

pub mod body_reader;
pub(crate) mod cors;
pub(crate) mod middleware;
pub(crate) mod request_path;
