//! The pages, by area.

pub mod account;
pub mod docs;
pub mod enter;
pub mod events;
pub mod fallbacks;
pub mod members;
pub mod overview;
pub mod playground;
pub mod providers;
pub mod requests;
pub mod start;
