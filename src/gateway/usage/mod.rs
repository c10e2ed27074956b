//! Tokens and cost: reported by the provider or estimated.

pub mod answer_limit;
pub mod asked;
pub mod calibration;
pub mod meter;
pub mod pricing;
pub(crate) mod reported;
pub mod so_far;
pub mod text_size;
