//! The pages, by area.

pub mod docs;
pub mod enter;
pub mod overview;
