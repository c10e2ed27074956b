//! The answer to the caller, whole or streamed.

pub mod answer;
mod interruption;
pub(crate) mod metadata;
mod reading;
pub mod relay;
