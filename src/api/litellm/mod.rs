//! The LiteLLM dialect: fallback management with LiteLLM's request and response bodies.

pub mod error;
pub mod fallback;
