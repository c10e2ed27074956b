//! The answer on its way to the caller, whole or streamed.

pub mod answer;
pub mod relay;
