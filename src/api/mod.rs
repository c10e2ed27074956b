//! The JSON surfaces. A folder is a dialect; each answers everything under its paths in its own shape.
//!
//! [`error_response`] turns every error into its dialect's words.

pub mod dialect;
pub mod error_response;
pub mod json_fields;
pub mod litellm;
pub mod management;
pub mod openai;
pub mod openapi;
pub mod public;
pub mod request_options;
