//! Callers of the API: keys, scopes and limits.

pub mod api_caller;
pub mod api_key;
pub mod rate_limit;
