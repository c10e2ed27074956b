//! Limits: on the resources of the process that one organization may use at the same time, and on requests, tokens and
//! money, which hold for all processes together.

pub mod leases;
pub mod shares;
pub mod valkey;
