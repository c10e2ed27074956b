//! TODO gateway::request

pub mod chat_request;
pub mod drills;
pub mod intent;
pub mod json_object;
pub mod requirements;
