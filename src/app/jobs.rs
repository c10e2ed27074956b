//! Background jobs: store when keys were used and which providers accept our credentials, delete expired rows, and those
//! in `followers`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::app::followers::{self, FOLLOW_INTERVAL, stop};
use crate::app::{archive, sentences_file};
use crate::config::Settings;
use crate::domain::clock::Clock;
use crate::gateway::call::endpoint::Endpoints;
use crate::gateway::routing::budget::Crossed;
use crate::gateway::routing::call_feedback::SharedState;
use crate::gateway::routing::provider_health::{HealthChange, HealthOf};
use crate::limits::leases::Taker;
use crate::store::Store;
use crate::store::archive::Archive;
use crate::store::recorder::{Recorder, Watcher};

/// How often what was counted is added to the roll-ups.
const FOLD_INTERVAL: Duration = Duration::from_secs(1);
/// How often expired links, sessions and invitations are deleted.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(3_600);
/// The pause between two batches of deletions.
const BATCH_PAUSE: Duration = Duration::from_millis(200);
/// How often records beyond an organization's retention are deleted.
const RETENTION_INTERVAL: Duration = Duration::from_secs(10);
/// How often partitions are made ahead and dropped.
const PARTITIONS_INTERVAL: Duration = Duration::from_secs(60);
/// The shortest pause after a batch of records. Otherwise it is as long as the batch took, and at most [`BATCH_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
/// How long changes of provider health are collected before they are written.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);
/// How often the last use of keys is written.
const KEY_USE_INTERVAL: Duration = Duration::from_secs(30);

/// The running jobs, and the way to end them.
pub(super) struct Jobs {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Jobs {
    pub(super) async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

pub(super) fn start(
    (store, endpoints, archive): (&Store, Endpoints, Option<Arc<Archive>>),
    clock: &Clock,
    settings: &Settings,
    shared_state: &Arc<SharedState>,
    watcher: Watcher,
    health: mpsc::Receiver<HealthChange>,
    taker: Taker,
) -> Jobs {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = vec![
        tokio::spawn(taker.run(stopped.clone())),
        tokio::spawn(followers::check_health(store.clone(), stopped.clone())),
        tokio::spawn(followers::follow_replica(store.clone(), stopped.clone())),
        tokio::spawn(followers::follow_changes(store.clone(), endpoints, stopped.clone())),
        tokio::spawn(followers::follow_revocations(store.clone(), stopped.clone())),
        tokio::spawn(follow_spending(store.clone(), shared_state.clone(), stopped.clone())),
        tokio::spawn(fold_rollups(store.clone(), stopped.clone())),
        tokio::spawn(delete_beyond_retention(store.clone(), watcher.clone(), stopped.clone())),
        tokio::spawn(keep_partitions(store.clone(), stopped.clone())),
        tokio::spawn(store_health(store.clone(), health, stopped.clone())),
        tokio::spawn(sentences_file::follow(
            settings.gateway.sentences.clone(),
            shared_state.clone(),
            stopped.clone(),
        )),
        tokio::spawn(delete_expired(store.clone(), stopped.clone())),
        tokio::spawn(store_key_use(store.clone(), clock.clone(), stopped.clone())),
    ];
    if let Some(archive) = archive {
        tasks.push(tokio::spawn(archive::run(store.clone(), archive, watcher, stopped)));
    }
    Jobs { stop, tasks }
}

/// Reads the spending of budgets, and reports soft limits that were reached.
async fn follow_spending(store: Store, shared_state: Arc<SharedState>, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        shared_state.call_limits.end_lingering();
        if let Err(error) = read_spending(&store, &shared_state).await {
            tracing::warn!(%error, "cannot read the spending; using the last known values");
            continue;
        }
        for organization in store.snapshots().organizations() {
            for Crossed { organization_id, budget_id, spent } in shared_state.spending.crossed(&organization)
            {
                let data = store.system().organization(organization_id, "budgets");
                match data.budget_warn(budget_id, spent).await {
                    Ok(true) => {
                        tracing::warn!(organization = %organization_id, budget = %budget_id, "a soft limit was reached")
                    }
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(budget = %budget_id, %error, "a reached soft limit could not be recorded")
                    }
                }
            }
        }
    }
}

/// Adds what was counted to the roll-ups, unless that was done since the last time to read the spending.
async fn fold_rollups(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(FOLD_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut folds = 0;
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        if std::mem::replace(&mut folds, store.system().folds()) == folds
            && let Err(error) = store.system().fold_rollups().await
        {
            tracing::warn!(%error, "cannot add to the roll-ups; the counts stay for the next attempt");
        }
    }
}

pub(super) async fn read_spending(
    store: &Store,
    shared_state: &SharedState,
) -> crate::domain::error::Result<()> {
    let period = shared_state.spending.needed();
    shared_state.spending.read(None, period, async { store.system().spent_since(period).await }).await
}

/// Deletes expired rows at the start and every hour, in batches, so that no change waits long.
async fn delete_expired(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = match store.system().delete_expired().await {
            Ok(0) => EXPIRY_INTERVAL,
            Ok(_) => BATCH_PAUSE,
            Err(error) => {
                tracing::warn!(%error, "cannot delete expired links, sessions and invitations");
                EXPIRY_INTERVAL
            }
        };
    }
}

/// Deletes records beyond the retention of their organization, while few records wait for the writer.
async fn delete_beyond_retention(store: Store, watcher: Watcher, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(RETENTION_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The pause before the next batch, if there is one.
    let mut more = None;
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick(), if more.is_none() => {}
            () = tokio::time::sleep(more.unwrap_or(BATCH_PAUSE)), if more.is_some() => {}
        }
        // Writing records comes first. Requests under way are no records yet.
        if watcher.is_behind() {
            more = None;
            continue;
        }
        let begun = Instant::now();
        more = match store.system().delete_past_retention().await {
            Ok(_) => {
                let pause = begun.elapsed().clamp(SHORTEST_PAUSE, BATCH_PAUSE);
                store.system().is_retention_due().then_some(pause)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot delete records beyond their retention");
                None
            }
        };
    }
}

/// Makes partitions ahead and drops those that are beyond every retention. It waits for no queue.
async fn keep_partitions(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(PARTITIONS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        match store.system().keep_partitions().await {
            Ok(0) => {}
            Ok(dropped) => tracing::info!(dropped, "partitions beyond the retention were dropped"),
            Err(error) => {
                tracing::warn!(%error, "cannot make or drop partitions; the next attempt follows in a minute");
            }
        }
    }
}

async fn store_key_use(store: Store, clock: Clock, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(KEY_USE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since = clock.now().timestamp();
    loop {
        let last = tokio::select! {
            _ = stopped.changed() => true,
            _ = ticks.tick() => false,
        };
        let now = clock.now().timestamp();
        match store.system().api_key_touch(since).await {
            Ok(()) => since = now,
            Err(error) => tracing::warn!(%error, "cannot store when keys were used"),
        }
        if last {
            return;
        }
    }
}

/// Stores what calls found out about providers; for a provider that changes often, the last state of each second.
async fn store_health(
    store: Store,
    mut changes: mpsc::Receiver<HealthChange>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let first = tokio::select! {
            biased;
            first = changes.recv() => first,
            () = stop(&mut stopped) => None,
        };
        let Some(first) = first else { return };
        let mut latest = vec![first];
        while let Ok(next) = changes.try_recv() {
            latest.retain(|change| change.of != next.of);
            latest.push(next);
        }
        for HealthChange { organization_id, of, updated_at, health } in latest {
            let organization = store.system().organization(organization_id, "gateway");
            let stored = match of {
                HealthOf::Provider(id) => organization.provider_health_set(id, updated_at, health).await,
                HealthOf::Credential(id) => organization.credential_health_set(id, updated_at, health).await,
            };
            if let Err(error) = stored {
                tracing::warn!(?of, %error, "cannot store a provider's health");
            }
        }
        let _ = tokio::time::timeout(HEALTH_INTERVAL, stop(&mut stopped)).await;
    }
}

/// Adds the metrics of the recorder and of cooldowns.
pub(super) fn register(
    registry: &mut Registry,
    recorder: &Recorder,
    shared_state: &Arc<SharedState>,
    store: &Store,
) {
    registry.register_collector(Box::new(BudgetCollector(shared_state.clone(), store.clone())));
    registry.register_collector(Box::new(RecorderCollector(recorder.watcher())));
    registry.register_collector(Box::new(CooldownCollector(shared_state.clone())));
}

#[derive(Debug)]
struct CooldownCollector(Arc<SharedState>);

impl Collector for CooldownCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let open = ConstGauge::new(i64::try_from(self.0.cooldowns.open_count()).unwrap_or(i64::MAX));
        open.encode(encoder.encode_descriptor(
            "failsoft_models_in_cooldown",
            "Models of all organizations, or their deployments, that this process leaves alone for now",
            None,
            open.metric_type(),
        )?)
    }
}

#[derive(Debug)]
struct BudgetCollector(Arc<SharedState>, Store);

impl Collector for BudgetCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (mut soft, mut hard) = (0, 0);
        for organization in self.1.snapshots().organizations() {
            for budget in organization.budgets.iter() {
                let spent = self.0.spending.spent(organization.id, budget.api_key_id, budget.period);
                soft += i64::from(budget.soft.is_some_and(|limit| spent >= limit));
                hard += i64::from(budget.hard.is_some_and(|limit| spent >= limit));
            }
        }
        for (name, help, count) in [
            (
                "failsoft_budgets_at_soft_limit",
                "Budgets of all organizations whose soft limit is reached",
                soft,
            ),
            ("failsoft_budgets_at_hard_limit", "Budgets of all organizations that are used up", hard),
        ] {
            let gauge = ConstGauge::new(count);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct RecorderCollector(crate::store::recorder::Watcher);

impl Collector for RecorderCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = self.0.figures();
        let depth = ConstGauge::new(i64::try_from(self.0.depth()).unwrap_or(i64::MAX));
        depth.encode(encoder.encode_descriptor(
            "failsoft_recorder_queue_depth",
            "Places of the writer's queue that are taken: records waiting, and requests under way",
            None,
            depth.metric_type(),
        )?)?;
        let spooled = ConstGauge::new(i64::try_from(self.0.spooled()).unwrap_or(i64::MAX));
        spooled.encode(encoder.encode_descriptor(
            "failsoft_recorder_spooled",
            "Records that wait in the spool because the database is unreachable or slow",
            None,
            spooled.metric_type(),
        )?)?;
        for (name, help, value) in [
            ("failsoft_recorder_records", "Records committed", &figures.committed),
            ("failsoft_recorder_groups", "Commits of the writer", &figures.groups),
            ("failsoft_recorder_lost", "Records given up after every retry", &figures.lost),
        ] {
            let counter = ConstCounter::new(value.load(Ordering::Relaxed));
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}
