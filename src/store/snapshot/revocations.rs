//! Follows the revocations of API keys, apart from all other changes.
//!
//! A revoked key is refused about a second later, however many organizations are still to be read. The connection is that
//! of health checks, which no list or export can occupy.

use chrono::TimeDelta;
use entity::api_keys;
use entity::ids::ApiKeyId;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use super::counter::Counter;
use super::keys::KeyHash;
use super::progress::RevocationProgress;
use super::snapshot_store::SnapshotStore;
use crate::domain::error::Error;
use crate::store::Store;

/// The most revocations that are read at once.
const MOST: usize = 1_000;
/// The largest difference between the clocks of two processes, for finding revocations without a number.
const CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(2);
/// On PostgreSQL, a query that waits for a lock must not hold up the health checks.
const STATEMENT_TIMEOUT: &str = "SET LOCAL statement_timeout = '600ms'";

impl SnapshotStore {
    /// Refuses keys that other processes have revoked.
    ///
    /// # Errors
    /// The database cannot be read. The next call continues from there.
    pub(in crate::store) async fn follow_revocations(&self, store: &Store) -> Result<(), Error> {
        let mut followed = self.revocations.lock().await;
        let now = store.inner.clock.now();
        let counter = Counter::read(&store.inner.watcher).await?;
        if counter.changes < followed.counter.changes {
            // The database was restored, and keys may be valid again.
            self.forget_revocations(i64::MAX);
            *followed =
                RevocationProgress { counter: followed.counter, ..RevocationProgress::at(counter, now) };
        }
        if counter.unnumbered() != followed.counter.unnumbered() {
            let since = api_keys::Column::RevokedAt.gte(followed.looked_at - CLOCK_DIFFERENCE);
            for (number, _, hash) in read(store, api_keys::Entity::find().filter(since)).await? {
                self.forget(&hash, number);
            }
        }
        let mut more = counter != followed.counter;
        while more {
            let (number, id) = followed.last;
            let page = read(store, numbered(number, id)).await?;
            for (number, id, hash) in &page {
                self.forget(hash, *number);
                followed.last = (number.unwrap_or(followed.last.0), *id);
            }
            more = page.len() == MOST;
        }
        followed.counter = counter;
        followed.looked_at = now;
        Ok(())
    }

    fn forget(&self, hash: &[u8], number: Option<i64>) {
        if let Ok(hash) = KeyHash::try_from(hash) {
            self.forget_key(hash, number);
        }
    }
}

/// The next revocations by their number.
fn numbered(number: i64, id: ApiKeyId) -> Select<api_keys::Entity> {
    let later =
        Condition::any().add(api_keys::Column::RevocationSeq.gt(number)).add(api_keys::Column::Id.gt(id));
    api_keys::Entity::find()
        .filter(api_keys::Column::RevocationSeq.gte(number))
        .filter(later)
        .order_by_asc(api_keys::Column::RevocationSeq)
        .order_by_asc(api_keys::Column::Id)
        .limit(u64::try_from(MOST).unwrap_or(u64::MAX))
}

/// The number of the revocation, the id and the keyed hash of a revoked key.
type Revoked = (Option<i64>, ApiKeyId, Vec<u8>);

/// Reads revoked keys on the connection of the health checks.
async fn read(store: &Store, keys: Select<api_keys::Entity>) -> Result<Vec<Revoked>, Error> {
    let watcher = &store.inner.watcher;
    let keys = keys
        .select_only()
        .column(api_keys::Column::RevocationSeq)
        .column(api_keys::Column::Id)
        .column(api_keys::Column::KeyHash)
        .into_tuple::<Revoked>();
    if store.is_sqlite() {
        return Ok(keys.all(watcher).await?);
    }
    let transaction = watcher.begin().await?;
    transaction.execute_unprepared(STATEMENT_TIMEOUT).await?;
    let rows = keys.all(&transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}
