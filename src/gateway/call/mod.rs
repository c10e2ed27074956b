//! One upstream call: the candidate's request, the attempt, and what its answer or failure means.

pub mod adapt;
pub mod attempt;
pub mod choices;
pub mod classify;
pub(crate) mod classify_and_redact;
pub mod endpoint;
pub mod first_frame;
pub mod frame;
pub mod outcome;
pub mod redact;
pub mod refused_parameters;
pub(crate) mod response_body;
pub mod translation;
pub(crate) mod usable_answer;
pub(crate) mod whole_answer;
