//! The ways in and out: sign-up, log-in, log-out, and links.

pub mod console;
pub mod gone;
pub mod invite;
pub mod login;
pub mod logout;
pub mod reset;
pub mod signup;
