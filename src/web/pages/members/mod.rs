//! Members: who belongs to the organization, as what, and who is invited.

pub mod invite;
pub mod link;
pub mod list;
pub mod remove;
pub mod reset_link;
pub mod revoke;
pub mod role;
