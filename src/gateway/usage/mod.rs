//! Tokens and money: what the provider reported, what is estimated, and what it costs.

pub mod answer_limit;
pub mod calibration;
pub mod meter;
pub mod pricing;
pub(crate) mod reported;
pub mod text_size;
