//! Who is asking, and what they may do.

pub mod access;
pub mod api;
pub mod console;
pub mod part;
