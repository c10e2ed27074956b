//! Who is asking, and what they may do. Imports `store`, `error` and `clock`.

pub mod api_key;
pub mod limit;
pub mod password;
pub mod permission;
pub mod principal;
pub mod tenant;
