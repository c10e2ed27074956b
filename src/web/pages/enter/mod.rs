//! The ways in and out: sign-up, log-in, log-out, and links.

pub mod login;
pub mod logout;
pub mod signup;
