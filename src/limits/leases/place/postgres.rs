//! Counters in a table of PostgreSQL: one statement for many, with the time of the database.

use std::collections::HashMap;

use entity::ids::OrganizationId;
use serde::Serialize;

use super::PlaceError;
use crate::domain::error::Error;
use crate::limits::leases::order::{Entry, Grant, Order};
use crate::store::Store;
use crate::store::maintenance::limit_counters::CounterRow;

const NO_NUMBERS: PlaceError = PlaceError::Garbage("entries that are no numbers");

/// Counters in a table of PostgreSQL.
#[derive(Debug, Clone)]
pub struct Postgres {
    store: Store,
    holder: String,
}

/// An order as the statement reads it.
#[derive(Serialize)]
struct Asked<'a> {
    organization: OrganizationId,
    counter: String,
    holder: &'a str,
    most: i64,
    keep: i64,
    smallest: i64,
    need: i64,
    ahead: i64,
    span: i64,
    grid: i64,
    hold: i64,
    slack: i64,
    now: Option<i64>,
    spends: Vec<AskedSpend>,
}

#[derive(Serialize)]
struct AskedSpend {
    units: i64,
    ago: i64,
}

impl Postgres {
    /// Counters in the database of the store.
    #[must_use]
    pub fn new(store: Store, holder: &str) -> Self {
        Self { store, holder: holder.to_owned() }
    }

    pub(super) async fn take(&self, orders: &[Order]) -> Result<Vec<Grant>, PlaceError> {
        let mut found = self.ask(orders.iter()).await?;
        // The row of a new counter is there now, with nothing in it.
        let new: Vec<&Order> =
            orders.iter().filter(|order| found.get(&id(order)).is_some_and(|row| row.held < 0)).collect();
        if !new.is_empty() {
            found.extend(self.ask(new.into_iter()).await?);
        }
        let grants = orders.iter().map(|order| {
            let row = found.get(&id(order)).ok_or(PlaceError::Garbage("no row for a counter"))?;
            self.grant(row)
        });
        grants.collect()
    }

    pub(super) async fn tidy(&self) -> Result<(), PlaceError> {
        Ok(self.store.system().forget_counters().await?)
    }

    async fn ask<'a>(
        &self,
        orders: impl Iterator<Item = &'a Order>,
    ) -> Result<HashMap<(OrganizationId, String), CounterRow>, PlaceError> {
        let asked: Vec<Asked<'_>> = orders.map(|order| self.asked(order)).collect();
        let asked = serde_json::to_string(&asked).map_err(Error::internal)?;
        let rows = self.store.system().take_slices(&asked).await?;
        Ok(rows.into_iter().map(|row| ((row.organization_id, row.counter.clone()), row)).collect())
    }

    fn asked(&self, order: &Order) -> Asked<'_> {
        let timing = order.timing();
        let spends = order.spends.iter().map(|spend| AskedSpend { units: spend.units, ago: spend.ago });
        Asked {
            organization: order.counter.organization,
            counter: order.counter.name(),
            holder: &self.holder,
            most: order.most,
            keep: order.keep,
            smallest: order.smallest,
            need: order.need,
            ahead: order.ahead,
            span: timing.span,
            grid: timing.grid,
            hold: timing.hold,
            slack: timing.slack,
            now: order.now,
            spends: spends.collect(),
        }
    }

    fn grant(&self, row: &CounterRow) -> Result<Grant, PlaceError> {
        let all: HashMap<String, i64> = serde_json::from_str(&row.entries).map_err(|_| NO_NUMBERS)?;
        let mut entries = Vec::with_capacity(all.len());
        for (key, units) in all {
            let (ends, holder) = key.split_once('/').unwrap_or((&key, ""));
            if holder != self.holder {
                entries.push(Entry { ends: ends.parse().map_err(|_| NO_NUMBERS)?, units });
            }
        }
        Ok(Grant { held: row.held.max(0), now: row.looked_at, entries })
    }
}

fn id(order: &Order) -> (OrganizationId, String) {
    (order.counter.organization, order.counter.name())
}
