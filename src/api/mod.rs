//! The JSON APIs. Each folder is a dialect with its own paths and error shape.
//!
//! [`error_response`] builds the response of an error in the dialect of its path.

pub mod anthropic;
pub mod body;
pub mod error_format;
pub mod error_response;
pub mod inference;
pub mod litellm;
pub mod management;
pub mod openai;
pub mod openapi;
pub mod public;
