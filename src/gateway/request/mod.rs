//! A request before any call: its body and tools, the headers that pass, its requirements, drills, and the intent.

pub mod chat_request;
pub mod drills;
pub mod features;
pub mod fingerprint;
pub mod form;
pub mod intent;
pub mod json_object;
pub mod json_scan;
pub mod labels;
pub mod passed_headers;
pub mod plain_members;
pub mod requirements;
pub(in crate::gateway) mod response_items;
pub(in crate::gateway) mod stored_state;
pub(in crate::gateway) mod tools;
