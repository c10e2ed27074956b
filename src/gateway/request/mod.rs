//! A request before any call: its body, its requirements, drills, and the intent.

pub mod chat_request;
pub mod drills;
pub mod fingerprint;
pub mod intent;
pub mod json_object;
pub mod json_scan;
pub mod requirements;
