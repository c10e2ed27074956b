//! The pages, by area.

pub mod account;
pub mod docs;
pub mod enter;
pub mod events;
pub mod members;
pub mod overview;
pub mod providers;
pub mod requests;
