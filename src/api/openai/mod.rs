//! The OpenAI dialect: chat completions and the list of models, for OpenAI's SDKs.

pub mod chat;
pub mod error;
pub mod limit_headers;
pub mod models;
pub mod schema;
pub mod stream_error;
