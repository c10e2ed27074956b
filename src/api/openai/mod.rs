//! The OpenAI dialect: chat completions and the list of models, with the SDKs that people already use.

pub mod chat;
pub mod disclosure;
pub mod error;
mod keepalive;
pub mod limits;
pub mod models;
mod response;
pub mod schema;
pub mod stream_error;
