//! The archive: its storage, the job that fills it, and its metrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Settings;
use crate::domain::clock::Clock;
use crate::store::Store;
use crate::store::archive::Archive;
use crate::store::recorder::Watcher;
use crate::upstream::object_storage;

/// How often records beyond their retention are looked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// The archive of the settings, if there is one.
///
/// # Errors
/// Its settings cannot be used. Whether the storage answers is not checked.
pub(crate) fn open(settings: &Settings) -> Result<Option<Arc<Archive>>, String> {
    let section = &settings.archive;
    let place = section.place()?;
    let open = |place| object_storage::open(&place, section.secret_access_key.as_ref());
    let storage = place.map(open).transpose();
    let storage = storage.map_err(|error| format!("the archive cannot be used: {error}"))?;
    Ok(storage.map(|storage| Arc::new(Archive::new(storage))))
}

/// Archives records beyond their retention, and deletes them.
pub(super) async fn run(
    store: Store,
    archive: Arc<Archive>,
    watcher: Watcher,
    mut stopped: watch::Receiver<bool>,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            _ = ticks.tick() => {}
        }
        let system = store.system();
        tokio::select! {
            _ = stopped.changed() => break,
            archived = system.archive(&archive, &watcher) => if let Err(error) = archived {
                tracing::warn!(%error, "the archive cannot be written; records stay in the database until it can");
            }
        }
    }
    store.system().archive_release(&archive).await;
}

/// Adds the metrics of the archive.
pub(super) fn register(registry: &mut Registry, archive: Arc<Archive>, clock: Clock) {
    registry.register_collector(Box::new(ArchiveCollector(archive, clock)));
}

#[derive(Debug)]
struct ArchiveCollector(Arc<Archive>, Clock);

impl Collector for ArchiveCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = &self.0.figures;
        for (name, help, value) in [
            (
                "failsoft_archive_objects",
                "Objects that this process has added to the archive",
                &figures.objects,
            ),
            ("failsoft_archive_rows", "Rows that this process has archived", &figures.rows),
            ("failsoft_archive_bytes", "Bytes of the objects that this process has archived", &figures.bytes),
            ("failsoft_archive_failures", "Attempts to archive that failed", &figures.failures),
        ] {
            let counter = ConstCounter::new(value.load(Ordering::Relaxed));
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let failing = ConstGauge::new(figures.failing_seconds(self.1.now()));
        failing.encode(encoder.encode_descriptor(
            "failsoft_archive_failing_seconds",
            "For how many seconds every attempt to archive has failed; 0 if the last one did not",
            None,
            failing.metric_type(),
        )?)
    }
}
