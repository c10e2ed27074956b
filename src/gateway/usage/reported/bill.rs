//! What a provider says that it bills for an answer.

use super::number::{dollars, ticks};
use crate::gateway::request::json_object::RawObject;

/// What a provider says that it bills, in nano-dollars.
#[derive(Debug, Default)]
pub(super) struct Bill {
    cost: Option<i64>,
    /// The cost that the vendor behind a router bills.
    upstream: Option<i64>,
    /// Whether the caller pays the vendor directly.
    own_account: Option<bool>,
}

impl Bill {
    /// Reads one of its fields by name.
    pub(super) fn read(&mut self, name: &[u8], raw: &str) {
        match name {
            b"is_byok" => self.own_account = Some(raw == "true"),
            b"cost_details" => self.upstream = part(raw, "upstream_inference_cost").or(self.upstream),
            b"cost_in_usd_ticks" => self.cost = ticks(raw).or(self.cost),
            // Some vendors list the parts of a cost.
            _ => self.cost = self.cost.or_else(|| dollars(raw).or_else(|| part(raw, "total_cost"))),
        }
    }

    /// The amount; `None` if it is not known. To one who pays the vendor directly, the router bills only its fee.
    pub(super) fn nano_dollars(&self) -> Option<i64> {
        let cost = self.cost?;
        let upstream = self.upstream.filter(|upstream| *upstream > 0);
        match self.own_account {
            Some(true) => Some(cost.saturating_add(upstream?)),
            Some(false) => Some(cost),
            None => Some(
                upstream
                    .filter(|upstream| *upstream > cost)
                    .map_or(cost, |upstream| cost.saturating_add(upstream)),
            ),
        }
    }
}

/// An amount in an object.
fn part(raw: &str, name: &str) -> Option<i64> {
    dollars(RawObject::parse(raw.as_bytes()).ok()?.present(name)?.get())
}
