//! The answer to the caller, whole or streamed.

pub mod answer;
pub(crate) mod metadata;
pub mod relay;
