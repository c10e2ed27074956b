//! Sign-up, login, logout, and one-time links.

pub mod console;
pub mod gone;
pub mod invite;
pub mod login;
pub mod reset;
pub mod signup;
