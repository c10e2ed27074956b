//! A request before any call: its body, what it needs of a model, and what its caller wants.

pub mod chat_request;
pub mod drills;
pub mod intent;
pub mod json_object;
pub mod requirements;
