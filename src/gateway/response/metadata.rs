//! The `failsoft` object that an answer carries if its caller asks for it.

use serde::Serialize;

use crate::domain::attempt_report::AttemptReport;
use crate::domain::routing_info::RoutingInfo;

/// The `failsoft` object of an answer, for callers who ask for it or got no headers.
#[derive(Debug, Serialize)]
pub(crate) struct Metadata<'a> {
    /// Catalog name of the primary.
    pub requested: &'a str,
    /// What the response headers say.
    #[serde(flatten)]
    pub routing: &'a RoutingInfo,
    /// The cost in nano-dollars; null if a price is unknown.
    pub cost: Option<i64>,
    /// The attempts, in order.
    pub attempts: &'a [AttemptReport],
}
