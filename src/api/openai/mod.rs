//! The OpenAI dialect: chat completions and the list of models, with the SDKs that people already use.

pub mod chat;
pub mod disclosure;
pub mod error;
pub mod limits;
pub mod models;
pub mod schema;
pub mod stream_error;
