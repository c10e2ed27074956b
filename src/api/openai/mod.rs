//! The OpenAI dialect: chat completions and the list of models, for OpenAI's SDKs.

pub mod chat;
pub mod error;
mod keepalive;
pub mod limit_headers;
pub mod models;
mod response;
pub mod routing_headers;
pub mod schema;
pub mod stream_error;
