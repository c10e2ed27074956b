//! Anthropic's dialect: Messages, the count of tokens, and the list of models, for Anthropic's SDKs and Claude Code.

pub mod count_tokens;
pub mod error;
pub mod limit_headers;
pub mod messages;
pub mod models;
pub mod schema;
pub mod stream_error;
