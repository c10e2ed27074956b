//! Who is asking, and what they may do. Imports `store`, `error`, `clock` and `config`.

pub mod api_key;
mod bounds;
pub mod client;
pub mod cookie;
mod device;
pub mod entrance;
pub mod limit;
pub mod link;
pub mod password;
pub mod permission;
pub mod principal;
pub mod session;
pub mod tenant;
pub mod throttle;
pub mod visitor;
mod window;
