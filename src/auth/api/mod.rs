//! TODO auth::api

pub mod api_caller;
pub mod api_key;
pub mod rate_limit;
pub(crate) mod window;
