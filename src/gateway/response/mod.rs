//! The answer to the caller, whole or streamed.

pub mod answer;
pub mod broken_stream;
mod delivered;
mod interruption;
pub(crate) mod metadata;
pub mod options;
pub mod passed;
mod reading;
pub mod relay;
mod silence;
pub mod stream;
mod whole;
