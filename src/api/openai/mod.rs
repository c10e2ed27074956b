//! The OpenAI dialect: chat completions and the list of models, with the SDKs that people already use.

pub mod chat;
pub mod error;
mod keepalive;
pub mod limit_headers;
pub mod models;
mod response;
pub mod routing_headers;
pub mod schema;
pub mod stream_error;
