//! Users, their memberships and sessions, and links that grant access.

pub(crate) mod invitations;
pub(crate) mod memberships;
pub(crate) mod one_time_links;
pub(crate) mod outstanding_links;
pub(crate) mod sessions;
pub(crate) mod users;
