//! People in the console: passwords, sessions, sign-in and roles.

pub mod client_ip;
pub mod console_user;
pub mod cookies;
pub(crate) mod device;
pub mod link_secret;
pub mod login_throttle;
pub mod password;
pub mod session_token;
pub mod sign_in;
