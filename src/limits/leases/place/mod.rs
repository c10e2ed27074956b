//! Where the counters are that processes share: in memory, in PostgreSQL, or in Valkey.
//!
//! All three keep the same of a counter, its entries, and compute the same from an order. `tests.rs` holds them to it.

mod memory;
mod postgres;
#[cfg(test)]
pub(super) mod tests;
mod valkey;

use super::order::{Grant, Order};
use crate::domain::error::Error;
pub use memory::Memory;
pub(super) use memory::time;
pub use postgres::Postgres;
pub use valkey::{Valkey, ValkeyError};

/// Why a place did not answer. What it did with the orders is not known.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The database did not answer.
    #[error("{0}")]
    Database(#[from] Error),
    /// Valkey did not answer.
    #[error("{0}")]
    Valkey(#[from] ValkeyError),
    /// The answer makes no sense.
    #[error("the answer has {0}")]
    Garbage(&'static str),
}

/// The place of the counters.
#[derive(Debug)]
pub enum LimitPlace {
    /// In the memory of this process, if there is no other.
    Memory(Memory),
    /// In a table of PostgreSQL.
    Postgres(Postgres),
    /// In Valkey, or in a Redis.
    Valkey(Valkey),
}

impl LimitPlace {
    /// Whether other processes count at this place as well.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            Self::Postgres(_) | Self::Valkey(_) => true,
        }
    }

    /// Handles one order for each of several counters, in one round trip. Returns a grant for each, in the same order.
    ///
    /// # Errors
    /// The place cannot be reached, or does not make sense.
    pub async fn take(&self, orders: &[Order]) -> Result<Vec<Grant>, PlaceError> {
        match self {
            Self::Memory(memory) => Ok(orders.iter().map(|order| memory.take(order)).collect()),
            Self::Postgres(postgres) => postgres.take(orders).await,
            Self::Valkey(valkey) => valkey.take(orders).await,
        }
    }

    /// Forgets the counters that no process has used for long, if the place does not do so itself.
    ///
    /// # Errors
    /// The place cannot be reached.
    pub async fn tidy(&self) -> Result<(), PlaceError> {
        match self {
            Self::Memory(_) | Self::Valkey(_) => Ok(()),
            Self::Postgres(postgres) => postgres.tidy().await,
        }
    }
}
