//! The own account: password, sessions, organizations.

pub mod name;
pub mod password;
pub mod read;
pub mod sessions;
pub mod switch;
