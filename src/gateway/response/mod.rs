//! The answer to the caller, whole or streamed.

pub mod answer;
mod delivered;
mod interruption;
pub(crate) mod metadata;
pub mod passed;
mod reading;
pub mod relay;
mod silence;
