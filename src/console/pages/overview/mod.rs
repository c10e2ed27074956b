//! `/`: is it healthy now?

pub mod read;
