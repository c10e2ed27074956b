//! The LiteLLM dialect: fallback configurations, with the bodies that LiteLLM's users know.

pub mod error;
pub mod fallback;
