//! Types that every layer shares: errors, outcomes, tenants, time and money.
//!
//! Closed sets, such as error classes, outcomes and origins, are enums here. Rows, filters, JSON and OpenAPI use the
//! same enums.

pub mod actor;
pub mod amount;
pub mod attempt_report;
pub mod clock;
pub mod closed_set;
pub mod error;
pub mod failure;
pub mod fallback_type;
pub mod invocation_type;
pub mod operation;
pub mod origin;
pub mod outcome;
pub mod period;
pub mod permission;
pub mod plural;
pub mod routing_info;
pub mod session_id;
pub mod tenant;

/// A concurrent map. Its keys are UUIDs and keyed hashes that this service makes, so no caller can choose them, and a
/// seeded hash is enough. The default one, `SipHash`, costs more than the rest of a lookup.
pub type IdMap<K, V> = papaya::HashMap<K, V, foldhash::fast::RandomState>;
