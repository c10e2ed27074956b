//! How much of the process one organization may hold at once.

pub mod shares;
