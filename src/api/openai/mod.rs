//! The OpenAI dialect: chat completions, responses, other operations and the list of models, for OpenAI's SDKs and Codex.

pub mod chat;
pub mod error;
pub mod limit_headers;
pub mod models;
pub mod operations;
mod request_schema;
pub mod responses;
pub mod schema;
pub mod stream_error;
