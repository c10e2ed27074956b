//! The pages, by area.

pub mod docs;
pub mod home;
