//! TODO limits

pub mod shares;
