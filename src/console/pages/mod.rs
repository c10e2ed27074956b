//! The pages, grouped by area.

pub mod account;
pub mod audit;
pub mod budgets;
pub mod docs;
pub mod events;
pub mod fallbacks;
pub mod find;
pub mod keys;
pub mod members;
pub mod models;
pub mod overview;
pub mod playground;
pub mod providers;
pub mod requests;
pub mod settings;
pub mod sign_in;
pub mod start;
pub mod usage;
