//! What everything shares: the words of the product as types.
//!
//! A closed set (the classes of errors, how requests end, where they came from) is an enum here, and the same in rows,
//! filters, JSON and the description of the API.

pub mod actor;
pub mod amount;
pub mod attempt_report;
pub mod chain_failure;
pub mod class_policy;
pub mod clock;
pub mod closed_set;
pub mod error;
pub mod error_class;
pub mod failure;
pub mod failure_scope;
pub mod fallback_type;
pub mod invocation_type;
pub mod origin;
pub mod outcome;
pub mod period;
pub mod permission;
pub mod routing_info;
pub mod session_id;
pub mod tenant;
