//! Jobs that look each second: whether the database answers, whether its replica does, what other processes have changed,
//! and which keys they have revoked. None waits for another one.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::domain::error::Error;
use crate::gateway::call::endpoint::Endpoints;
use crate::store::Store;

/// How often each process looks.
pub(super) const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// Checks whether the database answers.
pub(super) async fn check_health(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => store.system().look().await,
        }
    }
}

/// Checks whether the replica can be read. A slow replica does not delay other checks.
pub(super) async fn follow_replica(store: Store, mut stopped: watch::Receiver<bool>) {
    if !store.has_replica() {
        return;
    }
    let mut ticks = interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => store.check_replica().await,
        }
    }
}

/// Reads what other processes changed, and forgets connections to providers that are gone.
pub(super) async fn follow_changes(store: Store, endpoints: Endpoints, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        let system = store.system();
        // It may have much to read.
        let followed = tokio::select! {
            () = stop(&mut stopped) => return,
            followed = system.follow_changes() => followed,
        };
        if let Err(error) = followed {
            tracing::warn!(%error, "cannot read all changes; serving the last known state");
        }
        endpoints.forget_gone();
    }
}

/// Refuses revoked keys, which do not wait for other changes.
pub(super) async fn follow_revocations(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        match store.system().follow_revocations().await {
            // The health checks log an outage.
            Ok(()) | Err(Error::DatabaseAway) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot check for revoked keys; refusing them with the next changes");
            }
        }
    }
}

/// Waits for the stop, which may have been requested already.
pub(super) async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
