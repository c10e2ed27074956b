//! The leases of limits: at which place they are counted, and their metrics.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use uuid::Uuid;

use crate::config::Settings;
use crate::domain::clock::Clock;
use crate::limits::leases::Leases;
use crate::limits::leases::place::{LimitPlace, Memory, Postgres, Valkey};
use crate::limits::valkey::{ValkeyClient, ValkeyError};
use crate::store::Store;
use crate::store::recorder::fleet::Fleet;

/// What the heartbeats of a process say of its place. Processes with the same count together.
pub(super) fn place_name(settings: &Settings, store: &Store) -> String {
    match &settings.valkey.url {
        Some(url) => format!("valkey {}", url.place()),
        None if store.is_sqlite() => "memory".to_owned(),
        None => "postgresql".to_owned(),
    }
}

/// The place of the settings: Valkey if there is one, or else the database, or the memory if the database is the embedded
/// one. Whether it answers is not checked.
///
/// # Errors
/// The address of Valkey cannot be used.
pub(super) fn place(
    settings: &Settings,
    store: &Store,
    clock: &Clock,
    process: Uuid,
) -> Result<LimitPlace, ValkeyError> {
    let holder = process.simple().to_string();
    Ok(match &settings.valkey.url {
        Some(url) => LimitPlace::Valkey(Valkey::new(Arc::new(ValkeyClient::new(url)?), &holder)),
        None if store.is_sqlite() => LimitPlace::Memory(Memory::new(clock.clone(), &holder)),
        None => LimitPlace::Postgres(Postgres::new(store.clone(), &holder)),
    })
}

/// Adds the metrics of the leases.
pub(super) fn register(registry: &mut Registry, leases: Leases, fleet: Arc<Fleet>) {
    registry.register_collector(Box::new(LeaseCollector(leases, fleet)));
}

#[derive(Debug)]
struct LeaseCollector(Leases, Arc<Fleet>);

impl Collector for LeaseCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (figures, fleet) = (self.0.figures(), &self.1);
        for (name, help, value) in [
            (
                "failsoft_limit_round_trips",
                "Round trips to the place at which processes count limits",
                figures.round_trips(),
            ),
            ("failsoft_limit_orders", "Slices of limits that were taken or settled", figures.orders()),
            ("failsoft_limit_failures", "Round trips to that place without an answer", figures.failures()),
            (
                "failsoft_limit_alone",
                "Decisions by this process's own share of a limit, because the place was away",
                figures.alone(),
            ),
            (
                "failsoft_limit_refused",
                "Requests and candidates that a limit had no room for",
                figures.refused(),
            ),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        for (name, help, value) in [
            (
                "failsoft_limit_place_away",
                "Whether the place did not answer last, or another process counts elsewhere",
                i64::from(figures.is_away() || fleet.is_divided()),
            ),
            ("failsoft_live_processes", "Processes that live on the database", i64::from(fleet.live())),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
