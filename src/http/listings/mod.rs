//! Lists that both the API and the console export: one row, one set of columns and one exporter for each.

mod cell;
pub mod export;
pub mod fallback_events;
pub mod requests;
pub mod usage;
