//! TODO domain

pub mod amount;
pub mod clock;
pub mod error;
pub(crate) mod error_class;
pub(crate) mod outcome;
pub mod permission;
pub mod session_id;
pub mod tenant;
