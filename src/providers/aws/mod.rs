//! Amazon Web Services: credentials, the signature of requests, and the names of errors.

pub mod credential;
pub mod exceptions;
pub mod sigv4;
