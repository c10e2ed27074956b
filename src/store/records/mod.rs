//! The rows that the recorder writes and that lists, exports and roll-ups read.

pub mod attempts;
pub mod fallback_event;
pub mod request;
pub(in crate::store) mod value_list;
