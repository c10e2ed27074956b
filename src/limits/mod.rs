//! Limits on the resources of the process that one organization may use at the same time.

pub mod shares;
