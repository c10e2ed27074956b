//! Types that every layer shares: errors, outcomes, tenants, time and money.
//!
//! Closed sets, such as error classes, outcomes and origins, are enums here. Rows, filters, JSON and OpenAPI use the
//! same enums.

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
pub mod id_map;
pub mod invocation_type;
pub mod origin;
pub mod outcome;
pub mod period;
pub mod permission;
pub mod routing_info;
pub mod session_id;
pub mod tenant;
