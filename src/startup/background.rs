//! What runs beside the servers: following the changes of other processes, and noting when keys were used.

use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::store::Store;
use crate::store::recorder::Recorder;

/// Every process looks for changes so often.
const FOLLOW: Duration = Duration::from_secs(1);
/// Keys' last use is written down so often.
const TOUCH: Duration = Duration::from_secs(30);

/// The tasks, and how to end them.
pub(super) struct Followers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Followers {
    pub(super) async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

pub(super) fn start(store: &Store, clock: &Clock) -> Followers {
    let (stop, stopped) = watch::channel(false);
    let tasks = vec![
        tokio::spawn(follow(store.clone(), stopped.clone())),
        tokio::spawn(touch(store.clone(), clock.clone(), stopped)),
    ];
    Followers { stop, tasks }
}

async fn follow(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(FOLLOW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = store.system().follow_changes().await {
            tracing::warn!(%error, "cannot look for changes; serving what is known");
        }
    }
}

async fn touch(store: Store, clock: Clock, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(TOUCH);
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
            Err(error) => tracing::warn!(%error, "cannot write down when keys were used"),
        }
        if last {
            return;
        }
    }
}

/// Adds the recorder's figures to the metrics.
pub(super) fn register(registry: &mut Registry, recorder: &Recorder) {
    registry.register_collector(Box::new(RecorderCollector(recorder.watcher())));
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
